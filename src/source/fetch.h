// Makes one declared call: renders the request, fetches, collects and checks the answer. SPEC section 4.
#pragma once
#include "source/answer.h"
#include "source/call_def.h"

namespace vg::source {

/// Whom a call is made for. Lifetime: outlives the call.
struct Caller {
  pipeline::Context* ctx = nullptr;
  const tmpl::Values* values = nullptr;
  coro::CancelSource* cancel = nullptr;
  std::string_view more_query;         ///< parameters behind those of the call, encoded; no template writes them
  std::string_view method_instead;     ///< of the call's, where its text names none
  std::string_view target_instead;     ///< path and query (below the upstream's url) in place of the call's
  TimePoint until = TimePoint::max();  ///< when nobody waits any more; the upstream is told what is left
};

/// Makes the call and fills `answer`; its default stands for it if it fails, but not for a call that was cancelled.
/// Errors: in the answer: kConnect, kReset, kTimeout, kOverload, kUpstreamProtocol, kTooLarge, kInvalidJson, kSelect,
/// kMissingValue, kStatus (3xx, 4xx, 5xx: answer.status), kBadRequest (a value of the client's that its conversion does
/// not take), kCancelled. Cancel: caller.cancel. Lifetime: all outlive the task.
/// `content`: sent instead of what the call's `body` says.
coro::Task<void> fetch(const CallDef& def, Caller caller, Answer* answer,
                       std::optional<std::string_view> content = std::nullopt);

/// The call counts as failed: its default stands for it, but not where the client is to blame or has gone.
void fail(const CallDef& def, Answer& answer, Error error);

/// What tells one rendered call from another: method, target, fields and body. Two calls of one declaration with the
/// same fingerprint are the same call.
std::string fingerprint(const CallDef& def, const tmpl::Values& values);

}  // namespace vg::source
