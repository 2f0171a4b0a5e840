#include "gateway/near_routes.h"

#include <algorithm>

#include "base/strings.h"
#include "gateway/route_path.h"

namespace vg::gateway {

namespace {

constexpr uint32_t kSlightly = 1;   // a typing mistake, a slash, another host or method
constexpr uint32_t kASegment = 2;   // one too many or too few, or of another form
constexpr uint32_t kOtherWord = 3;  // a literal that has nothing to do with what is there

std::string quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

std::string joined(std::span<const std::string_view> segments) {
  std::string out;
  for (const std::string_view s : segments) out.append("/").append(s);
  return out;
}

Router forms() {
  std::vector<RoutePattern> patterns;
  for (const char* path : {"/int/{v:int}", "/uuid/{v:uuid}", "/slug/{v:slug}", "/any/{v}"})
    patterns.emplace_back().path = path;
  return Router::build(patterns, TrailingSlash::kStrict, [](const RouteError&) {});
}

// Asked of a router, so that the two can't disagree.
bool has_form(std::string_view segment, SegmentKind kind) {
  static const Router kForms = forms();
  std::string path = kind == SegmentKind::kInt    ? "/int/"
                     : kind == SegmentKind::kUuid ? "/uuid/"
                     : kind == SegmentKind::kSlug ? "/slug/"
                                                  : "/any/";
  path += segment;
  Match match;
  kForms.match({}, "GET", path, {}, &match);
  return match.outcome == Match::Outcome::kRoute;
}

const char* asks_for(SegmentKind kind) {
  switch (kind) {
    case SegmentKind::kInt:
      return "asks for an int";
    case SegmentKind::kUuid:
      return "asks for a uuid";
    case SegmentKind::kSlug:
      return "asks for a slug";
    default:
      return "asks for a value";
  }
}

bool host_fits(std::string_view pattern, std::string_view host) {
  if (pattern.empty()) return true;
  std::string wanted = lower(pattern);
  if (wanted.ends_with('.')) wanted.pop_back();
  if (host.ends_with('.')) host.remove_suffix(1);
  if (!wanted.starts_with("*.")) return host == wanted;
  return host.size() >= wanted.size() && host.ends_with(std::string_view(wanted).substr(1));
}

bool method_fits(const pipeline::Route& route, std::string_view method) {
  if (route.methods.empty()) return method != "OPTIONS" || route.view_name == "proxy-fetch";
  const auto takes = [&](std::string_view m) {
    return std::find(route.methods.begin(), route.methods.end(), m) != route.methods.end();
  };
  return takes(method) || (method == "HEAD" && takes("GET"));
}

// One route held against the request.
class Comparison {
 public:
  Comparison(const pipeline::Route& route, const Sought& sought, bool ignore_slash)
      : route_(route), sought_(sought), ignore_slash_(ignore_slash) {}

  NearRoute run(uint32_t index) {
    compare_path();
    if (!why_.empty()) why_.resize(1);  // the first difference says where to look
    if (!host_fits(route_.host, sought_.host)) differ(kSlightly, "is for host " + std::string(route_.host) + " alone");
    if (route_.listener != sought_.listener)
      differ(kSlightly, route_.listener.empty() ? "is served on listeners without a name alone"
                                                : "is served on listener " + quoted(route_.listener) + " alone");
    NearRoute out{index, distance_, false, {}};
    if (!method_fits(route_, sought_.method)) {
      out.by_method_alone = distance_ == 0;
      differ(kSlightly, methods());
    }
    out.distance = distance_;
    for (const std::string& w : why_) out.why += (out.why.empty() ? "" : "; ") + w;
    return out;
  }

  // The more words they share, the more may differ.
  bool is_near() const { return distance_ <= kASegment + equal_; }

 private:
  void differ(uint32_t distance, std::string why) {
    distance_ += distance;
    why_.push_back(std::move(why));
  }

  std::string methods() const {
    if (route_.methods.empty()) return "leaves OPTIONS to the gateway";
    std::string out = "takes ";
    for (const std::string& m : route_.methods) out += (out.size() > 6 ? ", " : "") + m;
    return out;
  }

  void compare_path() {
    std::vector<std::string_view> have = split(sought_.path.substr(1), '/');
    std::vector<std::string_view> written = split(route_.path.substr(1), '/');
    const std::vector<Segment> segments = RoutePath::parse(route_.path, [](size_t, std::string) {}).segments;
    if (ignore_slash_ && have.back().empty()) have.pop_back();
    if (ignore_slash_ && written.back().empty()) written.pop_back();
    for (size_t i = 0; i < written.size(); ++i) {
      const Segment& segment = segments[i];
      const bool at_end = i == have.size() || (i + 1 == have.size() && have[i].empty());
      const bool is_slash = segment.kind == SegmentKind::kLiteral && segment.text.empty();
      if (segment.kind == SegmentKind::kRest && (i < have.size() || ignore_slash_)) return;
      if (at_end && !(is_slash && i < have.size())) return goes_on(std::span(written).subspan(i));
      if (is_slash && !at_end) return ends_before(std::span(have).subspan(i));
      compare(segment, have[i]);
    }
    if (have.size() > written.size()) ends_before(std::span(have).subspan(written.size()));
  }

  void goes_on(std::span<const std::string_view> more) {
    if (more.size() == 1 && more[0].empty()) return differ(kSlightly, "has a slash at its end");
    differ(kASegment * static_cast<uint32_t>(more.size()), "goes on with " + quoted(joined(more)));
  }

  void ends_before(std::span<const std::string_view> more) {
    if (more.size() == 1 && more[0].empty()) return differ(kSlightly, "has no slash at its end");
    differ(kASegment * static_cast<uint32_t>(more.size()), "ends before " + quoted(joined(more)));
  }

  void compare(const Segment& segment, std::string_view raw) {
    if (segment.kind != SegmentKind::kLiteral) {
      if (has_form(raw, segment.kind)) return;
      return differ(kASegment, asks_for(segment.kind) + (" where the path has " + quoted(raw)));
    }
    const std::string there = percent_decode(raw).value_or(std::string(raw));
    if (there == segment.text) {
      if (!there.empty()) ++equal_;
      return;
    }
    const bool meant = iequals(there, segment.text) || (there.size() > 1 && !nearest(there, {segment.text}).empty());
    differ(meant ? kSlightly : kOtherWord, "has " + quoted(segment.text) + " where the path has " + quoted(raw));
  }

  const pipeline::Route& route_;
  const Sought& sought_;
  const bool ignore_slash_;
  uint32_t distance_ = 0;
  uint32_t equal_ = 0;  // words
  std::vector<std::string> why_;
};

}  // namespace

std::vector<NearRoute> near_routes(const RouteTable& table, const Sought& sought, size_t most) {
  std::vector<NearRoute> out;
  const bool ignore_slash = table.server.trailing_slash == config::TrailingSlash::kIgnore;
  for (size_t i = 0; i < table.routes.size(); ++i) {
    Comparison comparison(table.routes[i], sought, ignore_slash);
    NearRoute near = comparison.run(static_cast<uint32_t>(i));
    if (near.distance > 0 && comparison.is_near()) out.push_back(std::move(near));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const NearRoute& a, const NearRoute& b) { return a.distance < b.distance; });
  if (out.size() > most) out.resize(most);
  return out;
}

}  // namespace vg::gateway
