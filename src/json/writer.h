// Writes JSON text member by member into a string: commas, colons and escapes are its business, order and structure its
// caller's. Numbers are passed as text, so that they keep the form they were written in. RFC 8259.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace vg::json {

/// True if the whole text is a number by JSON's grammar (RFC 8259 section 6).
bool is_number(std::string_view text);
/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, so that the result is
/// always JSON.
void append_string(std::string& out, std::string_view text);

/// Appends one JSON value to a string. Thread: one at a time. Lifetime: `out` outlives it.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_array() { open('['); }
  void end_array() { close(']'); }
  void key(std::string_view name);
  void string(std::string_view text);
  /// `text` must be a number (is_number): written as it is. What is none is written as a string, never as broken JSON.
  void number(std::string_view text);
  void number(int64_t value);
  void boolean(bool value) { word(value ? "true" : "false"); }
  void null() { word("null"); }
  /// A value that is JSON already.
  void raw(std::string_view json) { word(json); }

 private:
  void open(char c);
  void close(char c);
  void word(std::string_view text);
  void comma();
  std::string& out_;
  bool first_ = true;   // nothing stands yet in the object or array that is open
  bool keyed_ = false;  // a key was written, its value was not
};

}  // namespace vg::json
