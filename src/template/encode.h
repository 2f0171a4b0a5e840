// Encoders: each appends one value to a text, for one place, in one pass, whatever its bytes. A value comes as it stood
// on the wire, with the coding that its bytes are in; it is decoded and encoded again byte by byte, without a copy
// between.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vg::tmpl {

/// How a value's bytes are to be read.
enum class Coding : uint8_t {
  kPlain,    ///< as they are
  kPercent,  ///< %XX is a byte
  kForm,     ///< %XX is a byte, '+' a space (application/x-www-form-urlencoded)
};

// Sets of bytes that may stand in a place unescaped. RFC 3986 sections 2 and 3.3.
constexpr uint8_t kUnreserved = 1;  // ALPHA DIGIT - . _ ~
constexpr uint8_t kSegmentSafe =
    2;  // of one segment's value; no ';', which servers take for the beginning of parameters, no '+'
constexpr uint8_t kPathSafe = 4;    // pchar and '/'
constexpr uint8_t kValueSafe = 8;   // of a query parameter's value
constexpr uint8_t kQuerySafe = 16;  // of a query's text: pchar, '/', '?'
constexpr uint8_t kHostSafe = 32;   // of a host with port
constexpr uint8_t kPathRun = 64;    // kPathSafe but the dot, which may begin a dot segment

extern const std::array<uint8_t, 256> kByteClasses;
inline bool in_class(char c, uint8_t classes) { return kByteClasses[static_cast<unsigned char>(c)] & classes; }

/// Appends '%' and two digits in upper case (RFC 3986 section 6.2.2.1).
void append_escape(std::string& out, char c);
/// The byte that begins at `at`, which moves behind it. An escape that is none stands for itself.
char next_byte(std::string_view text, Coding coding, size_t& at);
/// All bytes decoded.
void append_decoded(std::string& out, std::string_view text, Coding coding);

// Each returns false for a value that counts as missing there, and has then appended nothing.

/// One path segment, or a part of one. Missing: empty, ".", "..".
bool append_segment(std::string& out, std::string_view text, Coding coding);
/// Segments with their slashes, an escaped slash staying escaped; may be empty. Missing: with a dot segment among them.
bool append_rest(std::string& out, std::string_view text, Coding coding);
/// A query parameter's value. Never missing.
bool append_query_value(std::string& out, std::string_view text, Coding coding);
/// A header field's value. Missing: with a control character other than a tab (RFC 9110 section 5.5).
bool append_header_value(std::string& out, std::string_view text, Coding coding);
/// A part of a string of JSON, without its quotes. Never missing: bytes that are not UTF-8 become U+FFFD.
bool append_json_text(std::string& out, std::string_view text, Coding coding);
/// A host, maybe with a port. Missing: empty, or with any byte that could end a URL's authority or name a user.
bool append_host(std::string& out, std::string_view text, Coding coding);

}  // namespace vg::tmpl
