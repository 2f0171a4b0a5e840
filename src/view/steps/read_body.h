// Reads the client's content as JSON: as it came, or made of a form. SPEC section 5, "create / update".
#pragma once
#include <string>

#include "pipeline/view.h"

namespace vg::view {

/// What a view takes. `forms`: urlencoded and multipart too, as an object of strings.
struct BodyRules {
  bool forms = true;
  bool form_only = false;  ///< nothing but a form: a POST to what is updated by PUT and PATCH
};

/// The content, which has arrived whole: JSON in `text`.
/// Errors: 400 (no JSON, a member twice, a broken form), 408, 413, 415 (no JSON and no form, or a content coding), 422
/// (a form with files); kCancelled. Cancel: ctx.cancel.
coro::Task<Result<void>> read_body(pipeline::Context& ctx, BodyRules rules, std::string* text);

/// Whether the content that is announced is a form.
bool has_form(const pipeline::Context& ctx);

}  // namespace vg::view
