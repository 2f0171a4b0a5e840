#include "base/strings.h"
#include "pipeline/view.h"

namespace vg::pipeline {

namespace {

// Offsets of template mistakes count from the text's beginning; in quotes the text begins a column later.
config::Mark at_offset(const config::Node& node, size_t offset) {
  config::Mark mark = node.mark();
  if (mark.column != 0 && node.text() == node.template_text())
    mark.column += static_cast<uint32_t>(offset) + (node.quoted() ? 1 : 0);
  return mark;
}

}  // namespace

tmpl::Template Build::compile(const config::Node& node, std::string_view key, tmpl::Place place,
                              const tmpl::Scope& scope) {
  return tmpl::Template::compile(node.template_text(), place, scope, [&](size_t offset, std::string message) {
    errors_.add(at_offset(node, offset), route_.label + "." + std::string(key), std::move(message));
  });
}

tmpl::JsonTemplate Build::compile_json(const config::Node& node, std::string_view key, const tmpl::Scope& scope) {
  return tmpl::JsonTemplate::compile(node, scope, [&](const config::Node& at, size_t offset, std::string message) {
    errors_.add(at_offset(at, offset), route_.label + "." + std::string(key), std::move(message));
  });
}

std::optional<tmpl::CallTarget> Build::compile_call(const config::Node& node, std::string_view key,
                                                    const tmpl::Scope& scope) {
  auto target = tmpl::parse_call(node.template_text(), scope, [&](size_t offset, std::string message) {
    errors_.add(at_offset(node, offset), route_.label + "." + std::string(key), std::move(message));
  });
  if (!target || find_upstream(target->upstream)) return target;
  const std::string_view near = nearest(target->upstream, upstream_names());
  std::string message = "no upstream is called \"" + target->upstream + "\"";
  message += near.empty() ? "; declare it under upstreams" : ", did you mean \"" + std::string(near) + "\"?";
  errors_.add(at_offset(node, target->upstream_at), route_.label + "." + std::string(key), std::move(message));
  return std::nullopt;
}

std::string Build::path_near(const config::Node& node, std::string_view path) {
  if (path.starts_with('/') || node.mark().file == nullptr) return std::string(path);
  const size_t slash = node.mark().file->rfind('/');
  if (slash == std::string::npos) return std::string(path);
  return node.mark().file->substr(0, slash + 1).append(path);
}

std::vector<NamedTemplate> Build::upstream_headers(uint32_t index) {
  std::vector<NamedTemplate> out;
  // As just loaded: an upstream that outlived a reload has the marks of a document that is gone.
  const config::UpstreamSettings& settings = upstream_settings(index);
  for (const config::HeaderSetting& h : settings.headers) {
    out.emplace_back(h.name,
                     tmpl::Template::compile(h.value, tmpl::Place::kHeader, scope_, [&](size_t, std::string message) {
                       errors_.add(h.mark, "upstreams." + settings.name + ".headers." + h.name, std::move(message));
                     }));
  }
  return out;
}

}  // namespace vg::pipeline
