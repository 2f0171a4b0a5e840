#include "view/steps/field_errors.h"

#include <algorithm>

#include "json/writer.h"

namespace vg::view {

void FieldErrors::add(std::string_view field, std::string message) {
  if (field.empty()) field = kWhole;
  auto at = std::find_if(fields_.begin(), fields_.end(), [&](const auto& f) { return f.first == field; });
  if (at == fields_.end() && fields_.size() >= kMostFields) return;
  if (at == fields_.end()) at = fields_.insert(fields_.end(), {std::string(field), {}});
  if (std::find(at->second.begin(), at->second.end(), message) == at->second.end())
    at->second.push_back(std::move(message));
}

bool FieldErrors::has(std::string_view field) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const auto& f) { return f.first == field; });
}

Error FieldErrors::to_error(pipeline::Context& ctx) const {
  json::Writer w(ctx.problem_errors);
  ctx.problem_errors.clear();
  w.begin_object();
  for (const auto& [field, messages] : fields_) {
    w.key(field);
    w.begin_array();
    for (const std::string& m : messages) w.string(m);
    w.end_array();
  }
  w.end_object();
  Error e(ErrorKind::kStatus, "the content is not valid");
  e.status = 422;
  return e;
}

}  // namespace vg::view
