#include "upstream/upstream.h"

#include <algorithm>

#include "upstream/pool.h"

namespace vg::upstream {

std::string endpoint_label(const config::EndpointSettings& s) {
  return (s.host.find(':') != std::string::npos ? "[" + s.host + "]" : s.host) + ":" + std::to_string(s.port);
}

Upstream::Upstream(config::UpstreamSettings settings)
    : settings_(std::move(settings)), endpoints_(settings_.endpoints.size()) {
  // It outlives the document that it was read from.
  settings_.mark = {};
  for (config::HeaderSetting& h : settings_.headers) h.mark = {};
  for (size_t i = 0; i < endpoints_.size(); ++i) {
    config::EndpointSettings& s = settings_.endpoints[i];
    s.mark = {};
    Endpoint& e = endpoints_[i];
    e.settings = s;
    e.label = endpoint_label(s);
  }
  if (settings_.breaker)
    breakers_ = std::make_unique<Breakers>(settings_.name, "upstream", *settings_.breaker, labels());
}

std::vector<std::string> Upstream::labels() const {
  std::vector<std::string> out;
  for (const Endpoint& e : endpoints_) out.push_back(e.label);
  return out;
}

bool Upstream::try_permit(size_t endpoint) {
  if (connections_.fetch_add(1, std::memory_order_seq_cst) >= settings_.pool.connections) {
    connections_.fetch_sub(1, std::memory_order_seq_cst);
    return false;
  }
  if (endpoints_[endpoint].connections.fetch_add(1, std::memory_order_seq_cst) >= settings_.pool.per_endpoint) {
    endpoints_[endpoint].connections.fetch_sub(1, std::memory_order_seq_cst);
    connections_.fetch_sub(1, std::memory_order_seq_cst);
    return false;
  }
  return true;
}

void Upstream::release_permit(size_t endpoint) {
  endpoints_[endpoint].connections.fetch_sub(1, std::memory_order_seq_cst);
  connections_.fetch_sub(1, std::memory_order_seq_cst);
  if (anybody_waits()) grant();
}

// Places go to waiters in their order; one whose endpoint is full does not hold up those behind it.
void Upstream::grant() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = waiters_.begin(); it != waiters_.end();) {
    if (connections_.load(std::memory_order_seq_cst) >= settings_.pool.connections) return;
    const std::shared_ptr<Waiter> waiter = *it;
    if (!try_permit(waiter->endpoint)) {
      ++it;
      continue;
    }
    it = waiters_.erase(it);
    waiting_.fetch_sub(1, std::memory_order_seq_cst);
    waiter->loop->post_remote([self = shared_from_this(), waiter] {
      if (waiter->abandoned) {
        self->release_permit(waiter->endpoint);
      } else {
        waiter->granted.set();
      }
    });
  }
}

bool Upstream::enqueue(const std::shared_ptr<Waiter>& waiter) {
  bool taken = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    taken = waiters_.size() < settings_.max_pending;
    if (taken) {
      waiters_.push_back(waiter);
      waiting_.fetch_add(1, std::memory_order_seq_cst);
    }
  }
  // A place that was given back before anybody was seen waiting, or that looked taken while the caller tried for it.
  grant();
  return taken;
}

void Upstream::abandon(const std::shared_ptr<Waiter>& waiter) {
  waiter->abandoned = true;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = std::find(waiters_.begin(), waiters_.end(), waiter);
  if (it == waiters_.end()) return;  // a grant is on its way, and gives the place back
  waiters_.erase(it);
  waiting_.fetch_sub(1, std::memory_order_seq_cst);
}

Upstream::Turn Upstream::next_turn(net::EventLoop* loop, size_t endpoint) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool total_full = connections_.load(std::memory_order_seq_cst) >= settings_.pool.connections;
  for (auto it = waiters_.begin(); it != waiters_.end(); ++it) {
    const size_t wanted = (*it)->endpoint;
    if (wanted == endpoint && (*it)->loop == loop) {
      Turn turn{std::move(*it), false};
      waiters_.erase(it);
      waiting_.fetch_sub(1, std::memory_order_seq_cst);
      return turn;
    }
    // The place helps one on another loop, or one of another endpoint that only the total holds up.
    const bool has_room = endpoints_[wanted].connections.load(std::memory_order_seq_cst) < settings_.pool.per_endpoint;
    if (wanted == endpoint || (total_full && has_room)) return {nullptr, true};
  }
  return {nullptr, false};
}

bool Upstream::wants_place(net::EventLoop* loop, size_t endpoint) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const bool total_full = connections_.load(std::memory_order_seq_cst) >= settings_.pool.connections;
  return std::any_of(waiters_.begin(), waiters_.end(), [&](const std::shared_ptr<Waiter>& w) {
    if (w->endpoint == endpoint) return w->loop != loop;
    return total_full && !endpoint_full(w->endpoint);
  });
}

bool Upstream::begin_waiting() {
  if (waiting_.fetch_add(1, std::memory_order_seq_cst) < settings_.max_pending) return true;
  end_waiting();
  return false;
}

bool Upstream::endpoint_full(size_t endpoint) const {
  return endpoints_[endpoint].connections.load(std::memory_order_seq_cst) >= settings_.pool.per_endpoint;
}

void Upstream::register_pool(net::EventLoop* loop, std::weak_ptr<Pool> pool) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase_if(pools_, [](const auto& p) { return p.second.expired(); });
  pools_.emplace_back(loop, std::move(pool));
}

void Upstream::ask_to_shed(net::EventLoop* except, size_t endpoint) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const auto& [loop, pool] : pools_) {
    if (loop == except) continue;
    loop->post_remote([weak = pool, endpoint] {
      if (const auto p = weak.lock()) p->shed_one(endpoint);
    });
  }
}

namespace {

bool same_endpoint(const config::EndpointSettings& a, const config::EndpointSettings& b) {
  return a.host == b.host && a.port == b.port && a.base_path == b.base_path && a.authority == b.authority &&
         a.weight == b.weight && a.backup == b.backup && a.https == b.https;
}

}  // namespace

bool same_settings(const config::UpstreamSettings& a, const config::UpstreamSettings& b) {
  const auto same_header = [](const config::HeaderSetting& x, const config::HeaderSetting& y) {
    return x.name == y.name && x.value == y.value;
  };
  return a.name == b.name && std::ranges::equal(a.endpoints, b.endpoints, same_endpoint) &&
         a.forward_headers == b.forward_headers && a.forward_cookies == b.forward_cookies &&
         std::ranges::equal(a.headers, b.headers, same_header) && a.pool.connections == b.pool.connections &&
         a.pool.per_endpoint == b.pool.per_endpoint && a.pool.idle == b.pool.idle && a.max_pending == b.max_pending &&
         a.dns_ttl == b.dns_ttl && a.balance == b.balance && a.hash_by == b.hash_by && a.hash_header == b.hash_header &&
         a.connect_timeout == b.connect_timeout && a.timeout == b.timeout && a.retry == b.retry &&
         a.breaker == b.breaker && a.health == b.health && a.hedge == b.hedge && a.tls == b.tls && a.http2 == b.http2;
}

}  // namespace vg::upstream
