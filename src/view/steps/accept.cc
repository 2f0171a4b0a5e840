#include "view/steps/accept.h"

#include <algorithm>

#include "config/read.h"
#include "source/declared_request.h"

namespace vg::view {

std::vector<config::Key> Accept::keys() {
  return {config::key("accept", config::one_or_list(config::text().at_least(1)))
              .summary("the members that are taken of the client's content; others are dropped"),
          config::key("strict_body", config::boolean())
              .fallback("false")
              .summary("answer 422 to members that are not accepted, instead of dropping them"),
          config::key("set", config::json()).summary("members to add: name -> JSON with templates in it")};
}

Accept Accept::create(pipeline::Build& build, const tmpl::Scope& scope) {
  Accept out;
  const config::Node* s = build.settings();
  out.limited_ = config::child(s, "accept") != nullptr;
  out.accept_ = config::texts(s, "accept");
  out.strict_ = config::boolean(s, "strict_body", false);
  if (out.strict_ && !out.limited_)
    build.error(*config::child(s, "strict_body"), "strict_body", "needs accept: it says which members are refused");
  const config::Node* set = config::child(s, "set");
  if (set == nullptr) return out;
  if (!set->is_map()) {
    build.error(*set, "set", "is a map, name: value");
    return out;
  }
  for (const config::Member& m : set->members()) out.set_names_.emplace_back(m.key);
  out.set_ = build.compile_json(*set, "set", scope);
  return out;
}

bool Accept::takes(const json::Member& member) const {
  return !limited_ ||
         std::any_of(accept_.begin(), accept_.end(), [&](const std::string& name) { return member.named(name); });
}

void Accept::take(json::Value body, std::string& out, FieldErrors& errors) const {
  if (!limited_) {
    out.append(body.text());
    return;
  }
  const size_t begin = out.size();
  out.push_back('{');
  for (const json::Member& m : body.members()) {
    if (!takes(m)) {
      std::string name;
      m.append_name(name);
      if (strict_) errors.add(name, "is not accepted");
      continue;
    }
    if (out.size() > begin + 1) out.push_back(',');
    out.append("\"").append(m.raw_name).append("\":").append(m.value.text());
  }
  out.push_back('}');
}

Result<void> Accept::add_set(json::Value taken, const tmpl::Values& values, std::string& out) const {
  if (!set_) {
    out.append(taken.text());
    return {};
  }
  const size_t begin = out.size();
  out.push_back('{');
  for (const json::Member& m : taken.members()) {
    const bool replaced = std::any_of(set_names_.begin(), set_names_.end(), [&](const auto& n) { return m.named(n); });
    if (replaced) continue;
    if (out.size() > begin + 1) out.push_back(',');
    out.append("\"").append(m.raw_name).append("\":").append(m.value.text());
  }
  std::string set;
  const tmpl::Rendered rendered = set_->render(values, set);
  if (rendered.status == tmpl::Rendered::Status::kBadValue) return source::template_error(rendered);
  if (set.size() > 2) {
    if (out.size() > begin + 1) out.push_back(',');
    out.append(set, 1, set.size() - 2);
  }
  out.push_back('}');
  return {};
}

}  // namespace vg::view
