// Makes bytes of strangers safe to stand in a log line. None of these writes a control character, so nothing that a
// client sends can begin a line of its own or move a terminal's cursor.
#pragma once
#include <string>
#include <string_view>

namespace vg::observe {

/// For text between quotes: quote, backslash and all that is not printable ASCII become \" \\ \xHH.
void append_quoted_text(std::string& out, std::string_view s);
/// For a value of key=value: as it is if it is a plain word, else quoted.
void append_value(std::string& out, std::string_view s);
/// For messages: valid UTF-8 stays, control characters (C1 too) and invalid bytes become \n, \r, \t or \xHH.
void append_message(std::string& out, std::string_view s);
/// For a JSON string, without its quotes: RFC 8259 section 7. An invalid UTF-8 byte becomes U+FFFD.
void append_json(std::string& out, std::string_view s);

}  // namespace vg::observe
