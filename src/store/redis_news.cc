#include "store/redis_news.h"

#include <algorithm>

namespace vg::store {

std::shared_ptr<void> RedisNews::listen(std::string_view channel, OnMessage on_message, OnLink on_link) {
  const std::lock_guard<std::mutex> lock(mutex_);
  listeners_.push_back({name(channel), std::move(on_message), std::move(on_link)});
  if (on_change_) on_change_();
  return {&listeners_.back(), [this](const Listener* l) { forget(l); }};
}

void RedisNews::forget(const Listener* listener) {
  const std::lock_guard<std::mutex> lock(mutex_);
  listeners_.remove_if([listener](const Listener& l) { return &l == listener; });
  if (on_change_) on_change_();
}

void RedisNews::attach(std::function<void()> on_change) {
  const std::lock_guard<std::mutex> lock(mutex_);
  on_change_ = std::move(on_change);
}

std::vector<std::string> RedisNews::names() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::string> out;
  for (const Listener& l : listeners_) {
    if (std::find(out.begin(), out.end(), l.name) == out.end()) out.push_back(l.name);
  }
  return out;
}

void RedisNews::confirmed(std::string_view name) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Listener& l : listeners_) {
    if (l.name == name && !std::exchange(l.up, true)) l.on_link(true);
  }
}

void RedisNews::deliver(std::string_view name, std::string_view message) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const Listener& l : listeners_) {
    if (l.name == name) l.on_message(message);
  }
}

RedisNews::State RedisNews::state() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (listeners_.empty()) return State::kUnused;
  const bool all = std::all_of(listeners_.begin(), listeners_.end(), [](const Listener& l) { return l.up; });
  return all ? State::kUp : State::kDown;
}

void RedisNews::link_lost() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (Listener& l : listeners_) {
    if (std::exchange(l.up, false)) l.on_link(false);
  }
}

}  // namespace vg::store
