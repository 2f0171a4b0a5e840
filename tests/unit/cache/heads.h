// Heads as the parsers make them, and moments, for the tests of the rules.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "cache/freshness.h"
#include "unit/http/head_feed.h"

namespace vg::cache::test {

/// Sun, 06 Nov 1994 08:49:37 GMT.
inline constexpr int64_t kThen = 784111777;

inline WallTime at(int64_t unix_seconds) { return WallTime(std::chrono::seconds(unix_seconds)); }

/// Asked and answered at kThen + `after`, within one moment.
inline Received received(int64_t after = 0) {
  Received out;
  out.request_at = out.response_at = at(kThen + after);
  return out;
}

/// `lines`: fields, one a line, without CR.
inline std::string crlf(std::string_view lines) {
  std::string out;
  for (const char c : lines) out.append(c == '\n' ? "\r\n" : std::string(1, c));
  if (!out.empty() && !out.ends_with("\r\n")) out.append("\r\n");
  return out;
}

inline http::ResponseHead response(std::string_view lines, int status = 200) {
  http::ResponseHead head;
  const std::string text = "HTTP/1.1 " + std::to_string(status) + " x\r\n" + crlf(lines) + "\r\n";
  const auto fed = http::test::feed_response(text, http::Method::kGet, http::test::whole(), {}, &head);
  EXPECT_EQ(fed.status, http::ParseStatus::kDone) << fed.reason << "\n" << text;
  return head;
}

inline http::RequestHead request(std::string_view lines, std::string_view start = "GET /a HTTP/1.1") {
  http::RequestHead head;
  const std::string text = http::test::with_fields(crlf(lines), start);
  const auto fed = http::test::feed_request(text, http::test::whole(), {}, &head);
  EXPECT_EQ(fed.status, http::ParseStatus::kDone) << fed.reason << "\n" << text;
  return head;
}

inline ResponseDirectives said(std::string_view lines) { return response_directives(response(lines)); }

inline std::chrono::seconds seconds(int64_t n) { return std::chrono::seconds(n); }

}  // namespace vg::cache::test
