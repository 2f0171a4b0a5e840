// Time as the gateway sees it: a monotonic clock for deadlines and a wall clock for dates, behind one interface, so
// that tests move it. The real clock of a loop caches the time of the current turn.
#pragma once
#include <chrono>

namespace vg {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;

}  // namespace vg
