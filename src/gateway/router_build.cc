// Building the router: each pattern is taken apart, checked, and put into the trie of its listener and host.
#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "base/strings.h"
#include "gateway/router_tables.h"

namespace vg::gateway {
namespace {

bool is_token_char(char c) {
  return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

/// What is wrong with a host, in lower case and without "*."; empty if nothing is.
std::string host_mistake(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']') && host.size() > 2) {
    const bool address =
        host.substr(1, host.size() - 2).find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
    return address ? "" : "not an IPv6 address in brackets";
  }
  if (host.empty()) return "a host without a name";
  if (host.find(':') != std::string_view::npos)
    return "a host is written without scheme and port (listener: NAME narrows a route to a port)";
  if (host.find('*') != std::string_view::npos) return "a wildcard is the whole first label, as in \"*.example.com\"";
  if (host.size() > 253) return "a host name has at most 253 bytes";
  for (const std::string_view label : split(host, '.')) {
    if (label.empty()) return "a host name with an empty label";
    if (label.size() > 63) return "a label of a host name has at most 63 bytes";
    for (const char c : label) {
      if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_')
        return std::string("\"") + c + "\" cannot stand in a host name";
    }
  }
  return "";
}

using namespace trie;

/// Fills the tables, pattern by pattern.
class TableBuilder {
 public:
  TableBuilder(Tables& tables, const RouteErrorSink& errors) : t_(tables), errors_(errors) {
    for (const char* m : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
      t_.methods.emplace_back(m);
    t_.nodes.emplace_back();  // index 0 stands for "none"
    t_.slots.resize(64);
  }

  void add(size_t index, const RoutePattern& pattern) {
    index_ = index;
    failed_ = false;
    RoutePath path = RoutePath::parse(
        pattern.path, [this](size_t at, std::string what) { error(RouteError::In::kPath, at, std::move(what)); });
    const std::string host = normalised_host(pattern.host);
    const uint64_t methods = method_set(pattern);
    if (failed_) return;
    if (t_.mode == TrailingSlash::kIgnore && is_slash(path.segments.back())) path.segments.pop_back();
    NodeIndex node = root(pattern.listener, host);
    bool rest = false;
    for (const Segment& s : path.segments) {
      if (s.kind == SegmentKind::kRest) {
        rest = true;
      } else {
        node = s.kind == SegmentKind::kLiteral ? literal_child(node, s.text) : form_child(node, s.kind);
      }
    }
    // nodes does not grow from here on, so that the reference stays good.
    end_at(rest ? t_.nodes[node].rest : t_.nodes[node].ends, methods, pattern.route);
  }

  void finish() {
    std::vector<Endpoint> listed;
    for (Node& n : t_.nodes) {
      n.ends = packed(n.ends, listed);
      n.rest = packed(n.rest, listed);
    }
    t_.ends = std::move(listed);
    rehash(t_.slots.size(), static_cast<uint32_t>(std::bit_ceil(t_.nodes.size()) - 1));
    t_.nodes.shrink_to_fit();
    t_.forms.shrink_to_fit();
    t_.ends.shrink_to_fit();
    t_.text.shrink_to_fit();
  }

 private:
  static bool is_slash(const Segment& s) { return s.kind == SegmentKind::kLiteral && s.text.empty(); }

  void error(RouteError::In in, size_t offset, std::string message, size_t other = RouteError::kNoOther) {
    failed_ = true;
    errors_({index_, other, in, offset, std::move(message)});
  }

  /// "*.Example.com." becomes ".example.com", "Example.com" becomes "example.com".
  std::string normalised_host(std::string_view written) {
    if (written.empty()) return "";
    std::string host = lower(written);
    if (host.ends_with('.')) host.pop_back();
    const bool wildcard = host.starts_with("*.");
    if (host == "*") {
      error(RouteError::In::kHost, 0, "\"*\" is no host; leave host out to serve every host");
      return "";
    }
    if (std::string mistake = host_mistake(std::string_view(host).substr(wildcard ? 2 : 0)); !mistake.empty()) {
      error(RouteError::In::kHost, 0, std::move(mistake));
    }
    return wildcard ? host.substr(1) : host;
  }

  uint64_t method_set(const RoutePattern& pattern) {
    if (pattern.methods.empty()) return pattern.any_has_options ? kAnyMethod : kAnyMethod & ~method_bit(kOptions);
    uint64_t set = 0;
    for (const std::string& m : pattern.methods) {
      if (m.empty() ||
          !std::all_of(m.begin(), m.end(), [](char c) { return is_token_char(c) && !(c >= 'a' && c <= 'z'); })) {
        error(RouteError::In::kMethods, 0, "\"" + m + "\" is no method (methods are in upper case)");
        continue;
      }
      size_t i = t_.method_index(m);
      if (i == kOtherMethod && t_.methods.size() < kOtherMethod) {
        i = t_.methods.size();
        t_.methods.push_back(m);
      }
      if (i == kOtherMethod) error(RouteError::In::kMethods, 0, "more than 63 different methods in all routes");
      set |= method_bit(i);
    }
    return set;
  }

  NodeIndex new_node(NodeIndex parent) {
    t_.nodes.emplace_back();
    t_.nodes.back().parent = parent;
    return static_cast<NodeIndex>(t_.nodes.size() - 1);
  }

  NodeIndex root(const std::string& listener, const std::string& host) {
    auto at =
        std::find_if(t_.listeners.begin(), t_.listeners.end(), [&](const Listener& l) { return l.name == listener; });
    if (at == t_.listeners.end()) {
      t_.listeners.emplace_back().name = listener;
      at = std::prev(t_.listeners.end());
    }
    if (host.empty()) {
      if (at->any == 0) at->any = new_node(0);
      return at->any;
    }
    const bool wildcard = host.starts_with('.');
    if (wildcard) at->longest_wildcard = std::max(at->longest_wildcard, host.size());
    NodeIndex& found = (wildcard ? at->wildcard : at->exact)[host];
    if (found == 0) found = new_node(0);
    return found;
  }

  NodeIndex form_child(NodeIndex parent, SegmentKind kind) {
    const size_t form = static_cast<size_t>(kind) - static_cast<size_t>(SegmentKind::kInt);
    if (t_.nodes[parent].forms == 0) {
      t_.forms.emplace_back();
      t_.nodes[parent].forms = static_cast<uint32_t>(t_.forms.size());
    }
    NodeIndex& child = t_.forms[t_.nodes[parent].forms - 1][form];
    if (child == 0) child = new_node(parent);
    return child;
  }

  NodeIndex literal_child(NodeIndex parent, const std::string& text) {
    if (const NodeIndex found = t_.literal_child(parent, text)) return found;
    const NodeIndex child = new_node(parent);
    Node& n = t_.nodes[child];
    n.text_size = static_cast<uint8_t>(text.size());
    if (text.size() <= Node::kInline) {
      text.copy(n.text.data(), text.size());
    } else {
      const auto at = static_cast<uint32_t>(t_.text.size());
      std::memcpy(n.text.data(), &at, sizeof at);
      t_.text += text;
    }
    t_.longest_literal = std::max(t_.longest_literal, text.size());
    NodeIndex& only = t_.nodes[parent].only_literal;
    if (only == 0) {
      only = child;
      return child;
    }
    if (only != Node::kMany) insert(std::exchange(only, Node::kMany));
    insert(child);
    return child;
  }

  void insert(NodeIndex child) {
    if (++hashed_ * 3 > t_.slots.size() * 2) rehash(t_.slots.size() * 2, t_.index_bits);
    put(child);
  }

  void rehash(size_t size, uint32_t index_bits) {
    const std::vector<Slot> old = std::exchange(t_.slots, std::vector<Slot>(size));
    const uint32_t old_bits = std::exchange(t_.index_bits, index_bits);
    for (const Slot slot : old) {
      if (slot != 0) put(slot & old_bits);
    }
  }

  void put(NodeIndex child) {
    const Node& n = t_.nodes[child];
    const uint64_t hash = hash_edge(n.parent, t_.text_of(n));
    const size_t mask = t_.slots.size() - 1;
    size_t i = hash & mask;
    while (t_.slots[i] != 0) i = (i + 1) & mask;
    t_.slots[i] = child | (static_cast<uint32_t>(hash >> 32) & ~t_.index_bits);
  }

  /// The list in the form that a lookup takes: a route that is alone needs no endpoint. The others go to `listed`.
  EndList packed(EndList list, std::vector<Endpoint>& listed) {
    if (list == 0) return 0;
    const Endpoint& first = t_.ends[list - 1];
    const auto set = std::find(t_.method_sets.begin(), t_.method_sets.end(), first.methods);
    const auto index = static_cast<uint32_t>(set - t_.method_sets.begin());
    if (first.next == 0 && first.route < kSingleRoutes && index < kSingleSets) {
      if (set == t_.method_sets.end()) t_.method_sets.push_back(first.methods);
      return kSingle | index * kSingleRoutes | first.route;
    }
    EndList out = 0;
    for (EndList e = list; e != 0; e = t_.ends[e - 1].next) {
      listed.push_back({t_.ends[e - 1].methods, t_.ends[e - 1].route, out});
      out = static_cast<EndList>(listed.size());
    }
    return out;
  }

  void end_at(EndList& list, uint64_t methods, uint32_t route) {
    for (EndList e = list; e != 0; e = t_.ends[e - 1].next) {
      if ((t_.ends[e - 1].methods & methods) == 0) continue;
      return error(RouteError::In::kRoute, 0, "another route matches the same requests with the same rank",
                   patterns_[e - 1]);
    }
    t_.ends.push_back({methods, route, list});
    patterns_.push_back(index_);
    list = static_cast<EndList>(t_.ends.size());
  }

  Tables& t_;
  const RouteErrorSink& errors_;
  std::vector<size_t> patterns_;  // of each endpoint
  size_t hashed_ = 0;
  size_t index_ = 0;
  bool failed_ = false;
};

}  // namespace

Router Router::build(const std::vector<RoutePattern>& patterns, TrailingSlash mode, const RouteErrorSink& errors) {
  auto tables = std::make_unique<Tables>();
  tables->mode = mode;
  TableBuilder builder(*tables, errors);
  for (size_t i = 0; i < patterns.size(); ++i) builder.add(i, patterns[i]);
  builder.finish();
  Router router;
  router.tables_ = std::move(tables);
  return router;
}

}  // namespace vg::gateway
