// Error replies of Redis: which of them are about one command, and which say that Redis can't be used at all.
#pragma once
#include <string>
#include <string_view>

namespace vg::store {

/// The code of an error reply: "NOSCRIPT", "ERR". Of an error inside a script (Redis 6 wraps those) that error's own.
std::string_view error_code(std::string_view error);

/// In words for people why a Redis that answers `error` can't be used now, whatever the command was. Empty: the error
/// is about that command alone.
std::string refusal(std::string_view error);

}  // namespace vg::store
