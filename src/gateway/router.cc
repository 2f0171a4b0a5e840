#include "gateway/router.h"

#include "base/strings.h"
#include "gateway/router_tables.h"

namespace vg::gateway {
namespace {

using namespace trie;

constexpr size_t kDone = static_cast<size_t>(-1);

/// The bytes of a segment, percent-decoded one by one.
class Decoded {
 public:
  explicit Decoded(std::string_view s) : at_(s.data()), end_(s.data() + s.size()) {}
  bool done() const { return at_ == end_; }
  char next() {
    if (*at_ == '%' && end_ - at_ > 2 && hex_value(at_[1]) >= 0 && hex_value(at_[2]) >= 0) {
      const int byte = hex_value(at_[1]) * 16 + hex_value(at_[2]);
      at_ += 3;
      return static_cast<char>(byte);
    }
    return *at_++;
  }

 private:
  const char* at_;
  const char* end_;
};

bool is_int(std::string_view s) {
  Decoded d(s);
  size_t n = 0;
  for (; !d.done(); ++n) {
    if (n == 18 || !is_digit(d.next())) return false;
  }
  return n > 0;
}

bool is_slug(std::string_view s) {
  for (Decoded d(s); !d.done();) {
    const char c = d.next();
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_') return false;
  }
  return !s.empty();
}

bool is_uuid(std::string_view s) {
  Decoded d(s);
  size_t n = 0;
  for (; !d.done(); ++n) {
    const char c = d.next();
    if (n == 36) return false;
    if (n == 8 || n == 13 || n == 18 || n == 23 ? c != '-' : hex_value(c) < 0) return false;
  }
  return n == 36;
}

bool fits(size_t form, std::string_view s) {
  switch (form) {
    case 0:
      return is_int(s);
    case 1:
      return is_uuid(s);
    case 2:
      return is_slug(s);
    default:
      return !s.empty();
  }
}

/// One request's way through the tries. A trie has one way to each node, so that none is visited twice.
class Walk {
 public:
  Walk(const Tables& tables, std::string_view method, std::string_view path, Match* out)
      : t_(tables), path_(path), end_(path.size()), out_(out), escaped_(path.find('%') != std::string_view::npos) {
    const size_t index = t_.method_index(method);
    method_ = method_bit(index);
    head_ = index == kHead;
  }

  /// All roots that the host may use, the most specific first.
  bool hosts(const Listener& l, std::string_view host) {
    if (!l.exact.empty()) {
      if (const auto at = l.exact.find(host); at != l.exact.end() && from(at->second)) return true;
    }
    if (!l.wildcard.empty() && wildcards(l, host)) return true;
    return l.any != 0 && from(l.any);
  }

  void slash_ignored() {
    if (path_.size() > 1 && path_.ends_with('/')) --end_;
    ignore_ = true;
  }
  /// From now on the path with a slash at its end, or without the one it has.
  void slash_turned() {
    if (path_.ends_with('/')) {
      --end_;
    } else {
      added_slash_ = true;
    }
  }
  uint64_t allow() const { return allow_; }

 private:
  bool wildcards(const Listener& l, std::string_view host) {
    for (size_t dot = host.find('.'); dot != std::string_view::npos; dot = host.find('.', dot + 1)) {
      if (dot == 0 || host.size() - dot > l.longest_wildcard) continue;
      if (const auto at = l.wildcard.find(host.substr(dot)); at != l.wildcard.end() && from(at->second)) return true;
    }
    return false;
  }

  bool from(NodeIndex root) {
    out_->params.resize(0);
    return visit(root, ignore_ && path_.size() == 1 ? kDone : 1);
  }

  /// Walks the segments from the offset `at` on. Recurses only where a node has more than a literal way, so at most as
  /// deep as the longest pattern.
  bool visit(NodeIndex index, size_t at) {
    while (at != kDone) {
      size_t next;
      const std::string_view segment = segment_at(at, &next);
      const NodeIndex literal = literal_child(index, segment);
      if (t_.nodes[index].branches())
        return (literal != 0 && visit(literal, next)) || branch(t_.nodes[index], segment, at, next);
      if (literal == 0) return false;
      index = literal;
      at = next;
    }
    const Node& node = t_.nodes[index];
    if (node.ends != 0 && take(node.ends)) return true;
    return ignore_ && node.rest != 0 && take_rest(node.rest, "");
  }

  bool branch(const Node& node, std::string_view segment, size_t at, size_t next) {
    const size_t params = out_->params.size();
    for (size_t form = 0; node.forms != 0 && form < 4; ++form) {
      const NodeIndex child = t_.forms[node.forms - 1][form];
      if (child == 0 || !fits(form, segment)) continue;
      out_->params.add(segment, has_escape(segment));
      if (visit(child, next)) return true;
      out_->params.resize(params);
    }
    return node.rest != 0 && take_rest(node.rest, at > path_.size() ? std::string_view() : path_.substr(at));
  }

  bool take_rest(EndList list, std::string_view rest) {
    if (!take(list)) return false;
    out_->params.add(rest, has_escape(rest));
    return true;
  }

  std::string_view segment_at(size_t at, size_t* next) const {
    *next = kDone;
    if (at > end_) return {};  // behind a slash that was added
    const void* slash = std::memchr(path_.data() + at, '/', end_ - at);
    if (slash == nullptr) {
      if (added_slash_) *next = end_ + 1;
      return path_.substr(at, end_ - at);
    }
    const size_t end = static_cast<size_t>(static_cast<const char*>(slash) - path_.data());
    *next = end + 1;
    return path_.substr(at, end - at);
  }

  bool has_escape(std::string_view s) const { return escaped_ && s.find('%') != std::string_view::npos; }

  NodeIndex literal_child(NodeIndex parent, std::string_view segment) const {
    if (!has_escape(segment)) return t_.literal_child(parent, segment);
    char buffer[RoutePath::kMaxLiteralBytes];
    size_t n = 0;
    for (Decoded d(segment); !d.done(); ++n) {
      if (n == sizeof buffer) return 0;
      buffer[n] = d.next();
    }
    return t_.literal_child(parent, {buffer, n});
  }

  bool take(EndList list) {
    if (list & kSingle) {
      const uint64_t methods = t_.method_sets[(list & ~kSingle) / kSingleRoutes];
      if ((methods & method_) || (head_ && (methods & method_bit(kGet)))) return found(list % kSingleRoutes);
      allow_ |= methods;
      return false;
    }
    EndList by_get = 0;
    for (EndList e = list; e != 0; e = t_.ends[e - 1].next) {
      const Endpoint& end = t_.ends[e - 1];
      if (end.methods & method_) return found(end.route);
      if (head_ && (end.methods & method_bit(kGet))) by_get = e;
      allow_ |= end.methods;
    }
    return by_get != 0 && found(t_.ends[by_get - 1].route);
  }

  bool found(uint32_t route) {
    out_->route = route;
    return true;
  }

  const Tables& t_;
  std::string_view path_;
  size_t end_;  // of what is walked: path_ may go on with a slash that does not count
  Match* out_;
  uint64_t method_ = 0;
  uint64_t allow_ = 0;
  bool head_ = false;
  bool escaped_;
  bool ignore_ = false;
  bool added_slash_ = false;
};

/// A path of which a redirect's Location would be taken for another host's ("//host", and "/\host" in browsers).
bool names_a_host(std::string_view path) { return path.size() > 1 && (path[1] == '/' || path[1] == '\\'); }

}  // namespace

Router::Router() : tables_(std::make_unique<const trie::Tables>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

void Router::match(std::string_view host, std::string_view method, std::string_view path, std::string_view listener,
                   Match* out) const {
  out->outcome = Match::Outcome::kNotFound;
  out->allow = 0;
  out->params.resize(0);
  if (path.empty() || path[0] != '/') return;
  if (host.ends_with('.')) host.remove_suffix(1);
  for (const Listener& l : tables_->listeners) {
    if (l.name != listener) continue;
    Walk walk(*tables_, method, path, out);
    if (tables_->mode == TrailingSlash::kIgnore) walk.slash_ignored();
    if (walk.hosts(l, host)) {
      out->outcome = Match::Outcome::kRoute;
      return;
    }
    out->allow = walk.allow();
    if (out->allow != 0) out->outcome = Match::Outcome::kMethodNotAllowed;
    if (tables_->mode != TrailingSlash::kRedirect || path.size() == 1 || names_a_host(path)) return;
    walk.slash_turned();
    if (walk.hosts(l, host)) out->outcome = Match::Outcome::kRedirectSlash;
    out->params.resize(0);
    return;
  }
}

void Router::append_allow(uint64_t allow, std::string& out) const {
  // A route without `methods` takes whatever comes; these are what a client can make use of.
  if (allow & method_bit(kOtherMethod)) allow = method_bit(kOptions) - 1;
  if (allow & method_bit(kGet)) allow |= method_bit(kHead);
  allow |= method_bit(kOptions);
  bool first = true;
  for (size_t i = 0; i < tables_->methods.size(); ++i) {
    if (!(allow & method_bit(i))) continue;
    if (!first) out += ", ";
    out += tables_->methods[i];
    first = false;
  }
}

size_t Router::memory_bytes() const {
  const Tables& t = *tables_;
  size_t bytes = t.nodes.capacity() * sizeof(Node) + t.forms.capacity() * sizeof(Forms) +
                 t.ends.capacity() * sizeof(Endpoint) + t.slots.capacity() * sizeof(Slot) + t.text.capacity() +
                 sizeof(Tables);
  for (const Listener& l : t.listeners)
    bytes += sizeof(Listener) + (l.exact.size() + l.wildcard.size()) * (sizeof(RootByHost::value_type) + 32);
  return bytes;
}

size_t Router::node_count() const { return tables_->nodes.size(); }

}  // namespace vg::gateway
