// Whether an answer may be kept, why not, and for how long: RFC 9111 sections 3 and 4.2.4, RFC 5861, and what the
// user's `cache` setting puts in the place of the upstream's word. Functions of their arguments alone.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/freshness.h"

namespace vg::cache {

enum class Storing : uint8_t {
  kStored,
  kMethod,          ///< only answers to GET are kept
  kRequestNoStore,  ///< the client's Cache-Control: no-store (section 5.2.1.5)
  kStatus,          ///< none that this cache understands, or 206
  kIncomplete,      ///< its content was cut off (section 3.3)
  kNoStore,         ///< section 5.2.2.5
  kPrivate,         ///< section 5.2.2.7
  kAuthorization,   ///< a credential that is not in the key, without the upstream's leave (section 3.5)
  kSetCookie,
  kVaryStar,   ///< it can never be selected (section 4.1)
  kError,      ///< an error whose lifetime nobody says
  kNoLifetime  ///< nobody says how long it is fresh, and it can't be validated: it would never be used
};
/// In a word, for Cache-Status' detail and the log: "no-store", "set-cookie", …; "stored".
std::string_view to_string(Storing why);

/// What a request has to do with it.
struct StoreRequest {
  bool is_get = true;
  bool no_store = false;    ///< request_directives().no_store
  bool credential = false;  ///< it carries one that is not part of the key
};

/// The user's word.
struct StoreSettings {
  std::optional<Duration> ttl;
  std::optional<Duration> errors_ttl;
  std::optional<Duration> stale_while_revalidate;
  std::optional<Duration> stale_if_error;
};

/// What was found. All times count from when the answer came. May be asked of each call of a composed answer and then
/// be joined.
struct Verdict {
  Storing storing = Storing::kStored;
  Duration age{};                     ///< how old it was when it came
  Duration fresh_for{};               ///< negative: it was stale for so long when it came
  Duration stale_while_revalidate{};  ///< beyond fresh_for
  Duration stale_if_error{};          ///< beyond fresh_for
  bool always_revalidate = false;     ///< no-cache: it is never used without being validated (section 5.2.2.4)
  bool has_validator = false;         ///< ETag or Last-Modified
  bool stored() const { return storing == Storing::kStored; }
  /// How long it is worth keeping: fresh, then stale as far as that is allowed, and then, for `validation`, to be
  /// validated. Never negative.
  Duration keep_for(Duration validation) const;
};

/// The statuses that this cache understands, and so may keep: 200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501.
bool is_understood(uint16_t status);

/// Judges an answer that came whole. `status` counts, not the head's own. Lifetimes: settings.ttl takes the place of
/// what the upstream says of freshness (s-maxage, max-age, Expires, no-cache), and of the age that it had; errors (4xx,
/// 5xx) live as long as the upstream says, or errors_ttl. A `stale_…` that the user writes takes the place of the
/// upstream's. Nothing is served stale under must-revalidate or proxy-revalidate, and by settings alone not under
/// s-maxage either, as long as that is in force.
Verdict judge(const StoreRequest& request, uint16_t status, const http::Head& response, const ResponseDirectives& said,
              const Received& received, const StoreSettings& settings);

/// Makes `into` hold for an answer that is made of both: it is kept if both may be, as old as the older, fresh as long
/// as both are, served stale where both may be.
void join(Verdict& into, const Verdict& other);

}  // namespace vg::cache
