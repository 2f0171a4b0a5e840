#include "template/reference.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "template/convert.h"

namespace vg::tmpl {
namespace {

struct RootName {
  std::string_view word;     // what the reference begins with
  std::string_view example;  // for messages
  Root root;
  size_t least;  // members that must follow
  size_t most;   // and that may
};
constexpr size_t kAnyNumber = 1000;
constexpr std::array<RootName, 12> kRoots = {{
    {"query", "query.NAME", Root::kQuery, 1, 1},
    {"header", "header.NAME", Root::kHeader, 1, 1},
    {"cookie", "cookie.NAME", Root::kCookie, 1, 1},
    {"client_ip", "client_ip", Root::kClientIp, 0, 0},
    {"request_id", "request_id", Root::kRequestId, 0, 0},
    {"body", "body.a.b", Root::kBody, 0, kAnyNumber},
    {"object", "object.a.b", Root::kObject, 0, kAnyNumber},
    {"item", "item.a", Root::kItem, 0, kAnyNumber},
    {"items", "items.a", Root::kItems, 1, kAnyNumber},
    {"calls", "calls.NAME.a", Root::kCalls, 1, kAnyNumber},
    {"claims", "claims.NAME", Root::kClaims, 1, kAnyNumber},
    {"tls", "tls.client.subject", Root::kTlsClientSubject, 2, 2},
}};

std::string quoted(std::string_view s) { return "\"" + std::string(s) + "\""; }

std::optional<Conversion> conversion_of(std::string_view word) {
  if (word == "int") return Conversion::kInt;
  if (word == "number") return Conversion::kNumber;
  if (word == "bool") return Conversion::kBool;
  if (word == "json") return Conversion::kJson;
  return std::nullopt;
}

/// RFC 9110 section 5.6.2.
bool is_token(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) {
    return is_alpha(c) || is_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

class ReferenceParser {
 public:
  ReferenceParser(size_t at, const Scope& scope, const ErrorSink& errors) : at_(at), scope_(scope), errors_(errors) {}

  std::optional<Reference> run(std::string_view text) {
    const size_t bar = text.find('|');
    if (bar != std::string_view::npos) ref_.fallback = std::string(text.substr(bar + 1));
    text = text.substr(0, bar);
    const size_t colon = text.rfind(':');
    const std::string_view name = text.substr(0, colon);
    if (name.empty()) return fail(at_, "an empty reference: write {name} (literal braces are \"{{\" and \"}}\")");
    ref_.text = name;
    if (!resolve(name)) return std::nullopt;
    if (colon != std::string_view::npos && !convert_by(text.substr(colon + 1), at_ + colon + 1)) return std::nullopt;
    std::string unused;
    if (ref_.fallback && convert(ref_.conversion, *ref_.fallback, unused) == Converted::kBad) {
      return fail(at_ + bar + 1, "the fallback " + quoted(*ref_.fallback) + " is not what the conversion asks for");
    }
    return std::move(ref_);
  }

 private:
  std::nullopt_t fail(size_t at, std::string message) {
    errors_(at, std::move(message));
    return std::nullopt;
  }

  bool refuse(size_t at, std::string message) {
    errors_(at, std::move(message));
    return false;
  }

  bool convert_by(std::string_view word, size_t at) {
    const auto conversion = conversion_of(word);
    if (conversion) {
      ref_.conversion = *conversion;
      return true;
    }
    std::string message = "unknown conversion " + quoted(word) + " (int, number, bool, json)";
    if (const auto near = nearest(word, {"int", "number", "bool", "json"}); !near.empty())
      message += ", did you mean " + quoted(near) + "?";
    return refuse(at, std::move(message));
  }

  bool resolve(std::string_view name) {
    const size_t dot = name.find('.');
    const std::string_view word = name.substr(0, dot);
    for (size_t i = 0; i < scope_.params.size(); ++i) {
      if (scope_.params[i].name != word) continue;
      if (name.substr(word.size()) == "...")
        return refuse(at_,
                      "in a template it is written {" + std::string(word) + "}: the dots belong into the route's path");
      if (dot != std::string_view::npos)
        return refuse(at_ + dot, quoted(word) + " is a path parameter and has no members");
      ref_.root = Root::kParam;
      ref_.param = static_cast<uint32_t>(i);
      ref_.kind = scope_.params[i].kind;
      return true;
    }
    const auto* root = std::find_if(kRoots.begin(), kRoots.end(), [&](const RootName& r) { return r.word == word; });
    if (root == kRoots.end()) return unknown(name, word);
    return members(*root, name, dot);
  }

  bool members(const RootName& root, std::string_view name, size_t dot) {
    ref_.root = root.root;
    if (!scope_.offers(root.root)) return refuse(at_, quoted(name) + " is not offered here" + offered());
    const std::string_view rest = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
    if (dot != std::string_view::npos && root.most == 1) {
      ref_.path.emplace_back(rest);  // names of parameters, headers and cookies may have dots
    } else if (dot != std::string_view::npos) {
      for (const auto element : split(rest, '.')) ref_.path.emplace_back(element);
    }
    const bool empty = std::find(ref_.path.begin(), ref_.path.end(), "") != ref_.path.end();
    const bool tls = root.root == Root::kTlsClientSubject && rest != "client.subject";
    if (empty || tls || ref_.path.size() < root.least || ref_.path.size() > root.most) {
      return refuse(at_, quoted(name) + " is written {" + std::string(root.example) + "}");
    }
    if (root.root == Root::kCalls) return call(at_ + dot + 1);
    if (root.root != Root::kHeader) return true;
    if (!is_token(rest)) return refuse(at_ + dot + 1, quoted(rest) + " is no name of a header");
    ref_.path[0] = lower(rest);
    return true;
  }

  /// Moves the name of the call from the path to its index. It stands at `at`.
  bool call(size_t at) {
    const auto found = std::find(scope_.calls.begin(), scope_.calls.end(), ref_.path[0]);
    if (found != scope_.calls.end()) {
      ref_.call = static_cast<uint32_t>(found - scope_.calls.begin());
      ref_.path.erase(ref_.path.begin());
      return true;
    }
    std::string message = "no call is named " + quoted(ref_.path[0]) + " here";
    std::string list;
    std::vector<std::string_view> names;
    for (const std::string& name : scope_.calls) {
      if (name.empty()) continue;
      list += (list.empty() ? "" : ", ") + name;
      names.push_back(name);
    }
    const std::string_view near = nearest(ref_.path[0], names);
    if (!near.empty()) message += ", did you mean " + quoted(near) + "?";
    if (!list.empty()) message += " (what is: " + list + ")";
    return refuse(at, std::move(message));
  }

  bool unknown(std::string_view name, std::string_view word) {
    std::vector<std::string_view> near_to;
    for (const Param& p : scope_.params) near_to.push_back(p.name);
    for (const RootName& r : kRoots) {
      if (scope_.offers(r.root)) near_to.push_back(r.word);
    }
    std::string message = "unknown reference " + quoted(name);
    const std::string_view near = nearest(word, near_to);
    if (!near.empty()) {
      message += ", did you mean " + quoted(std::string(near) + std::string(name.substr(word.size()))) + "?";
    } else {
      message += offered();
    }
    return refuse(at_, std::move(message));
  }

  /// " (here: id, query.NAME, …)"
  std::string offered() const {
    std::string list;
    for (const Param& p : scope_.params) list += (list.empty() ? "" : ", ") + p.name;
    for (const RootName& r : kRoots) {
      if (scope_.offers(r.root)) list += (list.empty() ? "" : ", ") + std::string(r.example);
    }
    return list.empty() ? "" : " (what is: " + list + ")";
  }

  size_t at_;
  const Scope& scope_;
  const ErrorSink& errors_;
  Reference ref_;
};

}  // namespace

bool is_reserved_root(std::string_view word) {
  return std::any_of(kRoots.begin(), kRoots.end(), [&](const RootName& r) { return r.word == word; });
}

Scope request_scope(std::vector<Param> params) {
  Scope scope;
  scope.params = std::move(params);
  for (const Root r : {Root::kParam, Root::kQuery, Root::kHeader, Root::kCookie, Root::kClientIp, Root::kRequestId,
                       Root::kTlsClientSubject})
    scope.offer(r);
  return scope;
}

std::optional<Reference> parse_reference(std::string_view text, size_t at, const Scope& scope,
                                         const ErrorSink& errors) {
  return ReferenceParser(at, scope, errors).run(text);
}

}  // namespace vg::tmpl
