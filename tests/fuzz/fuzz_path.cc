// Any bytes as a path, a value to encode and an authority: nothing that passes a check can become structure afterwards.
#include "fuzz/fuzz_support.h"
#include "http/target.h"

namespace vg::fuzz {
namespace {

void check_segment(std::string_view raw) {
  std::string value, again;
  FUZZ_CHECK(http::decode_segment(raw, value));
  FUZZ_CHECK(value != "." && value != "..");
  FUZZ_CHECK(value.find('\0') == std::string::npos);
  std::string path = "/";
  http::append_encoded_segment(path, value);
  FUZZ_CHECK(path.find('/', 1) == std::string::npos);
  const bool dots_and_semicolon = value.starts_with(".;") || value.starts_with("..;");
  FUZZ_CHECK(http::check_path(path).ok() || dots_and_semicolon);
  FUZZ_CHECK(http::decode_segment(std::string_view(path).substr(1), again) && again == value);
}

void check_path(std::string_view path) {
  const http::PathCheck check = http::check_path(path);
  if (!check.ok()) return;
  FUZZ_CHECK(check.has_escapes == (path.find('%') != std::string_view::npos));
  std::string_view rest = path.substr(1);
  for (;;) {
    const size_t slash = rest.find('/');
    check_segment(rest.substr(0, slash));
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

// A value of any bytes, as a query's: no byte of it means anything, and decoding gives it back.
void check_query_value(std::string_view value) {
  std::string encoded, decoded;
  http::append_encoded_query_value(encoded, value);
  FUZZ_CHECK(encoded.find_first_of("&=?#/+ \r\n;") == std::string::npos);
  FUZZ_CHECK(http::decode_segment(encoded, decoded) && decoded == value);
}

void check_authority(std::string_view text) {
  std::string_view host, port;
  if (!http::split_authority(text, host, port)) return;
  std::string scratch;
  const std::string small(http::lower_host(host, scratch));
  FUZZ_CHECK(!small.empty() && port.size() <= 5);
  FUZZ_CHECK(http::same_authority(text, port.empty() ? small : small + ":" + std::string(port), "80"));
}

}  // namespace
}  // namespace vg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  vg::fuzz::check_path(text);
  vg::fuzz::check_query_value(text);
  vg::fuzz::check_authority(text);
  return 0;
}
