#include "http/form.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/strings.h"
#include "base/utf8.h"
#include "http/chars.h"
#include "http/media_type.h"

namespace vg::http {
namespace {

/// Replaces `out`. False on an invalid escape.
bool decode(std::string_view raw, std::string& out) {
  out.clear();
  out.reserve(raw.size());
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '%') {
      out += raw[i] == '+' ? ' ' : raw[i];
      continue;
    }
    const int high = i + 2 < raw.size() ? hex_value(raw[i + 1]) : -1;
    const int low = i + 2 < raw.size() ? hex_value(raw[i + 2]) : -1;
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

/// What is asked of every field, however it came. A field named `_charset_` says which one was used.
FormError check_field(const FormField& field) {
  if (field.name.empty()) return FormError::kMalformed;
  if (!is_utf8(field.name) || !is_utf8(field.value)) return FormError::kNotUtf8;
  if (field.name == "_charset_" && !is_utf8_charset(field.value)) return FormError::kNotUtf8;
  return FormError::kNone;
}

/// RFC 2046 section 5.1.1: 1 to 70 of bchars, the last of them no space.
bool is_boundary(std::string_view text) {
  constexpr std::string_view kOthers = "'()+_,-./:=? ";
  if (text.empty() || text.size() > 70 || text.back() == ' ') return false;
  for (const char c : text) {
    if (!is_alpha(c) && !is_digit(c) && kOthers.find(c) == std::string_view::npos) return false;
  }
  return true;
}

/// A boundary line.
struct Delimiter {
  size_t begin = 0;  // with the CRLF before it
  size_t end = 0;    // behind its own CRLF
  bool last = false;
};

/// Finds the boundary lines of a body, one after the other.
class Delimiters {
 public:
  Delimiters(std::string_view body, std::string_view boundary) : body_(body), dashes_("--" + std::string(boundary)) {}
  /// False at the end of the body. What begins a line like a boundary and is none ends it, too: then ok() is false.
  bool next(Delimiter& found);
  bool ok() const { return ok_; }

 private:
  bool read(size_t at, Delimiter& found);
  std::string_view body_;
  std::string dashes_;
  size_t from_ = 0;
  bool ok_ = true;
};

bool Delimiters::next(Delimiter& found) {
  for (size_t at = from_; ok_ && at < body_.size(); ++at) {
    const void* hit = memmem(body_.data() + at, body_.size() - at, dashes_.data(), dashes_.size());
    if (hit == nullptr) return false;
    at = static_cast<size_t>(static_cast<const char*>(hit) - body_.data());
    if (at == 0 || body_[at - 1] == '\n' || body_[at - 1] == '\r') {
      ok_ = read(at, found);
      from_ = found.end;
      return ok_;
    }
  }
  return false;
}

bool Delimiters::read(size_t at, Delimiter& found) {
  found.begin = at == 0 ? 0 : at - 2;
  // The CRLF before it is its own, not that of the boundary before.
  if (at > 0 && (at < from_ + 2 || body_.substr(at - 2, 2) != "\r\n")) return false;
  at += dashes_.size();
  found.last = body_.substr(at).starts_with("--");
  if (found.last) at += 2;
  while (at < body_.size() && (body_[at] == ' ' || body_[at] == '\t')) ++at;
  found.end = at;
  if (found.last && at == body_.size()) return true;
  found.end += 2;
  return body_.substr(at).starts_with("\r\n");
}

/// The header fields of a part that matter.
struct PartHead {
  std::string_view disposition, type, encoding;
};

bool read_field(std::string_view line, PartHead& head) {
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  for (size_t i = 0; i < line.size(); ++i) {
    if (!is_class(line[i], i < colon ? kTokenChar : kFieldChar)) return false;
  }
  const std::string_view name = line.substr(0, colon), value = trim(line.substr(colon + 1));
  std::string_view* known = iequals(name, "content-disposition")         ? &head.disposition
                            : iequals(name, "content-type")              ? &head.type
                            : iequals(name, "content-transfer-encoding") ? &head.encoding
                                                                         : nullptr;
  if (known == nullptr) return true;
  if (!known->empty() || value.empty()) return false;
  *known = value;
  return true;
}

/// Takes the head off `part` and leaves its content there.
std::optional<PartHead> take_head(std::string_view& part) {
  PartHead head;
  const size_t end = part.substr(0, kMaxPartHeadBytes).find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view lines = part.substr(0, end);
  while (!lines.empty()) {
    const size_t line = std::min(lines.find("\r\n"), lines.size());
    if (!read_field(lines.substr(0, line), head)) return std::nullopt;
    lines.remove_prefix(std::min(line + 2, lines.size()));
  }
  part.remove_prefix(end + 4);
  return head;
}

/// Content-Disposition: the field's name, and whether there is a file.
FormError read_disposition(std::string_view text, FormField& field) {
  const size_t semicolon = std::min(text.find(';'), text.size());
  Parameters parameters;
  if (!iequals(trim(text.substr(0, semicolon)), "form-data")) return FormError::kMalformed;
  if (!parameters.parse(text.substr(semicolon), Parameters::Quotes::kForm)) return FormError::kMalformed;
  // RFC 7578 section 4.2: a form has no name*; who reads it may see another name.
  const std::string* name = parameters.find("name");
  if (name == nullptr || name->empty() || parameters.find("name*") != nullptr) return FormError::kMalformed;
  if (!is_utf8(*name)) return FormError::kNotUtf8;
  field.name = *name;
  const bool file = parameters.find("filename") != nullptr || parameters.find("filename*") != nullptr;
  return file ? FormError::kFile : FormError::kNone;
}

FormError check_part_type(std::string_view text) {
  if (text.empty()) return FormError::kNone;
  const auto type = MediaType::parse(text);
  if (!type) return FormError::kMalformed;
  // RFC 7578 section 4.3: how several files of one field used to be sent.
  if (type->type().starts_with("multipart/")) return FormError::kFile;
  return type->is_utf8() ? FormError::kNone : FormError::kNotUtf8;
}

FormError read_part(std::string_view part, FormField& field) {
  const auto head = take_head(part);
  if (!head) return FormError::kMalformed;
  if (const FormError error = read_disposition(head->disposition, field); error != FormError::kNone) return error;
  if (const FormError error = check_part_type(head->type); error != FormError::kNone) return error;
  const std::string_view e = head->encoding;
  if (!e.empty() && !iequals(e, "binary") && !iequals(e, "8bit") && !iequals(e, "7bit")) return FormError::kMalformed;
  field.value = part;
  return check_field(field);
}

}  // namespace

FormError read_urlencoded(std::string_view body, std::vector<FormField>& out) {
  out.clear();
  while (!body.empty()) {
    const std::string_view piece = body.substr(0, body.find('&'));
    body.remove_prefix(std::min(piece.size() + 1, body.size()));
    if (piece.empty()) continue;
    if (out.size() == kMaxFormFields) return FormError::kTooManyFields;
    const size_t equals = std::min(piece.find('='), piece.size());
    FormField& field = out.emplace_back();
    if (!decode(piece.substr(0, equals), field.name)) return FormError::kMalformed;
    if (equals < piece.size() && !decode(piece.substr(equals + 1), field.value)) return FormError::kMalformed;
    if (const FormError error = check_field(field); error != FormError::kNone) return error;
  }
  return FormError::kNone;
}

FormError read_multipart(std::string_view body, std::string_view content_type, std::vector<FormField>& out) {
  out.clear();
  const auto type = MediaType::parse(content_type);
  if (!type || !type->is("multipart/form-data")) return FormError::kMalformed;
  const std::string* boundary = type->parameter("boundary");
  if (boundary == nullptr || !is_boundary(*boundary)) return FormError::kMalformed;
  if (!type->is_utf8()) return FormError::kNotUtf8;
  Delimiters delimiters(body, *boundary);
  Delimiter before, after;
  if (!delimiters.next(before)) return FormError::kMalformed;
  while (!before.last) {
    if (!delimiters.next(after)) return FormError::kMalformed;
    if (out.size() == kMaxFormFields) return FormError::kTooManyFields;
    const std::string_view part = body.substr(before.end, after.begin - before.end);
    if (const FormError error = read_part(part, out.emplace_back()); error != FormError::kNone) return error;
    before = after;
  }
  // Behind the last boundary there is none any more, for whoever reads it.
  return delimiters.next(after) || !delimiters.ok() ? FormError::kMalformed : FormError::kNone;
}

}  // namespace vg::http
