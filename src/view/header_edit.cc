#include "view/header_edit.h"

#include <algorithm>

#include "base/strings.h"
#include "config/read.h"
#include "http/writer.h"
#include "source/declared_request.h"

namespace vg::view {

namespace {

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string check_name_setting(std::string_view name) { return check_header_name(name); }

}  // namespace

std::string check_header_name(std::string_view name) {
  if (!is_token(name)) return "\"" + std::string(name) + "\" is not a header name";
  switch (http::field_id(name)) {
    case http::FieldId::kConnection:
    case http::FieldId::kContentLength:
    case http::FieldId::kKeepAlive:
    case http::FieldId::kProxyConnection:
    case http::FieldId::kTe:
    case http::FieldId::kTransferEncoding:
    case http::FieldId::kUpgrade:
      return "\"" + std::string(name) + "\" belongs to the connection and is the gateway's to write";
    default:
      return {};
  }
}

bool is_clients_mistake(const tmpl::Rendered& rendered) {
  return rendered.status == tmpl::Rendered::Status::kBadValue &&
         (rendered.reference == nullptr || !source::is_of_an_answer(rendered.reference->root));
}

Error bad_value(const tmpl::Rendered& rendered) {
  Error e(ErrorKind::kBadRequest,
          "the value of " + (rendered.reference != nullptr ? rendered.reference->text : std::string("a parameter")) +
              " is not of the kind that is asked for");
  e.status = 400;
  return e;
}

config::Spec HeaderEdit::spec() {
  return config::map(
      {config::key("set", config::named(config::template_text())).summary("fields to set: name -> value (a template)"),
       config::key("remove", config::one_or_list(config::text().check(check_name_setting).called("a header name")))
           .summary("fields to take out")});
}

HeaderEdit HeaderEdit::create(const config::Node* node, std::string_view key, pipeline::Build& build) {
  HeaderEdit out;
  if (const config::Node* set = config::child(node, "set")) out = create_set(*set, std::string(key) + ".set", build);
  for (const std::string& name : config::texts(node, "remove")) out.remove_.push_back(lower(name));
  return out;
}

HeaderEdit HeaderEdit::create_set(const config::Node& set, const std::string& key, pipeline::Build& build) {
  HeaderEdit out;
  for (const config::Member& m : set.members()) {
    const std::string path = key + "." + std::string(m.key);
    if (const std::string wrong = check_header_name(m.key); !wrong.empty()) build.error(*m.value, path, wrong);
    out.set_.emplace_back(m.key, build.compile(*m.value, path, tmpl::Place::kHeader));
  }
  return out;
}

bool HeaderEdit::drops(std::string_view name) const {
  return std::any_of(remove_.begin(), remove_.end(), [&](const std::string& r) { return iequals(r, name); }) ||
         std::any_of(set_.begin(), set_.end(), [&](const auto& s) { return iequals(s.first, name); });
}

Result<void> HeaderEdit::append(const tmpl::Values& values, std::string& out) const {
  for (const auto& [name, value] : set_) {
    const size_t before = out.size();
    out.append(name).append(": ");
    const tmpl::Rendered rendered = value.render(values, out);
    if (is_clients_mistake(rendered)) return bad_value(rendered);
    if (rendered.ok()) {
      out.append("\r\n");
    } else {
      out.resize(before);
    }
  }
  return {};
}

Result<void> HeaderEdit::apply(const tmpl::Values& values, http::Head& head) const {
  for (const std::string& name : remove_) head.remove(name);
  for (const auto& [name, value] : set_) {
    std::string text;
    const tmpl::Rendered rendered = value.render(values, text);
    if (is_clients_mistake(rendered)) return bad_value(rendered);
    head.remove(name);
    if (rendered.ok()) head.add(name, text);
  }
  return {};
}

}  // namespace vg::view
