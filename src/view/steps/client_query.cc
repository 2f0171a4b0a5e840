#include "view/steps/client_query.h"

#include "http/target.h"

namespace vg::view {

bool QueryPair::named(std::string_view decoded) const {
  if (name == decoded) return true;
  if (name.find_first_of("%+") == std::string_view::npos) return false;
  std::string text;
  tmpl::append_decoded(text, name, tmpl::Coding::kForm);
  return text == decoded;
}

void append_parameter(std::string& out, std::string_view encoded_name, std::string_view value, tmpl::Coding coding) {
  if (!out.empty()) out.push_back('&');
  out.append(encoded_name).push_back('=');
  tmpl::append_query_value(out, value, coding);
}

std::string encoded_parameter(std::string_view name) {
  std::string out;
  http::append_encoded_query_value(out, name);
  return out;
}

Error bad_query(std::string what) {
  Error e(ErrorKind::kBadRequest, std::move(what));
  e.status = 400;
  return e;
}

std::string with_parameter(std::string_view path, std::string_view query, std::string_view name,
                           std::string_view value) {
  std::string parameters;
  const std::string encoded = encoded_parameter(name);
  bool written = false;
  const auto write = [&] {
    if (!std::exchange(written, true)) append_parameter(parameters, encoded, value, tmpl::Coding::kPlain);
  };
  for_each_pair(query, [&](const QueryPair& pair) {
    if (pair.named(name)) return write();
    if (!parameters.empty()) parameters.push_back('&');
    parameters.append(pair.raw);
  });
  write();
  // A path that begins with two slashes would be another host: with a dot segment before it, it is a path again.
  return (path.starts_with("//") ? "/." : "") + std::string(path) + "?" + parameters;
}

}  // namespace vg::view
