#include "template/json_template.h"

#include <algorithm>
#include <utility>

#include "config/syntax_hints.h"
#include "json/writer.h"
#include "template/convert.h"
#include "template/distinct.h"
#include "template/found.h"
#include "template/plain_json.h"
#include "template/reference.h"

namespace vg::tmpl {

namespace {

using Status = Rendered::Status;

/// True for the last byte of what has no member or element yet: no JSON value ends with a bracket that opens.
bool opens(char c) { return c == '{' || c == '['; }

bool is_declared_int(const Reference& ref) { return ref.root == Root::kParam && ref.kind == ParamKind::kInt; }

/// A text by its conversion. Without one it is a string.
Status append_converted(Conversion conversion, std::string_view text, std::string& out) {
  if (conversion == Conversion::kNone) {
    json::append_string(out, text);
    return Status::kOk;
  }
  if (conversion == Conversion::kJson) {
    if (!json::is_json(text)) return Status::kBadValue;
    out += json::Value::of(text).text();
    return Status::kOk;
  }
  std::string converted;
  if (convert(conversion, text, converted) != Converted::kOk) return Status::kBadValue;
  out += converted;
  return Status::kOk;
}

Status append_as_it_came(const Reference& ref, const Values& values, std::string& out) {
  if (ref.root == Root::kItems) {
    const DistinctValues distinct(values.json(ref.root, ref.call), ref.path);
    if (distinct.empty()) return Status::kMissing;
    distinct.append_array(out);
    return Status::kOk;
  }
  const json::Value value = find_json(ref, values);
  out += value.text();
  return value.absent() ? Status::kMissing : Status::kOk;
}

Status append_found(const Reference& ref, const Values& values, std::string& out) {
  if (is_json_root(ref.root) && ref.conversion == Conversion::kNone) return append_as_it_came(ref, values, out);
  std::string scratch, decoded;
  const Found found = find(ref, values, scratch);
  if (found.structure) return Status::kBadValue;
  if (!found.text) return Status::kMissing;
  append_decoded(decoded, *found.text, found.coding);
  const bool number = ref.conversion == Conversion::kNone && is_declared_int(ref);
  return append_converted(number ? Conversion::kInt : ref.conversion, decoded, out);
}

/// A reference that is the whole value.
Status append_typed(const Reference& ref, const Values& values, std::string& out) {
  const Status status = append_found(ref, values, out);
  return status == Status::kMissing && ref.fallback ? append_converted(ref.conversion, *ref.fallback, out) : status;
}

}  // namespace

/// Walks over the nodes once. What is constant gathers in one piece until a reference ends it.
class JsonCompiler {
 public:
  JsonCompiler(const Scope& scope, const JsonTemplate::Sink& errors) : scope_(scope), errors_(errors) {}

  JsonTemplate run(const config::Node& node) {
    value(node, {});
    flush();
    return std::move(out_);
  }

 private:
  /// `name` is the name of the member with its colon; empty for elements and the whole.
  void value(const config::Node& node, const std::string& name) {
    if (node.is_map()) {
      if (!braces_without_quotes(node)) map(node, name);
    } else if (node.is_sequence()) {
      begin(name + "[");
      ++depth_;
      for (const config::Node* item : node.items()) value(*item, {});
      --depth_;
      piece_.bytes += ']';
    } else if (node.template_text().find_first_of("{}") == std::string_view::npos) {
      begin(name);
      append_plain_json(node, piece_.bytes);
    } else {
      text(node, name);
    }
  }

  void map(const config::Node& node, const std::string& name) {
    begin(name + "{");
    ++depth_;
    for (const config::Member& member : node.members()) {
      std::string key;
      json::append_string(key, member.key);
      value(*member.value, key + ":");
    }
    --depth_;
    piece_.bytes += '}';
  }

  /// {object.id} without quotes is a map of one key without a value, and never meant.
  bool braces_without_quotes(const config::Node& node) {
    if (!node.flow() || node.members().size() != 1) return false;
    const config::Member& only = node.members()[0];
    if (!only.value->is_null() || only.value->broken() || only.key.find_first_of(".:|") == std::string_view::npos)
      return false;
    if (!parse_reference(only.key, 0, scope_, [](size_t, const std::string&) {})) return false;
    errors_(node, 0,
            "a map with one key and no value; for a template write " +
                config::in_quotes("{" + std::string(only.key) + "}") + ", in quotes");
    return true;
  }

  void text(const config::Node& node, const std::string& name) {
    Template compiled =
        Template::compile(node.template_text(), Place::kJson, scope_,
                          [&](size_t at, std::string message) { errors_(node, at, std::move(message)); });
    if (compiled.constant()) {
      begin(name + '"');
      for (const Template::Part& part : compiled.parts()) piece_.bytes += part.literal;
      piece_.bytes += '"';
      return;
    }
    flush();
    piece_.bytes = name;
    piece_.separate = depth_ > 0;
    piece_.typed = compiled.parts().size() == 1;
    piece_.value = std::move(compiled);
    flush();
  }

  /// Begins a member or element with these bytes.
  void begin(const std::string& bytes) {
    if (piece_.bytes.empty()) {
      piece_.separate = depth_ > 0;
    } else if (!opens(piece_.bytes.back())) {
      piece_.bytes += ',';
    }
    piece_.bytes += bytes;
  }

  void flush() {
    if (piece_.bytes.empty() && piece_.value.empty()) return;
    out_.pieces_.push_back(std::exchange(piece_, {}));
  }

  const Scope& scope_;
  const JsonTemplate::Sink& errors_;
  size_t depth_ = 0;
  JsonTemplate::Piece piece_;
  JsonTemplate out_;
};

JsonTemplate JsonTemplate::compile(const config::Node& node, const Scope& scope, const Sink& errors) {
  return JsonCompiler(scope, errors).run(node);
}

Rendered JsonTemplate::render(const Values& values, std::string& out) const {
  const size_t start = out.size();
  for (const Piece& piece : pieces_) {
    const size_t before = out.size();
    if (piece.separate && !opens(out.back())) out += ',';
    out += piece.bytes;
    if (piece.value.empty()) continue;
    const Rendered rendered = piece.append_value(values, out);
    if (rendered.ok()) continue;
    const bool whole = pieces_.size() == 1;
    out.resize(rendered.status == Status::kMissing ? before : start);
    if (whole || rendered.status != Status::kMissing) return rendered;
  }
  return {};
}

Rendered JsonTemplate::Piece::append_value(const Values& values, std::string& out) const {
  if (typed) {
    const Reference& ref = value.references()[0];
    return {append_typed(ref, values, out), &ref};
  }
  out += '"';
  const Rendered rendered = value.render(values, out);
  out += '"';
  return rendered;
}

bool JsonTemplate::constant() const {
  return std::all_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.value.constant(); });
}

void JsonTemplate::for_each_reference(const ReferenceVisitor& visit) const {
  for (const Piece& piece : pieces_) piece.value.for_each_reference(visit);
}

}  // namespace vg::tmpl
