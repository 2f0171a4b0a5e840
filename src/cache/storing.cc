#include "cache/storing.h"

#include <algorithm>
#include <array>

#include "cache/vary.h"

namespace vg::cache {
namespace {

using http::FieldId;

constexpr std::array<uint16_t, 11> kUnderstood = {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501};

bool is_error(uint16_t status) { return status >= 400; }

bool is_named(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Section 3, but for lifetimes.
Storing refusal(const StoreRequest& request, uint16_t status, const http::Head& response,
                const ResponseDirectives& said) {
  if (!request.is_get) return Storing::kMethod;
  if (request.no_store) return Storing::kRequestNoStore;
  if (!is_understood(status)) return Storing::kStatus;
  // Section 5.2.2.3: who understands the status goes by must-understand, and not by the no-store beside it.
  if (said.no_store && !said.must_understand) return Storing::kNoStore;
  if (said.is_private) return Storing::kPrivate;
  const bool allowed = said.is_public || said.must_revalidate || said.s_maxage.good();
  if (request.credential && !allowed) return Storing::kAuthorization;
  // A cookie is somebody's, unless the upstream says that it goes and the rest stays.
  if (response.has(FieldId::kSetCookie) && !is_named(said.unkept_fields, "set-cookie")) return Storing::kSetCookie;
  if (vary_of(response).star) return Storing::kVaryStar;
  return Storing::kStored;
}

// The user's ttl, or what the upstream says less the age that it came with. nullopt: nobody says anything.
std::optional<Duration> fresh_for(const std::optional<Duration>& ttl, const http::Head& response,
                                  const ResponseDirectives& said, const Received& received, Duration age) {
  if (ttl) return ttl;
  const auto lifetime = freshness_lifetime(response, said, received);
  if (!lifetime) return std::nullopt;
  return *lifetime - age;
}

Duration stale_time(const std::optional<Duration>& users, const Seconds& upstreams, bool s_maxage) {
  if (!users) return upstreams.value();
  return s_maxage && !upstreams.good() ? Duration(0) : *users;
}

}  // namespace

std::string_view to_string(Storing why) {
  constexpr std::array<std::string_view, 12> kWords = {
      "stored",  "method",        "request-no-store", "status",    "incomplete", "no-store",
      "private", "authorization", "set-cookie",       "vary-star", "error",      "no-lifetime"};
  return kWords[static_cast<size_t>(why)];
}

bool is_understood(uint16_t status) {
  return std::find(kUnderstood.begin(), kUnderstood.end(), status) != kUnderstood.end();
}

Duration Verdict::keep_for(Duration validation) const {
  const Duration usable = std::max(fresh_for + std::max(stale_while_revalidate, stale_if_error), Duration(0));
  return has_validator ? std::max(usable, std::max(fresh_for, Duration(0)) + validation) : usable;
}

Verdict judge(const StoreRequest& request, uint16_t status, const http::Head& response, const ResponseDirectives& said,
              const Received& received, const StoreSettings& settings) {
  Verdict v;
  v.age = initial_age(response, received);
  v.storing = refusal(request, status, response, said);
  v.has_validator = response.has(FieldId::kEtag) || response.has(FieldId::kLastModified);
  const std::optional<Duration>& ttl = is_error(status) ? settings.errors_ttl : settings.ttl;
  const std::optional<Duration> fresh = fresh_for(ttl, response, said, received, v.age);
  v.always_revalidate = said.no_cache && !ttl;
  if (fresh && !v.always_revalidate) v.fresh_for = *fresh;
  if (!said.must_revalidate && !said.proxy_revalidate && !v.always_revalidate) {
    const bool s_maxage = said.s_maxage.present && !ttl;
    v.stale_while_revalidate = stale_time(settings.stale_while_revalidate, said.stale_while_revalidate, s_maxage);
    v.stale_if_error = stale_time(settings.stale_if_error, said.stale_if_error, s_maxage);
  }
  if (!v.stored()) return v;
  if (is_error(status) && (!fresh || v.fresh_for <= Duration(0))) {
    v.storing = Storing::kError;
  } else if (v.keep_for(Duration(0)) == Duration(0) && !v.has_validator) {
    v.storing = Storing::kNoLifetime;
  }
  return v;
}

void join(Verdict& into, const Verdict& other) {
  if (into.stored()) into.storing = other.storing;
  const auto end = [](const Verdict& v, Duration stale) { return v.fresh_for + stale; };
  const Duration revalidate =
      std::min(end(into, into.stale_while_revalidate), end(other, other.stale_while_revalidate));
  const Duration on_error = std::min(end(into, into.stale_if_error), end(other, other.stale_if_error));
  into.age = std::max(into.age, other.age);
  into.fresh_for = std::min(into.fresh_for, other.fresh_for);
  into.stale_while_revalidate = revalidate - into.fresh_for;
  into.stale_if_error = on_error - into.fresh_for;
  into.always_revalidate = into.always_revalidate || other.always_revalidate;
  into.has_validator = into.has_validator && other.has_validator;
}

}  // namespace vg::cache
