// What the process knows of its Redis, whichever loop learned it: the settings, and whether it can be used. Says each
// change once in the log, not once a loop. Reloads keep it as long as the settings stay (KeptState). Thread: any.
#pragma once
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/kept_state.h"
#include "config/settings.h"
#include "net/tls_context.h"
#include "store/missed_drops.h"
#include "store/redis_news.h"

namespace vg::store {

class RedisHub {
 public:
  /// The one of `settings`: a new one unless a table still has it.
  static std::shared_ptr<RedisHub> kept(const config::RedisSettings& settings, KeptState& state);
  explicit RedisHub(config::RedisSettings settings) : settings_(std::move(settings)), news_(settings_.prefix) {}
  RedisHub(const RedisHub&) = delete;

  const config::RedisSettings& settings() const { return settings_; }
  /// What connections to a rediss:// url begin with. Read anew with each configuration.
  net::TlsClientSlot& tls() { return tls_; }

  /// What processes tell each other.
  RedisNews& news() { return news_; }
  /// Drops of cached answers that Redis was not told of.
  MissedDrops& missed_drops() { return missed_drops_; }

  /// One loop's connection, as far as the process is told of it.
  enum class Link : uint8_t { kNew, kUp, kDown };
  /// A connection was `from`, and is `to` now. `why`: of kDown, in words for people.
  void changed(Link from, Link to, const std::string& why);

  struct State {
    Link link = Link::kNew;  ///< kDown if any connection is; kNew: none has been made
    WallTime since{};        ///< of the last change
    std::string last_error;  ///< also after it came back; empty: there never was one
    WallTime last_error_at{};
  };
  State state() const;
  bool up() const { return state().link == Link::kUp; }

 private:
  const config::RedisSettings settings_;
  RedisNews news_;
  MissedDrops missed_drops_;
  mutable std::mutex mutex_;  // taken when a connection changes, never for a command
  net::TlsClientSlot tls_;
  size_t up_ = 0, down_ = 0;
  State state_;
  std::set<std::string> said_;  // reasons of the outage that lasts
};

}  // namespace vg::store
