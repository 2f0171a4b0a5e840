// Taking one reference apart, "query.page:int|1", and checking it against what the scope offers.
#pragma once
#include <optional>
#include <string_view>

#include "template/template.h"

namespace vg::tmpl {

/// `text` is what stands between the braces, at the offset `at` of the template.
/// Errors: each goes to `errors`, and the result is nullopt.
std::optional<Reference> parse_reference(std::string_view text, size_t at, const Scope& scope, const ErrorSink& errors);

}  // namespace vg::tmpl
