// The readers of forms. The input is a Content-Type, a newline and a body, which both readers are given; what one reads
// must be read again from what it is written as. Then the input is taken for fields itself, which are written and read.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/strings.h"
#include "base/utf8.h"
#include "fuzz/fuzz_support.h"
#include "http/form.h"
#include "json/form_json.h"
#include "json/scan.h"
#include "json/value.h"

namespace {

using namespace vg::http;
using Fields = std::vector<FormField>;

std::string escaped(std::string_view text, std::string_view which) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (which.find(c) == std::string_view::npos) {
      out += c;
    } else {
      (out += '%') += {kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return out;
}

std::string as_urlencoded(const Fields& fields) {
  std::string out;
  for (const FormField& f : fields) out += '&' + escaped(f.name, "%+&=") + '=' + escaped(f.value, "%+&=");
  return out;
}

/// A boundary that is in none of the fields: they are shorter than it, or have another letter where it differs.
std::string boundary_for(const Fields& fields) {
  std::string boundary = "b";
  for (bool again = true; again && boundary.size() < 70;) {
    again = false;
    for (const FormField& f : fields) again = again || f.value.find("--" + boundary) != std::string::npos;
    if (again) boundary += static_cast<char>('a' + boundary.size() % 26);
  }
  return boundary;
}

std::string as_multipart(const Fields& fields, const std::string& boundary) {
  std::string out;
  for (const FormField& f : fields) {
    out += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + escaped(f.name, "\"\r\n") + "\"\r\n\r\n" +
           f.value + "\r\n";
  }
  return out + "--" + boundary + "--\r\n";
}

void check_same(const Fields& a, const Fields& b) {
  FUZZ_CHECK(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) FUZZ_CHECK(a[i].name == b[i].name && a[i].value == b[i].value);
}

/// By the rules of HTML an escape in a name is one of three; others are themselves, and controls have no place there.
bool fits_multipart(const FormField& f) {
  for (size_t i = 0; i < f.name.size(); ++i) {
    const char c = f.name[i];
    if (c == 0x7f || (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n')) return false;
    for (const char* escape : {"%22", "%0d", "%0a"}) {
      if (vg::iequals(std::string_view(f.name).substr(i, 3), escape)) return false;
    }
  }
  return f.name.size() < kMaxPartHeadBytes / 4;
}

void check_read(const Fields& fields, size_t bytes) {
  FUZZ_CHECK(fields.size() <= kMaxFormFields && fields.size() <= bytes);
  size_t total = 0;
  std::vector<vg::json::FormPair> pairs;
  bool multipart = true;
  for (const FormField& f : fields) {
    FUZZ_CHECK(!f.name.empty() && vg::is_utf8(f.name) && vg::is_utf8(f.value));
    total += f.name.size() + f.value.size();
    pairs.emplace_back(f.name, f.value);
    multipart = multipart && fits_multipart(f);
  }
  FUZZ_CHECK(total <= bytes);
  std::string json;
  vg::json::append_form(json, pairs);
  FUZZ_CHECK(vg::json::is_json(json) && !vg::json::has_duplicate_members(json));
  FUZZ_CHECK(vg::json::Value::of(json).size() <= fields.size());
  Fields again;
  FUZZ_CHECK(read_urlencoded(as_urlencoded(fields), again) == FormError::kNone);
  check_same(fields, again);
  if (!multipart) return;
  const std::string boundary = boundary_for(fields);
  if (boundary.size() == 70) return;
  FUZZ_CHECK(read_multipart(as_multipart(fields, boundary), "multipart/form-data; boundary=" + boundary, again) ==
             FormError::kNone);
  check_same(fields, again);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(input.find('\n'), input.size());
  const std::string_view body = input.substr(std::min(line + 1, input.size()));
  Fields fields;
  if (read_multipart(body, input.substr(0, line), fields) == FormError::kNone) check_read(fields, body.size());
  if (read_multipart(body, "multipart/form-data; boundary=b", fields) == FormError::kNone)
    check_read(fields, body.size());
  if (read_urlencoded(body, fields) == FormError::kNone) check_read(fields, body.size());

  fields.clear();
  for (const std::string_view piece : vg::split(body, '|')) {
    const size_t equals = std::min(piece.find('='), piece.size());
    FormField field{std::string(piece.substr(0, equals)), std::string(piece.substr(equals))};
    if (field.name.empty() || field.name == "_charset_" || !vg::is_utf8(field.name) || !vg::is_utf8(field.value))
      continue;
    if (fields.size() < kMaxFormFields) fields.push_back(std::move(field));
  }
  check_read(fields, body.size());
  return 0;
}
