// Structured fields, as far as caches need them: dictionaries are read, lists are checked. A field with a mistake in it
// is no field at all. RFC 9651 (which took the place of RFC 8941).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/head.h"

namespace vg::cache {

/// A bare item. Its parameters were checked and dropped.
struct StructuredItem {
  enum class Kind : uint8_t {
    kInteger,
    kDecimal,
    kString,
    kToken,
    kBytes,
    kBoolean,
    kDate,
    kDisplayString,
    kInnerList
  };
  Kind kind = Kind::kBoolean;
  int64_t integer = 1;  ///< kInteger, kDate; kBoolean: 0 or 1
  std::string text;     ///< kString without quotes and escapes, kToken
};

struct StructuredMember {
  std::string key;
  StructuredItem value;
};

/// The members, each key once: the last of its values stands. nullopt: a mistake. Section 4.2.2.
std::optional<std::vector<StructuredMember>> parse_dictionary(std::string_view field);
/// Section 4.2.1.
bool is_list(std::string_view field);
/// All lines of a field as one, joined by commas (section 4.2).
std::string joined_lines(const http::Head& head, http::FieldId id);

/// Appends `text` as a token where it is one, else as a string; what no string may have is left out. Sections 4.1.6 and
/// 4.1.7.
void append_token_or_string(std::string& out, std::string_view text);

}  // namespace vg::cache
