// What stands between the quotes of a JSON string, read: escapes decoded, or two strings compared as if they were. The
// raw text is that of a validated string without its quotes (json/scan.h). RFC 8259 section 7.
#pragma once
#include <string>
#include <string_view>

namespace vg::json {

/// Appends the text that `raw` stands for, in valid UTF-8: half a surrogate pair becomes U+FFFD.
void append_unescaped(std::string& out, std::string_view raw);

/// Below, at or above 0 as the text of `a` stands before, at or behind that of `b`, by code points. Half a surrogate
/// pair is itself here: it is neither another half nor U+FFFD. Nothing is allocated.
int compare_unescaped(std::string_view a, std::string_view b);

/// True if `raw` stands for this text.
bool unescaped_is(std::string_view raw, std::string_view text);

}  // namespace vg::json
