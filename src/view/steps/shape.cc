#include "view/steps/shape.h"

#include <algorithm>

#include "config/read.h"
#include "json/writer.h"

namespace vg::view {

namespace {

using Only = std::span<const std::string_view>;

bool is_in(Only only, std::string_view name) {
  return only.empty() || std::find(only.begin(), only.end(), name) != only.end();
}

const Extra* find(std::span<const Extra> extras, std::string_view name) {
  for (const Extra& e : extras) {
    if (e.name == name) return &e;
  }
  return nullptr;
}

bool any_named(std::span<const Extra> extras, const json::Member& member) {
  return std::any_of(extras.begin(), extras.end(), [&](const Extra& e) { return member.named(e.name); });
}

// Writes the members of one object: the commas are its business.
class Members {
 public:
  explicit Members(std::string& out) : out_(out), begun_(out.size()) { out.push_back('{'); }
  void add(std::string_view key, json::Value value) {
    comma();
    out_.append(key).append(value.text());
  }
  void add(const json::Member& m) {
    comma();
    out_.append("\"").append(m.raw_name).append("\":").append(m.value.text());
  }
  void end() { out_.push_back('}'); }

 private:
  void comma() {
    if (out_.size() > begun_ + 1) out_.push_back(',');
  }
  std::string& out_;
  size_t begun_;
};

// The object as it came, with the extras before its brace. False if one of its own members stands in their way.
bool splice(json::Value object, std::span<const Extra> extras, std::string& out) {
  bool empty = true;
  for (const json::Member& m : object.members()) {
    if (any_named(extras, m)) return false;
    empty = false;
  }
  out.append(object.text());
  out.pop_back();
  for (const Extra& e : extras) {
    if (e.value.absent()) continue;
    if (!std::exchange(empty, false)) out.push_back(',');
    out.append(e.key).append(e.value.text());
  }
  out.push_back('}');
  return true;
}

}  // namespace

Name::Name(std::string_view name) : text(name) {
  json::append_string(key, name);
  key.push_back(':');
}

std::vector<config::Key> Shape::keys() {
  return {config::key("fields", config::one_or_list(config::text().at_least(1)))
              .summary("the members to keep, in this order"),
          config::key("rename", config::named(config::text().at_least(1)).example("{old_name: new_name}"))
              .summary("members to answer under another name: the source's name -> the name here")};
}

Shape::Shape(const std::vector<std::string>& fields, const std::vector<std::pair<std::string, std::string>>& rename) {
  for (const auto& [from, to] : rename) rename_.push_back({from, Name(to)});
  for (const std::string& name : fields) {
    const auto at = std::find_if(rename_.begin(), rename_.end(),
                                 [&](const Field& f) { return f.from == name || f.to.text == name; });
    fields_.push_back(at != rename_.end() ? *at : Field{name, Name(name)});
  }
}

Shape Shape::create(pipeline::Build& build, std::span<const std::string> added) {
  std::vector<std::pair<std::string, std::string>> rename;
  const config::Node* node = config::child(build.settings(), "rename");
  for (const config::Member& m : node != nullptr ? node->members() : std::span<const config::Member>()) {
    const std::string from(m.key), to(m.value->text());
    for (const auto& [other, name] : rename) {
      if (name == to) build.error(*m.value, "rename." + from, "\"" + other + "\" becomes this already");
    }
    if (std::find(added.begin(), added.end(), to) != added.end() && node->get(to) == nullptr)
      build.error(*m.value, "rename." + from, "\"" + to + "\" is what a call adds already");
    rename.emplace_back(from, to);
  }
  Shape out(config::texts(build.settings(), "fields"), rename);
  const std::vector<const config::Node*> fields = config::each(build.settings(), "fields");
  for (size_t i = 0; i < out.fields_.size(); ++i) {
    const auto same = [&](const Field& f) { return f.to.text == out.fields_[i].to.text; };
    if (std::any_of(out.fields_.begin(), out.fields_.begin() + static_cast<ptrdiff_t>(i), same))
      build.error(*fields[i], "fields", "\"" + std::string(fields[i]->text()) + "\" stands here twice");
  }
  return out;
}

bool Shape::shows(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const Field& f) { return f.to.text == name; });
}

void Shape::append(json::Value object, std::span<const Extra> extras, Only only, std::string& out) const {
  const bool as_it_is = plain() && only.empty();
  if (!object.is_object() || (as_it_is && extras.empty())) {
    out.append(object.absent() ? std::string_view("null") : object.text());
  } else if (!fields_.empty()) {
    append_fields(object, extras, only, out);
  } else {
    append_members(object, extras, only, out);
  }
}

void Shape::append_fields(json::Value object, std::span<const Extra> extras, Only only, std::string& out) const {
  Members members(out);
  for (const Field& f : fields_) {
    if (!is_in(only, f.to.text)) continue;
    const Extra* extra = find(extras, f.from);
    const json::Value value = extra != nullptr ? extra->value : object.member(f.from);
    if (!value.absent()) members.add(f.to.key, value);
  }
  members.end();
}

const Shape::Field* Shape::renamed(const json::Member& member) const {
  for (const Field& f : rename_) {
    if (member.named(f.from)) return &f;
  }
  return nullptr;
}

void Shape::append_members(json::Value object, std::span<const Extra> extras, Only only, std::string& out) const {
  // What another member is renamed to has that one's value, if there is one.
  const auto is_taken = [&](const json::Member& m) {
    return std::any_of(rename_.begin(), rename_.end(), [&](const Field& f) {
      return m.named(f.to.text) && f.from != f.to.text && !object.member(f.from).absent();
    });
  };
  if (rename_.empty() && only.empty() && splice(object, extras, out)) return;
  Members members(out);
  for (const json::Member& m : object.members()) {
    if (any_named(extras, m)) continue;
    const Field* to = rename_.empty() ? nullptr : renamed(m);
    if (to == nullptr && !rename_.empty() && is_taken(m)) continue;
    if (!only.empty()) {
      std::string name;
      m.append_name(name);
      if (!is_in(only, to != nullptr ? std::string_view(to->to.text) : std::string_view(name))) continue;
    }
    if (to == nullptr) {
      members.add(m);
    } else if (find(extras, to->to.text) == nullptr) {
      members.add(to->to.key, m.value);
    }
  }
  for (const Extra& e : extras) {
    if (e.value.absent()) continue;
    const auto to = std::find_if(rename_.begin(), rename_.end(), [&](const Field& f) { return f.from == e.name; });
    const Name* name = to != rename_.end() ? &to->to : nullptr;
    if (is_in(only, name != nullptr ? std::string_view(name->text) : e.name))
      members.add(name != nullptr ? std::string_view(name->key) : e.key, e.value);
  }
  members.end();
}

}  // namespace vg::view
