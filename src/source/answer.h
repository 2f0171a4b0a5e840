// What a call came to: the upstream's answer with its JSON checked, its default, or why there is neither.
// Thread: the request's loop. Lifetime: its values view the content that the call holds.
#pragma once
#include <string>
#include <string_view>

#include "json/value.h"
#include "upstream/call.h"

namespace vg::source {

struct Answer {
  enum class State : uint8_t {
    kNone,     ///< not there yet, or never made
    kSkipped,  ///< `when` said so
    kOk,
    kDefault,  ///< failed: `value` is the declared default
    kFailed,
  };
  State state = State::kNone;
  json::Value value;    ///< after `select`; absent without an answer
  Error error;          ///< kDefault, kFailed: why
  bool stale = false;   ///< failed, and answered with what was kept: `error` says why
  uint16_t status = 0;  ///< of the upstream's answer; 0: there was none
  upstream::CallStats stats;
  upstream::CallPtr call;  ///< holds head and content

  bool failed() const { return state == State::kFailed || state == State::kDefault; }
  bool has_value() const { return state == State::kOk || state == State::kDefault; }
  /// The whole content as it came.
  std::string_view content() const { return call ? std::string_view(call->text()) : std::string_view(); }
  /// 4xx: the upstream refuses what the client asked for.
  bool refused() const {
    return state == State::kFailed && error.kind == ErrorKind::kStatus && status >= 400 && status < 500;
  }
};

/// Why it failed, in the words of Viewgate-Degraded: "timeout", "status_503", "missing_value", …
void append_reason(const Answer& answer, std::string& out);

}  // namespace vg::source
