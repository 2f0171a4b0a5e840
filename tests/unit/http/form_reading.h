// What the tests of forms share: a read form as one text, and bodies put together by hand.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "http/form.h"

namespace vg::http::test {

inline std::string_view name_of(FormError error) {
  switch (error) {
    case FormError::kNone:
      return "none";
    case FormError::kMalformed:
      return "malformed";
    case FormError::kFile:
      return "file";
    case FormError::kTooManyFields:
      return "too many fields";
    case FormError::kNotUtf8:
      return "not utf-8";
  }
  return "?";
}

/// "a=1|b=2", or the name of the error.
inline std::string shown(FormError error, const std::vector<FormField>& fields) {
  if (error != FormError::kNone) return std::string(name_of(error));
  std::string out;
  for (const FormField& f : fields) out += (out.empty() ? "" : "|") + f.name + '=' + f.value;
  return out;
}

inline std::string urlencoded(std::string_view body) {
  std::vector<FormField> fields;
  const FormError error = read_urlencoded(body, fields);
  return shown(error, fields);
}

/// With the boundary "b".
inline std::string multipart(std::string_view body, std::string_view content_type = "multipart/form-data; boundary=b") {
  std::vector<FormField> fields;
  const FormError error = read_multipart(body, content_type, fields);
  return shown(error, fields);
}

/// One part of a body with the boundary "b", of these lines of head.
inline std::string part(std::string_view head, std::string_view content) {
  return "--b\r\n" + std::string(head) + "\r\n\r\n" + std::string(content) + "\r\n";
}

inline std::string field(std::string_view name, std::string_view content) {
  return part("Content-Disposition: form-data; name=\"" + std::string(name) + '"', content);
}

constexpr std::string_view kEnd = "--b--\r\n";

}  // namespace vg::http::test
