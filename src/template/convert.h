// Conversions of a reference, "{query.page:int}": what is accepted, and the text that stands for it in path, query and
// header.
#pragma once
#include <string>
#include <string_view>

#include "template/template.h"

namespace vg::tmpl {

enum class Converted : uint8_t { kOk, kMissing, kBad };

/// int: decimal digits, at most 18, with a sign; without leading zeros in the result. number: JSON's grammar, as
/// written. bool: true, false, 1 or 0; the words in the result. json: any JSON; a scalar becomes its text, an array of
/// scalars is joined by commas, null and other structures are missing. `text` is decoded. On anything but kOk `out` is
/// unspecified.
Converted convert(Conversion conversion, std::string_view text, std::string& out);

}  // namespace vg::tmpl
