// Reads the two encodings in which HTML forms are sent: application/x-www-form-urlencoded (the URL standard of WHATWG)
// and multipart/form-data (RFC 7578 over RFC 2046 section 5.1). Both strictly: where two readers could see different
// fields in the same bytes, there are none. Files are refused: these forms become JSON.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace vg::http {

struct FormField {
  std::string name;
  std::string value;
};

/// No form has more fields than this.
constexpr size_t kMaxFormFields = 1000;
/// The header fields of one part of a multipart form.
constexpr size_t kMaxPartHeadBytes = 4096;

enum class FormError {
  kNone,
  kMalformed,
  kFile,           ///< a part with a filename: the last field of `out` has its name, and no value
  kTooManyFields,  ///< more than kMaxFormFields
  kNotUtf8,        ///< a name or value is no UTF-8, or another charset is declared
};

/// Replaces `out`. A name without "=" has an empty value, "&&" is nothing, '+' is a space.
/// Errors: kMalformed (an invalid escape, a field without a name), kTooManyFields, kNotUtf8.
FormError read_urlencoded(std::string_view body, std::vector<FormField>& out);

/// Replaces `out`. `content_type` is the field's value, with the boundary. What stands before the first boundary and
/// behind the last is passed over. Lines end in CRLF alone; a boundary that begins a line in any other way, or goes on
/// with anything but what RFC 2046 has there, is kMalformed, and so are parts without a name, with two, or with a
/// Content-Transfer-Encoding that changes their bytes.
FormError read_multipart(std::string_view body, std::string_view content_type, std::vector<FormField>& out);

}  // namespace vg::http
