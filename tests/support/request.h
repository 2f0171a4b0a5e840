// A request head that a test writes down as it stands on the wire.
#pragma once
#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "http/parser.h"

namespace vg::test {

/// `text` is the whole head, its empty line included.
inline void parse_head(http::RequestHead& head, std::string_view text) {
  http::RequestParser parser;
  parser.reset(&head, {});
  size_t taken = 0;
  EXPECT_EQ(parser.feed(text, &taken), http::ParseStatus::kDone) << text << parser.error().reason;
}

/// "GET TARGET" of host a, with these field lines.
inline void parse_get(http::RequestHead& head, std::string_view target,
                      std::initializer_list<std::string_view> fields = {}) {
  std::string text = "GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n";
  for (const std::string_view f : fields) text.append(f).append("\r\n");
  parse_head(head, text + "\r\n");
}

}  // namespace vg::test
