#include "template/convert.h"

#include <algorithm>

#include "base/strings.h"
#include "json/flatten.h"
#include "json/writer.h"

namespace vg::tmpl {
namespace {

Converted to_int(std::string_view text, std::string& out) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text.size() > 18 || !std::all_of(text.begin(), text.end(), is_digit)) return Converted::kBad;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  out = negative && text != "0" ? "-" : "";
  out += text;
  return Converted::kOk;
}

Converted to_bool(std::string_view text, std::string& out) {
  if (text == "true" || text == "1") {
    out = "true";
  } else if (text == "false" || text == "0") {
    out = "false";
  } else {
    return Converted::kBad;
  }
  return Converted::kOk;
}

Converted from_json(std::string_view text, std::string& out) {
  out.clear();
  switch (json::flatten(text, out)) {
    case json::Flat::kText:
      return Converted::kOk;
    case json::Flat::kInvalid:
      return Converted::kBad;
    default:
      return Converted::kMissing;
  }
}

}  // namespace

Converted convert(Conversion conversion, std::string_view text, std::string& out) {
  switch (conversion) {
    case Conversion::kInt:
      return to_int(text, out);
    case Conversion::kBool:
      return to_bool(text, out);
    case Conversion::kJson:
      return from_json(text, out);
    case Conversion::kNumber:
      if (!json::is_number(text)) return Converted::kBad;
      break;
    case Conversion::kNone:
      break;
  }
  out = text;
  return Converted::kOk;
}

}  // namespace vg::tmpl
