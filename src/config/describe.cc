#include <cctype>

#include "base/strings.h"
#include "config/loader.h"
#include "config/route_specs.h"
#include "config/syntax_hints.h"

namespace vg::config {
namespace {

bool needs_quotes(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ') return true;
  if (std::string_view("{}[]*&!%@`\"'#|>,?:-").find(text.front()) != std::string_view::npos) return true;
  return text.find(": ") != std::string_view::npos || text.find(" #") != std::string_view::npos ||
         text.find_first_of("{}\n\t\r") != std::string_view::npos || text == "null" || text == "~";
}

class Printer {
 public:
  explicit Printer(bool places) : places_(places) {}

  std::string take() { return std::move(out_); }

  void line(size_t depth, const std::string& text) { out_ += std::string(depth * 2, ' ') + text + '\n'; }

  // `key: value` with all defaults of `spec`, which is nullptr where nothing is known.
  void member(size_t depth, std::string_view key, const Node* node, const Spec* spec, std::string_view fallback) {
    out_ += std::string(depth * 2, ' ') + std::string(key) + ':';
    value(depth, node, spec, fallback);
  }

  void value(size_t depth, const Node* node, const Spec* spec, std::string_view fallback) {
    if (spec != nullptr && spec->type == Type::kList && spec->single && node != nullptr && !node->is_sequence())
      spec = &spec->of[0];
    if (spec != nullptr && spec->type == Type::kMap && (node == nullptr || node->is_map()))
      return map_of(depth, node, *spec);
    if (node == nullptr) return end(' ' + std::string(fallback), Mark{nullptr, 0, 0});
    switch (node->kind()) {
      case Kind::kNull:
        return end(" null", node->mark());
      case Kind::kScalar:
        return end(' ' + scalar(*node), node->mark());
      case Kind::kSequence:
        return list(depth, *node, spec);
      case Kind::kMap:
        return free_map(depth, *node, spec);
    }
  }

  void map_of(size_t depth, const Node* node, const Spec& spec) {
    out_ += '\n';
    if (node != nullptr) {
      for (const Member& m : node->members()) {
        const Key* key = spec.find(m.key);
        member(depth + 1, m.key, m.value, key != nullptr ? &key->spec : nullptr, {});
      }
    }
    for (const Key& key : spec.keys) {
      if (!key.refused.empty() || (node != nullptr && node->find(key.name) != nullptr)) continue;
      if (has_defaults(key)) member(depth + 1, key.name, nullptr, &key.spec, key.default_text);
    }
  }

 private:
  static bool has_defaults(const Key& key) {
    if (!key.default_text.empty()) return true;
    if (key.spec.type != Type::kMap || key.is_required) return false;
    for (const Key& k : key.spec.keys) {
      if (k.is_required) return false;
    }
    for (const Key& k : key.spec.keys) {
      if (k.refused.empty() && has_defaults(k)) return true;
    }
    return false;
  }

  static std::string scalar(const Node& node) {
    std::string flat;
    for (const char c : node.text()) flat += c == '\n' ? "\\n" : std::string(1, c);
    return node.quoted() || needs_quotes(flat) ? in_quotes(flat) : flat;
  }

  void list(size_t depth, const Node& node, const Spec* spec) {
    if (node.items().empty()) return end(" []", node.mark());
    out_ += '\n';
    for (const Node* item : node.items()) {
      out_ += std::string(depth * 2 + 2, ' ') + '-';
      value(depth + 1, item, spec != nullptr && spec->type == Type::kList ? &spec->of[0] : nullptr, {});
    }
  }

  void free_map(size_t depth, const Node& node, const Spec* spec) {
    if (node.members().empty()) return end(" {}", node.mark());
    out_ += '\n';
    for (const Member& m : node.members()) {
      member(depth + 1, m.key, m.value, spec != nullptr && spec->type == Type::kNamed ? &spec->of[0] : nullptr, {});
    }
  }

  void end(const std::string& text, const Mark& mark) {
    out_ += text;
    if (places_) {
      out_ += "  # ";
      out_ += mark.file != nullptr ? *mark.file : std::string(kBuiltIn);
      if (mark.line != 0 && *mark.file != kBuiltIn) out_ += ':' + std::to_string(mark.line);
    }
    out_ += '\n';
  }

  const bool places_;
  std::string out_;
};

}  // namespace

std::string describe(const LoadResult& result, const Schema& schema, bool places) {
  Printer printer(places);
  printer.member(0, "server", result.server, &schema.top.find("server")->spec, {});
  if (result.admin != nullptr) printer.member(0, "admin", result.admin, &schema.top.find("admin")->spec, {});
  printer.member(0, "log", result.log, &schema.top.find("log")->spec, {});
  printer.line(0, result.upstreams.empty() ? "upstreams: {}" : "upstreams:");
  const Spec& upstream = schema.top.find("upstreams")->spec.of[0];
  for (const UpstreamConfig& u : result.upstreams) printer.member(1, u.name, u.settings, &upstream, {});
  printer.line(0, result.routes.empty() ? "routes: []" : "routes:");
  const RouteSpecs specs(schema);
  for (const RouteConfig& route : result.routes) {
    printer.line(1, (needs_quotes(route.name) ? in_quotes(route.name) : route.name) + ':');
    const Spec& spec = specs.route(*route.type);
    for (const Member& m : route.settings->members()) {
      const Key* key = spec.find(m.key);
      printer.member(2, m.key, m.value, key != nullptr ? &key->spec : nullptr, {});
    }
  }
  return printer.take();
}

}  // namespace vg::config
