#include "gateway/route_path.h"

#include <algorithm>

#include "base/strings.h"

namespace vg::gateway {
namespace {

using tmpl::ParamKind;

// std::string_view::find_first_of calls for every byte, and there are ten thousand routes.
size_t find_either(std::string_view s, char a, char b, size_t from = 0) {
  for (size_t i = from; i < s.size(); ++i) {
    if (s[i] == a || s[i] == b) return i;
  }
  return std::string_view::npos;
}

bool is_name(std::string_view s) {
  if (s.empty() || !(is_alpha(s[0]) || s[0] == '_')) return false;
  return std::all_of(s.begin(), s.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_' || c == '-'; });
}

ParamKind param_kind(SegmentKind kind) {
  switch (kind) {
    case SegmentKind::kInt:
      return ParamKind::kInt;
    case SegmentKind::kUuid:
      return ParamKind::kUuid;
    case SegmentKind::kSlug:
      return ParamKind::kSlug;
    case SegmentKind::kRest:
      return ParamKind::kRest;
    default:
      return ParamKind::kPlain;
  }
}

/// One pass over a declared path. Throws nothing: mistakes go to the sink.
class Parser {
 public:
  Parser(std::string_view text, const std::function<void(size_t, std::string)>& errors)
      : text_(text), errors_(errors) {}

  RoutePath run() {
    if (text_.empty() || text_[0] != '/') {
      errors_(0, "a path begins with \"/\"");
      return {};
    }
    if (const size_t bad = find_either(text_, '?', '#'); bad != std::string_view::npos) {
      errors_(bad, std::string("a path has no \"") + text_[bad] + "\": routes do not look at the query");
      return {};
    }
    path_.segments.reserve(static_cast<size_t>(std::count(text_.begin(), text_.end(), '/')));
    for (size_t at = 1; at <= text_.size();) {
      const size_t end = std::min(text_.find('/', at), text_.size());
      segment(at, text_.substr(at, end - at), end == text_.size());
      at = end + 1;
    }
    if (path_.segments.size() > RoutePath::kMaxSegments) errors_(0, "more than 64 segments");
    if (path_.params.size() > tmpl::PathParams::kMax) errors_(0, "more than 32 parameters");
    return std::move(path_);
  }

 private:
  void segment(size_t at, std::string_view s, bool last) {
    if (find_either(s, '{', '}') != std::string_view::npos) {
      parameter(at, s, last);
    } else if (s.empty() && !last) {
      errors_(at, "an empty segment (\"//\") matches nothing that clients mean");
    } else {
      literal(at, s);
    }
  }

  void literal(size_t at, std::string_view s) {
    if (s.size() > 2 && s.front() == '<' && s.back() == '>') {
      errors_(at, "parameters are written in braces: {id}, {id:int}, {slug:slug}, {key:uuid}, {rest...}");
      return;
    }
    for (size_t i = 0; i < s.size(); ++i) {
      if (static_cast<unsigned char>(s[i]) < 0x20 || s[i] == 0x7f)
        return errors_(at + i, "a control character in the path");
    }
    auto decoded = s.find('%') == std::string_view::npos ? std::string(s) : percent_decode(s);
    if (!decoded)
      return errors_(at + s.find('%'),
                     "\"%\" is not followed by two hexadecimal digits (write %25 for a percent sign)");
    if (decoded->find('\0') != std::string::npos)
      return errors_(at, "a path with NUL can never match: it is answered with 400");
    if (*decoded == "." || *decoded == "..")
      return errors_(at, "a dot segment can never match: it is answered with 400");
    if (decoded->size() > RoutePath::kMaxLiteralBytes) return errors_(at, "a literal segment has at most 255 bytes");
    path_.segments.push_back({SegmentKind::kLiteral, *std::move(decoded)});
  }

  void parameter(size_t at, std::string_view s, bool last) {
    if (s.size() < 2 || s.front() != '{' || find_either(s, '{', '}', 1) != s.size() - 1 || s.back() != '}') {
      return errors_(at, "a parameter is a whole segment: \"/{name}/\" (a literal brace is written %7B or %7D)");
    }
    const std::string_view inside = s.substr(1, s.size() - 2);
    if (inside.ends_with("...")) {
      if (!last) return errors_(at, "\"" + std::string(s) + "\" takes the rest of the path, so it stands last");
      return add(at, inside.substr(0, inside.size() - 3), SegmentKind::kRest);
    }
    const size_t colon = inside.find(':');
    if (colon == std::string_view::npos) return add(at, inside, SegmentKind::kPlain);
    if (const auto kind = kind_of(at + colon + 2, inside.substr(colon + 1))) add(at, inside.substr(0, colon), *kind);
  }

  std::optional<SegmentKind> kind_of(size_t at, std::string_view word) {
    if (word == "int") return SegmentKind::kInt;
    if (word == "uuid") return SegmentKind::kUuid;
    if (word == "slug") return SegmentKind::kSlug;
    std::string message =
        "unknown form \"" + std::string(word) + "\" (int, slug, uuid; {name} for any segment, {name...} for the rest)";
    const std::string_view near = nearest(word, {"int", "slug", "uuid"});
    if (!near.empty()) message += ", did you mean \"" + std::string(near) + "\"?";
    errors_(at, std::move(message));
    return std::nullopt;
  }

  void add(size_t at, std::string_view name, SegmentKind kind) {
    if (name.empty()) return errors_(at, "a parameter needs a name");
    if (!is_name(name)) {
      return errors_(at + 1, "\"" + std::string(name) +
                                 "\" is no name for a parameter: letters, digits, \"_\" and \"-\", a letter first");
    }
    if (tmpl::is_reserved_root(name)) {
      return errors_(at + 1, "a parameter cannot be called \"" + std::string(name) +
                                 "\": templates use that name for something else");
    }
    for (const tmpl::Param& p : path_.params) {
      if (p.name == name) return errors_(at + 1, "two parameters are called \"" + std::string(name) + "\"");
    }
    path_.params.push_back({std::string(name), param_kind(kind)});
    path_.segments.push_back({kind, std::string(name)});
  }

  std::string_view text_;
  const std::function<void(size_t, std::string)>& errors_;
  RoutePath path_;
};

}  // namespace

RoutePath RoutePath::parse(std::string_view text, const std::function<void(size_t, std::string)>& errors) {
  return Parser(text, errors).run();
}

}  // namespace vg::gateway
