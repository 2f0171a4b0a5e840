#include "config/describe.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"
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

std::string scalar(const Node& node) {
  std::string flat;
  for (const char c : node.text()) flat += c == '\n' ? "\\n" : std::string(1, c);
  return node.quoted() || needs_quotes(flat) ? in_quotes(flat) : flat;
}

// What is printed: a value, what is known of it, and the default that stands where it is not written.
struct Item {
  const Node* node = nullptr;
  const Spec* spec = nullptr;  // nullptr: nothing is known
  std::string_view fallback;
  bool named = false;  // the value of a free name
};

// What is known of a value that may be of several kinds, or one for a list of one.
const Spec* kind_of(const Node* node, const Spec* spec) {
  if (spec == nullptr || node == nullptr) return spec;
  if (spec->type == Type::kList && spec->single && !node->is_sequence()) return kind_of(node, &spec->of[0]);
  if (spec->type != Type::kAnyOf) return spec;
  const auto fits = [&](const Spec& s) {
    if (node->is_map()) return s.type == Type::kMap || s.type == Type::kNamed || s.type == Type::kJson;
    if (node->is_sequence()) return s.type == Type::kList || s.type == Type::kJson;
    return s.type != Type::kMap && s.type != Type::kNamed;
  };
  const auto at = std::find_if(spec->of.begin(), spec->of.end(), fits);
  return at != spec->of.end() ? kind_of(node, &*at) : nullptr;
}

bool has_defaults(const Key& key) {
  if (!key.default_text.empty()) return true;
  if (key.spec.type != Type::kMap || key.is_required) return false;
  const std::vector<Key>& keys = key.spec.keys;
  if (std::any_of(keys.begin(), keys.end(), [](const Key& k) { return k.is_required; })) return false;
  return std::any_of(keys.begin(), keys.end(), [](const Key& k) { return k.refused.empty() && has_defaults(k); });
}

class Describer {
 public:
  // `for_people`: short lists on one line, no secrets.
  explicit Describer(bool for_people) : for_people_(for_people) {}

  DescribedLines take() { return std::move(lines_); }

  void heading(size_t depth, std::string text) { lines_.push_back({depth, {}, std::move(text), {}}); }

  void member(size_t depth, const std::string& path, std::string_view key, Item item) {
    lines_.push_back(
        {depth, path.empty() ? std::string(key) : path + '.' + std::string(key), std::string(key) + ':', {}});
    value(depth, item);
  }

  void route(size_t depth, const RouteConfig& route, const RouteSpecs& specs) {
    in_route_ = true;
    members_of(depth, {}, *route.settings, specs.route(*route.type));
    in_route_ = false;
  }

  void members_of(size_t depth, const std::string& path, const Node& map, const Spec& spec) {
    for (const Member& m : map.members()) {
      const Key* key = spec.find(m.key);
      member(depth, path, m.key, {m.value, key != nullptr ? &key->spec : nullptr, {}});
    }
  }

  // The members, and the defaults of those that are not written. `map` may be nullptr.
  void with_defaults(size_t depth, const std::string& path, const Node* map, const Spec& spec) {
    if (map != nullptr) members_of(depth, path, *map, spec);
    for (const Key& key : spec.keys) {
      if (!key.refused.empty() || (map != nullptr && map->find(key.name) != nullptr)) continue;
      if (has_defaults(key) && !is_off(key)) member(depth, path, key.name, {nullptr, &key.spec, key.default_text});
    }
  }

 private:
  // In a route, a map with a short form (`retry: 2`) replaces what stands elsewhere, or is off, where it is not
  // written; and so is a breaker.
  bool is_off(const Key& key) const {
    return in_route_ && key.default_text.empty() && key.spec.type == Type::kMap &&
           (!key.spec.short_key.empty() || key.name == "circuit_breaker");
  }

  // What these say on a route or call stands over what the upstream says.
  bool is_override(const Item& item) const {
    if (!in_route_ || item.named || item.spec == nullptr || item.node == nullptr || !item.node->is_map()) return false;
    const std::string_view path = lines_.back().path;
    const std::string_view key = path.substr(path.rfind('.') + 1);
    return key == "retry" || key == "circuit_breaker" || key == "hedge";
  }

  // Ends the line that was begun, and adds those of what is inside.
  void value(size_t depth, Item item) {
    item.spec = kind_of(item.node, item.spec);
    if (is_override(item) && item.node->members().empty()) return end("{}", item.node->mark());
    if (is_override(item)) return members_of(depth + 1, std::string(lines_.back().path), *item.node, *item.spec);
    if (item.spec != nullptr && item.spec->type == Type::kMap && (item.node == nullptr || item.node->is_map()))
      return with_defaults(depth + 1, std::string(lines_.back().path), item.node, *item.spec);
    if (item.node == nullptr) return end(item.fallback, Mark{});
    switch (item.node->kind()) {
      case Kind::kNull:
        return end("null", item.node->mark());
      case Kind::kScalar:
        return end(is_secret(item) ? "(substituted, not shown)" : scalar(*item.node), item.node->mark());
      case Kind::kSequence:
        return list(depth, item);
      case Kind::kMap:
        return free_map(depth, item);
    }
  }

  bool is_secret(const Item& item) const {
    return for_people_ && item.node->substituted() &&
           (item.spec == nullptr || item.spec->type == Type::kJson || item.named);
  }

  // Scalars of one line, which fit on one.
  bool is_short(const Item& item) const {
    const auto items = item.node->items();
    return for_people_ && items.size() <= 16 && std::all_of(items.begin(), items.end(), [&](const Node* n) {
             return n->is_scalar() && !n->substituted() && n->text().size() <= 40 &&
                    n->mark().line == items[0]->mark().line;
           });
  }

  void list(size_t depth, const Item& item) {
    const auto items = item.node->items();
    if (items.empty()) return end("[]", item.node->mark());
    if (is_short(item)) {
      std::string text;
      for (const Node* n : items) text += (text.empty() ? "[" : ", ") + scalar(*n);
      return end(text + ']', items[0]->mark());
    }
    const std::string path = lines_.back().path;
    const bool known = item.spec != nullptr && item.spec->type == Type::kList;
    for (size_t i = 0; i < items.size(); ++i) {
      lines_.push_back({depth + 1, path + '.' + std::to_string(i), "-", {}});
      value(depth + 1, {items[i], known ? &item.spec->of[0] : nullptr, {}});
    }
  }

  void free_map(size_t depth, const Item& item) {
    if (item.node->members().empty()) return end("{}", item.node->mark());
    const std::string path = lines_.back().path;
    const bool named = item.spec != nullptr && item.spec->type == Type::kNamed;
    for (const Member& m : item.node->members())
      member(depth + 1, path, m.key, {m.value, named ? &item.spec->of[0] : nullptr, {}, true});
  }

  void end(std::string_view text, const Mark& mark) {
    lines_.back().text.append(" ").append(text);
    lines_.back().place = place_of(mark);
  }

  const bool for_people_;
  bool in_route_ = false;
  DescribedLines lines_;
};

}  // namespace

std::string place_of(const Mark& mark) {
  std::string out = mark.file != nullptr ? *mark.file : std::string(kBuiltIn);
  if (mark.line != 0 && out != kBuiltIn) out += ':' + std::to_string(mark.line);
  return out;
}

std::string describe(const LoadResult& result, const Schema& schema, bool places) {
  Describer d(false);
  d.member(0, {}, "server", {result.server, &schema.top.find("server")->spec, {}});
  if (result.admin != nullptr) d.member(0, {}, "admin", {result.admin, &schema.top.find("admin")->spec, {}});
  d.member(0, {}, "log", {result.log, &schema.top.find("log")->spec, {}});
  if (result.redis != nullptr) d.member(0, {}, "redis", {result.redis, &schema.top.find("redis")->spec, {}});
  d.heading(0, result.upstreams.empty() ? "upstreams: {}" : "upstreams:");
  const Spec& upstream = schema.top.find("upstreams")->spec.of[0];
  for (const UpstreamConfig& u : result.upstreams) d.member(1, {}, u.name, {u.settings, &upstream, {}});
  d.heading(0, result.routes.empty() ? "routes: []" : "routes:");
  const RouteSpecs specs(schema);
  for (const RouteConfig& route : result.routes) {
    d.heading(1, (needs_quotes(route.name) ? in_quotes(route.name) : route.name) + ':');
    d.route(2, route, specs);
  }
  std::string out;
  for (const DescribedLine& line : d.take()) {
    out.append(line.depth * 2, ' ').append(line.text);
    if (places && !line.place.empty()) out.append("  # ").append(line.place);
    out += '\n';
  }
  return out;
}

DescribedLines describe_route(const RouteConfig& route, const Schema& schema) {
  Describer d(true);
  d.route(0, route, RouteSpecs(schema));
  return d.take();
}

DescribedLines describe_upstream(const UpstreamConfig& upstream, const Schema& schema) {
  Describer d(true);
  d.with_defaults(0, {}, upstream.settings, schema.top.find("upstreams")->spec.of[0]);
  return d.take();
}

DescribedLines describe_server(const LoadResult& result, const Schema& schema) {
  Describer d(true);
  d.with_defaults(0, {}, result.server, schema.top.find("server")->spec);
  return d.take();
}

}  // namespace vg::config
