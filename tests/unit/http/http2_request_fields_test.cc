#include "http/http2_fields.h"

#include <gtest/gtest.h>

namespace vg::http {
namespace {

std::string_view text(const uint8_t* bytes, size_t size) { return {reinterpret_cast<const char*>(bytes), size}; }

std::string fields_of(std::string head, std::string_view scheme = "http") {
  Http2FieldList list;
  list.add_request(head, scheme);
  std::string out;
  for (size_t i = 0; i < list.size(); ++i) {
    const nghttp2_nv& f = list.data()[i];
    out.append(text(f.name, f.namelen)).append("=").append(text(f.value, f.valuelen)).append(" ");
  }
  return out;
}

TEST(Http2RequestFields, ARequestBeginsWithItsPseudoFields) {
  EXPECT_EQ(fields_of("GET /a?b HTTP/1.1\r\nHost: up:80\r\nX-Mine: 1\r\n\r\n"),
            ":method=GET :scheme=http :path=/a?b :authority=up:80 x-mine=1 te=trailers ");
}

TEST(Http2RequestFields, HostIsTheAuthorityWhereverItStands) {
  EXPECT_EQ(fields_of("PUT / HTTP/1.1\r\nA: 1\r\nB: 2\r\nhost: up\r\nC: 3\r\n\r\n", "https"),
            ":method=PUT :scheme=https :path=/ :authority=up a=1 b=2 c=3 te=trailers ");
}

TEST(Http2RequestFields, ARequestWithoutHostHasNoAuthority) {
  EXPECT_EQ(fields_of("OPTIONS * HTTP/1.1\r\nA: 1\r\n\r\n"), ":method=OPTIONS :scheme=http :path=* a=1 te=trailers ");
}

TEST(Http2RequestFields, FieldsOfOneConnectionAreLeftOut) {
  EXPECT_EQ(fields_of("POST / HTTP/1.1\r\nHost: up\r\nConnection: Upgrade\r\nUpgrade: x\r\nKeep-Alive: 1\r\n"
                      "Proxy-Connection: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\nEmpty: \r\n\r\n"),
            ":method=POST :scheme=http :path=/ :authority=up content-length=3 empty= te=trailers ");
}

}  // namespace
}  // namespace vg::http
