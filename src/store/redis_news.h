// What processes tell each other through Redis: who listens to a channel, and whether the link that tells is up. One in
// the process (RedisHub); the connection is RedisSubscriber's, on one loop. Telling is a PUBLISH to name(channel), by
// any loop's client or by a script.
#pragma once
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace vg::store {

class RedisNews {
 public:
  /// Of those who listen: both are called on the subscriber's loop, one at a time, and must not call back here. A
  /// message may be anybody's, also this process's own, and any bytes.
  using OnMessage = std::function<void(std::string_view message)>;
  /// True: from now on each message comes. False: from now on some may not.
  using OnLink = std::function<void(bool up)>;

  explicit RedisNews(const std::string& prefix) : prefix_(prefix + "news:") {}
  RedisNews(const RedisNews&) = delete;

  /// Listens until what it returns goes; no call comes after that. Begins with the link down. Thread: any.
  [[nodiscard]] std::shared_ptr<void> listen(std::string_view channel, OnMessage on_message, OnLink on_link);
  enum class State : uint8_t { kUnused, kDown, kUp };
  /// kUp: all who listen hear everything. Thread: any.
  State state() const;
  /// The channel's name in Redis. Thread: any.
  std::string name(std::string_view channel) const { return prefix_ + std::string(channel); }

  // The subscriber's side, on its loop:
  /// `on_change` is called, from any thread, when somebody begins or ends to listen; nullptr: no more.
  void attach(std::function<void()> on_change);
  std::vector<std::string> names() const;  ///< of all that somebody listens to, each once
  void confirmed(std::string_view name);   ///< Redis sends us what comes to that channel
  void deliver(std::string_view name, std::string_view message) const;
  void link_lost();

 private:
  struct Listener {
    std::string name;
    OnMessage on_message;
    OnLink on_link;
    bool up = false;
  };
  void forget(const Listener* listener);

  const std::string prefix_;
  mutable std::mutex mutex_;  // held while listeners are called
  std::list<Listener> listeners_;
  std::function<void()> on_change_;
};

}  // namespace vg::store
