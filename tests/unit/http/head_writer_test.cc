#include "http/writer.h"

#include <gtest/gtest.h>

namespace vg::http {
namespace {

TEST(ReasonPhrase, KnowsTheRegisteredCodes) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(304), "Not Modified");
  EXPECT_EQ(reason_phrase(431), "Request Header Fields Too Large");
  EXPECT_EQ(reason_phrase(504), "Gateway Timeout");
  for (const int status : {-1, 0, 99, 299, 418, 511 + 1, 599, 100000})
    EXPECT_EQ(reason_phrase(status), "Unknown") << status;
}

TEST(StatusLine, IsWrittenWithThePhraseOrTheCallersOwn) {
  std::string out;
  append_status_line(out, 200);
  append_status_line(out, 404);
  append_status_line(out, 299);
  append_status_line(out, 200, "Fine");
  append_status_line(out, 502, "");
  EXPECT_EQ(
      out,
      "HTTP/1.1 200 OK\r\nHTTP/1.1 404 Not Found\r\nHTTP/1.1 299 Unknown\r\nHTTP/1.1 200 Fine\r\nHTTP/1.1 502 \r\n");
}

TEST(AppendField, WritesOneLine) {
  std::string out = "x";
  append_field(out, "A", "b");
  append_field(out, "C", std::string_view());
  append_field(out, "Content-Length", uint64_t{18446744073709551615U});
  EXPECT_EQ(out, "xA: b\r\nC: \r\nContent-Length: 18446744073709551615\r\n");
}

TEST(ImfDate, IsTheFormOfTheRfc) {
  const std::pair<int64_t, const char*> dates[] = {
      {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},  {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
      {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},  {1709164799, "Wed, 28 Feb 2024 23:59:59 GMT"},
      {4102444799, "Thu, 31 Dec 2099 23:59:59 GMT"},
  };
  for (const auto& [seconds, text] : dates) {
    std::string out;
    append_imf_date(out, seconds);
    EXPECT_EQ(out, text);
    EXPECT_EQ(DateCache::get(seconds), text);
    EXPECT_EQ(DateCache::get(seconds), text);
  }
}

}  // namespace
}  // namespace vg::http
