#include "view/steps/validate.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "config/read.h"
#include "json/scan.h"
#include "template/plain_json.h"

namespace vg::view {

namespace {

config::Spec check_spec() {
  return source::call_spec(
      {config::key("expect", config::json()).summary("members that the answer must have, with their values"),
       config::key("field", config::text().at_least(1)).summary("whose error it is"),
       config::key("message", config::text().at_least(1)).summary("the error")});
}

// Objects at least, everything else exactly.
bool matches(json::Value expected, json::Value actual) {
  if (!expected.is_object()) return json::equal(expected, actual);
  if (!actual.is_object()) return false;
  for (const json::Member& m : expected.members()) {
    std::string name;
    m.append_name(name);
    if (!matches(m.value, actual.member(name))) return false;
  }
  return true;
}

// Where in the configuration a part of an inline schema was written.
const config::Node& node_at(const config::Node& schema, std::string_view pointer) {
  const config::Node* node = &schema;
  for (const std::string_view raw : split(pointer, '/')) {
    if (raw.empty()) continue;
    std::string step(raw);
    for (size_t at = 0; (at = step.find("~1", at)) != std::string::npos;) step.replace(at, 2, "/");
    for (size_t at = 0; (at = step.find("~0", at)) != std::string::npos; ++at) step.replace(at, 2, "~");
    const config::Node* next = node->get(step);
    const auto index = parse_u64(step);
    if (next == nullptr && index && *index < node->items().size()) next = node->items()[*index];
    if (next == nullptr) break;
    node = next;
  }
  return *node;
}

}  // namespace

std::vector<config::Key> Validate::keys() {
  return {config::key("schema", config::json()).summary("a JSON Schema for the content, inline or a file's name"),
          config::key("validate", config::any_of({config::named(check_spec()), config::list(check_spec())})
                                      .example("{email: {call: ..., expect: {valid: true}, message: ...}}"))
              .summary("calls that must agree before anything is saved: by name, or a list")};
}

std::vector<std::string> Validate::names(const pipeline::Build& build) {
  const config::Node* validate = config::child(build.settings(), "validate");
  if (validate == nullptr || validate->is_map()) return call_names(validate);
  std::vector<std::string> out;
  out.resize(validate->items().size());  // without names: nothing can refer to them
  return out;
}

Validate Validate::create(pipeline::Build& build, CallGraph& graph, const tmpl::Scope& scope) {
  Validate out;
  if (const config::Node* schema = config::child(build.settings(), "schema")) out.read_schema(build, *schema);
  const config::Node* validate = config::child(build.settings(), "validate");
  if (validate == nullptr) return out;
  for (const config::Member& m : validate->members())
    out.add_check(build, graph, *m.value, std::string(m.key), "validate." + std::string(m.key), scope);
  size_t i = 0;
  for (const config::Node* item : validate->items()) {
    const std::string place = "validate[" + std::to_string(i) + "]";
    out.add_check(build, graph, *item, "validate_" + std::to_string(++i), place, scope);
  }
  return out;
}

void Validate::add_check(pipeline::Build& build, CallGraph& graph, const config::Node& node, std::string name,
                         std::string place, const tmpl::Scope& scope) {
  Check check;
  if (const config::Node* expect = node.get("expect")) tmpl::append_plain_json(*expect, check.expect);
  const bool named = !place.ends_with(']');
  check.field = config::text(&node, "field", named ? std::string_view(name) : FieldErrors::kWhole);
  check.message = config::text(&node, "message", "is not valid");
  checks_.push_back(std::move(check));
  GraphNode graph_node;
  graph_node.def = source::compile_call(build, node, std::move(name), std::move(place), "GET", scope);
  if (graph_node.def.required)
    build.error(node, graph_node.def.place + ".required", "a validation that fails is an error of its field anyway");
  graph_node.def.required = false;
  graph.add(std::move(graph_node));
}

void Validate::read_schema(pipeline::Build& build, const config::Node& node) {
  std::string text;
  std::string file;
  if (node.is_scalar()) {
    file = config::path_near(node);
    std::ifstream in(file, std::ios::binary);
    std::stringstream content;
    content << in.rdbuf();
    text = content.str();
    if (!in || text.empty()) return build.error(node, "schema", "\"" + file + "\" can't be read");
    if (!json::is_json(text)) return build.error(node, "schema", "\"" + file + "\" is not valid JSON");
  } else {
    tmpl::append_plain_json(node, text);
  }
  schema_ = json::Schema::compile(json::Value::of(text), [&](std::string_view pointer, std::string message) {
    const std::string where = pointer.empty() ? std::string() : std::string(pointer) + ": ";
    if (!file.empty()) return build.error(node, "schema", "\"" + file + "\": " + where + message);
    std::string place = "schema";
    for (const std::string_view step : split(pointer, '/')) {
      if (!step.empty()) place.append(".").append(step);
    }
    build.error(node_at(node, pointer), place, std::move(message));
  });
}

void Validate::check_schema(json::Value body, FieldErrors& errors) const {
  if (!schema_) return;
  schema_->validate(body, [&](std::string_view field, std::string message) { errors.add(field, std::move(message)); });
}

void Validate::check_answers(const CallRun& run, FieldErrors& errors) const {
  for (size_t i = 0; i < checks_.size(); ++i) {
    const Check& check = checks_[i];
    const source::Answer& answer = run.answer(i);
    if (answer.has_value()) {
      if (!check.expect.empty() && !matches(json::Value::of(check.expect), answer.value))
        errors.add(check.field, check.message);
    } else if (answer.refused()) {
      errors.add(check.field, check.message);  // the service's own no
    } else if (answer.failed() && !errors.has(check.field)) {
      errors.add(check.field, "could not be checked");
    }
  }
}

}  // namespace vg::view
