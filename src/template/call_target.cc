#include "template/call_target.h"

#include <algorithm>

#include "base/strings.h"
#include "template/encode.h"

namespace vg::tmpl {
namespace {

bool is_upstream_name(std::string_view s) {
  if (s.empty() || s[0] < 'a' || s[0] > 'z') return false;
  return std::all_of(s.begin(), s.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-'; });
}

/// The next `c` that is in no reference; npos if there is none.
size_t find_outside(std::string_view s, char c, size_t from = 0) {
  bool inside = false;
  for (size_t i = from; i < s.size(); ++i) {
    if (!inside && s[i] == c) return i;
    if (s[i] == '{' && !inside && s.substr(i + 1, 1) == "{") {
      ++i;
    } else if (s[i] == '{') {
      inside = true;
    } else if (s[i] == '}') {
      inside = false;
    }
  }
  return std::string_view::npos;
}

class CallParser {
 public:
  CallParser(std::string_view text, const Scope& scope, const ErrorSink& errors)
      : text_(text), scope_(scope), errors_([this, &errors](size_t at, std::string message) {
          failed_ = true;
          errors(at, std::move(message));
        }) {}

  std::optional<CallTarget> run() {
    method();
    if (!upstream()) return std::nullopt;
    const size_t mark = find_outside(text_, '?', at_);
    path(std::min(mark, text_.size()));
    if (mark != std::string_view::npos) {
      out_.has_query = true;
      query(mark + 1);
    }
    if (failed_) return std::nullopt;
    return std::move(out_);
  }

 private:
  void method() {
    const size_t space = text_.find(' ');
    const std::string_view word = text_.substr(0, space);
    if (space == std::string_view::npos || word.find_first_of("/{?:") != std::string_view::npos) return;
    at_ = text_.find_first_not_of(' ', space);
    at_ = std::min(at_, text_.size());
    const bool upper = !word.empty() &&
                       std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'A' && c <= 'Z') || c == '-'; });
    std::string asked(word);
    for (char& c : asked) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    static const std::vector<std::string_view> kMethods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    const bool known = std::find(kMethods.begin(), kMethods.end(), asked) != kMethods.end();
    const std::string_view near = known ? std::string_view(asked) : nearest(asked, kMethods);
    if (upper && (known || near.empty())) {
      out_.method = std::move(asked);
      return;
    }
    std::string message = "\"" + std::string(word) + "\" is no method";
    if (!near.empty()) message += ", did you mean \"" + std::string(near) + "\"?";
    errors_(0, std::move(message));
  }

  bool upstream() {
    const size_t end = std::min(text_.find_first_of("/?", at_), text_.size());
    const std::string_view name = text_.substr(at_, end - at_);
    out_.upstream_at = at_;
    if (text_.substr(at_).find("://") != std::string_view::npos && name.ends_with(':')) {
      errors_(at_, "an absolute URL: declare an upstream under \"upstreams\" and write its name instead");
    } else if (name.find_first_of("{}") != std::string_view::npos) {
      errors_(at_, "the upstream's name is never a template");
    } else if (name.empty()) {
      errors_(at_, "a call begins with the name of its upstream: \"UPSTREAM/path\"");
    } else if (!is_upstream_name(name)) {
      errors_(at_, "\"" + std::string(name) + "\" is no name of an upstream (a-z, 0-9, \"_\" and \"-\")");
    } else {
      out_.upstream = name;
      at_ = end;
      return true;
    }
    return false;
  }

  void path(size_t end) {
    if (at_ == end) return;
    out_.has_path = true;
    // Exactly one slash joins path and url.
    const size_t begin = std::min(text_.find_first_not_of('/', at_), end);
    out_.path = compile(begin, text_.substr(begin, end - begin), Place::kPath);
    at_ = end;
  }

  void query(size_t at) {
    while (at < text_.size()) {
      const size_t end = std::min(find_outside(text_, '&', at), text_.size());
      if (end > at) parameter(at, text_.substr(at, end - at));
      at = end + 1;
    }
  }

  void parameter(size_t at, std::string_view pair) {
    const size_t equals = find_outside(pair, '=');
    const std::string_view name = pair.substr(0, equals);
    if (name.find_first_of("{}") != std::string_view::npos) {
      errors_(at, "the name of a query parameter is never a template");
      return;
    }
    QueryParam param;
    const Template encoded = compile(at, name, Place::kQueryText);
    if (!encoded.empty()) param.encoded = encoded.parts()[0].literal;
    append_decoded(param.name, name, Coding::kForm);
    param.has_value = equals != std::string_view::npos;
    if (param.has_value) param.value = compile(at + equals + 1, pair.substr(equals + 1), Place::kQueryText);
    out_.query.push_back(std::move(param));
  }

  /// Compiles a piece of the text; its errors are told with their place in the whole.
  Template compile(size_t at, std::string_view piece, Place place) {
    return Template::compile(piece, place, scope_, [this, at](size_t offset, std::string message) {
      errors_(at + offset, std::move(message));
    });
  }

  std::string_view text_;
  const Scope& scope_;
  bool failed_ = false;
  ErrorSink errors_;
  size_t at_ = 0;
  CallTarget out_;
};

}  // namespace

Rendered CallTarget::render(const Values& values, std::string_view base_path, std::string& out) const {
  const size_t start = out.size();
  if (has_path) {
    if (base_path.ends_with('/')) base_path.remove_suffix(1);
    out += base_path;
    out += '/';
    if (const Rendered r = path.render(values, out); !r.ok()) {
      out.resize(start);
      return r;
    }
  } else {
    out += base_path.empty() ? std::string_view("/") : base_path;
  }
  if (!has_query) return {};
  char separator = '?';
  for (const QueryParam& param : query) {
    const size_t before = out.size();
    out += separator;
    out += param.encoded;
    if (param.has_value) out += '=';
    const Rendered r = param.value.render(values, out);
    if (r.status == Rendered::Status::kBadValue) {
      out.resize(start);
      return r;
    }
    if (r.ok()) {
      separator = '&';
    } else {
      out.resize(before);
    }
  }
  return {};
}

bool CallTarget::ends_in_value() const {
  bool at_end = true;  // nothing but a slash follows
  const auto parts = path.parts();
  for (size_t i = parts.size(); i-- > 0;) {
    const Template::Part& part = parts[i];
    if (part.reference >= 0) return true;
    std::string_view text = part.literal;
    while (at_end && text.ends_with('/')) text.remove_suffix(1);
    at_end = at_end && text.empty();
    if (text.find('/') != std::string_view::npos) return false;
  }
  return false;
}

void CallTarget::for_each_reference(const ReferenceVisitor& visit) const {
  path.for_each_reference(visit);
  for (const QueryParam& param : query) param.value.for_each_reference(visit);
}

std::optional<CallTarget> parse_call(std::string_view text, const Scope& scope, const ErrorSink& errors) {
  return CallParser(text, scope, errors).run();
}

}  // namespace vg::tmpl
