#include "store/redis_hub.h"

#include "observe/log.h"

namespace vg::store {

namespace {
constexpr size_t kMostReasons = 8;  // said of one outage
}

std::shared_ptr<RedisHub> RedisHub::kept(const config::RedisSettings& settings, KeptState& state) {
  // Every setting tells hubs apart; none can hold a NUL.
  std::string name;
  for (const std::string& part :
       {settings.label, settings.user, settings.password, settings.prefix, std::to_string(settings.timeout.count()),
        settings.client_tls.ca, settings.client_tls.certificate, settings.client_tls.key,
        settings.client_tls.server_name, std::string(settings.client_tls.verify ? "verify" : "")}) {
    name.append(part).push_back('\0');
  }
  return state.get<RedisHub>(name, [&] { return std::make_shared<RedisHub>(settings); });
}

void RedisHub::changed(Link from, Link to, const std::string& why) {
  const std::lock_guard<std::mutex> lock(mutex_);
  up_ -= from == Link::kUp ? 1 : 0;
  down_ -= from == Link::kDown ? 1 : 0;
  up_ += to == Link::kUp ? 1 : 0;
  down_ += to == Link::kDown ? 1 : 0;
  const WallTime now = Clock::wall();
  if (to == Link::kDown) {
    state_.last_error = why;
    state_.last_error_at = now;
    // An outage that goes on for another reason is worth a line: it is refused, then the password is wrong.
    if (said_.size() < kMostReasons && said_.insert(why).second)
      log::warn("redis ", settings_.label, " can't be used: ", why, "; requests go on without it");
  }
  const Link overall = down_ > 0 ? Link::kDown : up_ > 0 ? Link::kUp : state_.link;
  if (overall == state_.link) return;
  if (overall == Link::kUp) {
    if (state_.link == Link::kDown) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now - state_.since).count();
      log::info("redis ", settings_.label, " answers again after ", ms, " ms");
    } else {
      log::info("redis ", settings_.label, " is connected");
    }
    said_.clear();
  }
  state_.link = overall;
  state_.since = now;
}

RedisHub::State RedisHub::state() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return state_;
}

}  // namespace vg::store
