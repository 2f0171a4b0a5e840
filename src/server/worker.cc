#include "server/worker.h"

#include <pthread.h>

#include <csignal>

#include "coro/frame_pool.h"
#include "gateway/handle_request.h"
#include "gateway/render_error.h"
#include "observe/log.h"

namespace vg::server {

namespace {
constexpr size_t kKeptContexts = 1024;
}

Worker::Worker(unsigned index, Shared* shared, std::function<void()> on_drained)
    : index_(index), shared_(shared), on_drained_(std::move(on_drained)) {
  services_.loop = &loop_;
  services_.metrics = &shared_->metrics.shard(index);
  services_.cache_memory = &shared_->cache_memory;
  // Posted: the task that was the last is still on the stack.
  services_.background.on_idle([this] { loop_.post_remote([this] { served_one(); }); });
}

Worker::~Worker() {
  for (pipeline::Context* c : contexts_) delete c;
}

void Worker::start() {
  adopt();
  thread_ = std::thread([this] {
    // Signals are the main thread's.
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), ("worker " + std::to_string(index_)).c_str());
    loop_.run();
    coro::release_frames();
  });
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

Result<void> Worker::add_listener(uint32_t id, int fd, bool is_unix, int backlog) {
  auto listener = net::Listener::start(&loop_, fd, is_unix, backlog, &shared_->connections,
                                       [this, id](net::StreamPtr stream) { accepted(std::move(stream), id); });
  if (!listener) return listener.error();
  listeners_[id] = std::move(listener.value());
  return {};
}

void Worker::remove_listener(uint32_t id) {
  const auto found = listeners_.find(id);
  if (found == listeners_.end()) return;
  found->second->stop();
  listeners_.erase(found);
}

void Worker::adopt() {
  const uint64_t version = shared_->version.load(std::memory_order_acquire);
  if (version == version_) return;
  version_ = version;
  if (!resolver_) {
    resolver_ = std::make_unique<net::Resolver>(loop_.uv());
    dns_ = std::make_unique<net::DnsCache>(*resolver_);
    // Posted: the check that was the last is still on the stack.
    const auto ended = [this] { loop_.post_remote([this] { served_one(); }); };
    if (index_ == 0) health_ = std::make_unique<upstream::HealthMonitor>(&loop_, dns_.get(), ended);
    if (index_ == 0) breaker_news_ = std::make_unique<BreakerNews>(&loop_, &services_.background);
  }
  const gateway::RouteTablePtr table = shared_->table();
  pipeline::LoopTablePtr pinned(new pipeline::LoopTable);
  for (const auto& upstream : table->upstreams) {
    std::shared_ptr<upstream::Pool> pool;
    if (pinned_) {
      for (const auto& old : pinned_->pools) {
        if (&old->upstream() == upstream.get()) pool = old;
      }
    }
    if (!pool)
      pool = upstream::Pool::create(&loop_, dns_.get(), upstream, index_,
                                    &services_.metrics->upstreams.at(upstream->metrics_id()));
    pinned->pools.push_back(std::move(pool));
  }
  use_redis(table->redis);
  pinned->redis = redis_;
  use_caches(*table, *pinned);
  if (breaker_news_) breaker_news_->use(*table, redis_);
  // Posted: the first table is taken over before the loop's thread runs.
  if (health_) {
    loop_.post_remote([this, upstreams = table->upstreams] {
      if (health_) health_->watch(upstreams);
    });
  }
  pinned->table = table;
  table_ = table.get();
  pinned_ = std::move(pinned);
  open_access_log();
}

// Only what the table keeps answers in is told of writes.
void Worker::use_caches(const gateway::RouteTable& table, pipeline::LoopTable& into) {
  using pipeline::StoreKind;
  const auto place = [&](StoreKind kind) -> std::shared_ptr<store::CacheStore>* {
    const auto i = static_cast<size_t>(kind);
    return table.keeps_answers_in[i] ? &into.caches[i] : nullptr;
  };
  if (auto* memory = place(StoreKind::kMemory)) *memory = {std::shared_ptr<void>(), &shared_->cache_memory};
  if (!redis_cache_) return;
  if (auto* redis = place(StoreKind::kRedis)) *redis = redis_cache_;
  if (auto* both = place(StoreKind::kBoth))
    *both = std::make_shared<store::LayeredCacheStore>(redis_cache_, shared_->near_cache(table.redis));
}

// Requests that began with another one keep it until they end.
void Worker::use_redis(const std::shared_ptr<store::RedisHub>& hub) {
  if (redis_ && redis_->hub() == hub) return;
  redis_.reset();
  redis_cache_.reset();
  subscriber_.reset();
  if (!hub) return;
  redis_ = store::RedisClient::create(&loop_, dns_.get(), hub, &services_.metrics->redis);
  redis_cache_ = std::make_shared<store::RedisCacheStore>(redis_, hub);
  redis_->on_up([this, cache = std::weak_ptr(redis_cache_)] {
    const auto store = cache.lock();
    if (!store || store->usable()) return;
    // If there is no room for it, the next one who uses the store does it.
    (void)services_.background.spawn(store::RedisCacheStore::make_up(store, services_.background.cancel()), 0);
  });
  if (index_ == 0) subscriber_ = store::RedisSubscriber::create(&loop_, dns_.get(), hub);
}

void Worker::open_access_log() {
  access_log_.reset();
  if (!table_->log.access || !shared_->log) return;
  if (!ring_) ring_ = shared_->log->add_ring();
  access_log_ = std::make_unique<observe::AccessLog>(ring_, table_->log.json ? log::Format::kJson : log::Format::kText,
                                                     table_->log.redact);
}

void Worker::accepted(net::StreamPtr stream, uint32_t listener) {
  services_.metrics->loop.accepted.add();
  services_.metrics->loop.connections.add();
  http::ServerConnection* c = http::ServerConnection::create(std::move(stream), this, listener);
  c->next = connections_;
  if (connections_ != nullptr) connections_->prev = c;
  connections_ = c;
  c->start();
}

const http::Opening& Worker::opening(uint32_t listener) {
  // A certificate that a reload has brought is what the next client sees.
  if (shared_->version.load(std::memory_order_relaxed) != version_) adopt();
  static const http::Opening plain;
  return listener < table_->listeners.size() ? table_->listeners[listener].opening : plain;
}

void Worker::refused(http::ServerConnection& c, std::string_view reason) {
  services_.metrics->loop.refused_connections.add();
  log::debug("connection of ", c.peer_ip(), " refused: ", reason);
}

void Worker::closed(http::ServerConnection& c) {
  (c.prev != nullptr ? c.prev->next : connections_) = c.next;
  if (c.next != nullptr) c.next->prev = c.prev;
  services_.metrics->loop.connections.sub();
  shared_->connections.release();
  served_one();
}

// Something has ended: maybe it was the last that a drain waits for.
void Worker::served_one() {
  if (!is_idle() || !draining_ || !listeners_.empty()) return;
  tell_drained();
  finish_if_empty();
}

http::Exchange* Worker::acquire(http::ServerConnection&) {
  if (shared_->version.load(std::memory_order_relaxed) != version_) adopt();
  pipeline::Context* ctx;
  if (contexts_.empty()) {
    ctx = new pipeline::Context;
  } else {
    ctx = contexts_.back();
    contexts_.pop_back();
  }
  ctx->pinned = pinned_;
  ctx->services = &services_;
  return ctx;
}

void Worker::release(http::Exchange* exchange) {
  auto* ctx = static_cast<pipeline::Context*>(exchange);
  if (contexts_.size() < kKeptContexts) {
    contexts_.push_back(ctx);
  } else {
    delete ctx;
  }
}

namespace {
const gateway::RouteTable& table_of(const http::Exchange& exchange) {
  return *static_cast<const gateway::RouteTable*>(static_cast<const pipeline::Context&>(exchange).pinned->table.get());
}
}  // namespace

const http::ConnectionLimits& Worker::limits(const http::Exchange& exchange) { return table_of(exchange).limits; }

coro::Task<void> Worker::handle(http::Exchange& exchange) {
  return gateway::handle_request(static_cast<pipeline::Context&>(exchange), table_of(exchange));
}

void Worker::reject(http::Exchange& exchange, uint16_t status, std::string_view reason) {
  auto& ctx = static_cast<pipeline::Context&>(exchange);
  if (ctx.request_id().empty()) gateway::identify(ctx, table_of(ctx));
  gateway::render_status(ctx, status, reason);
  ctx.response.close = true;
  ctx.response.request_id = ctx.request_id();
  ctx.failure = ErrorKind::kBadRequest;
  services_.metrics->loop.bad_requests.add();
}

void Worker::finished(http::Exchange& exchange) {
  auto& ctx = static_cast<pipeline::Context&>(exchange);
  const Duration took = Clock::now() - ctx.started;
  count(ctx, took);
  if (access_log_) log_access(ctx, took);
  if (ctx.failure == ErrorKind::kNone || ctx.failure == ErrorKind::kCancelled || ctx.failure_internal.empty()) return;
  log::warn("request ", ctx.request_id(), " route=", ctx.route != nullptr ? ctx.route->name : std::string("-"),
            " upstream=", ctx.upstream != nullptr ? ctx.upstream->name() : std::string("-"), ": ",
            to_string(ctx.failure), ": ", ctx.failure_internal);
}

void Worker::count(pipeline::Context& ctx, Duration took) {
  observe::RouteMetrics& m = services_.metrics->routes.at(ctx.route != nullptr ? ctx.route->metrics_id : 0);
  if (ctx.route != nullptr) m.in_flight.sub();
  if (ctx.cache_result != observe::CacheResult::kNone) m.cache[static_cast<size_t>(ctx.cache_result)].add();
  m.done(ctx.response.status, ctx.body.received_bytes(), ctx.sent_bytes, took);
}

void Worker::log_access(pipeline::Context& ctx, Duration took) {
  observe::AccessRecord r;
  r.time = Clock::wall() - std::chrono::duration_cast<std::chrono::system_clock::duration>(took);
  r.client_ip = ctx.client_ip();
  r.method = ctx.request.method_text();
  r.target = ctx.request.target();
  r.protocol = ctx.request.major == 2 ? "HTTP/2" : ctx.request.minor == 0 ? "HTTP/1.0" : "HTTP/1.1";
  r.status = ctx.response.status;
  r.bytes_in = ctx.body.received_bytes();
  r.bytes_out = ctx.sent_bytes;
  r.duration = took;
  if (ctx.route != nullptr) r.route = ctx.route->name;
  if (ctx.upstream != nullptr) {
    r.upstream = ctx.upstream->name();
    r.upstream_connect = ctx.call.connect;
    r.upstream_first_byte = ctx.call.first_byte;
    r.attempts = ctx.call.attempts;
  }
  r.request_id = ctx.request_id();
  r.cache = to_string(ctx.cache_result);
  r.degraded = ctx.degraded;
  if (ctx.client_gone) {
    r.error = "client_gone";
  } else if (ctx.failure != ErrorKind::kNone) {
    r.error = to_string(ctx.failure);
  } else if (ctx.cut) {
    r.error = "cut";
  }
  r.user_agent = ctx.request.get(http::FieldId::kUserAgent);
  r.referer = ctx.request.get("referer");
  access_log_->write(r);
}

void Worker::drain() {
  draining_ = true;
  if (health_) health_->stop();
  while (!listeners_.empty()) remove_listener(listeners_.begin()->first);
  for (http::ServerConnection* c = connections_; c != nullptr;) {
    http::ServerConnection* next = c->next;
    c->close_if_idle();
    c = next;
  }
  if (is_idle()) tell_drained();
}

void Worker::tell_drained() {
  if (std::exchange(drained_told_, true)) return;
  on_drained_();
}

void Worker::finish() {
  draining_ = finishing_ = true;
  if (health_) health_->stop();
  listeners_.clear();
  services_.background.cancel_all();
  for (http::ServerConnection* c = connections_; c != nullptr;) {
    http::ServerConnection* next = c->next;
    c->abort();
    c = next;
  }
  finish_if_empty();
}

// What is left once nobody is served: pools and resolver close their handles, and the loop runs dry.
void Worker::finish_if_empty() {
  if (!finishing_ || !is_idle() || !pinned_) return;
  pinned_.reset();
  if (breaker_news_) breaker_news_->stop();  // it stays: other loops may still tell it of something
  use_redis(nullptr);
  health_.reset();
  dns_.reset();
  resolver_.reset();
  if (ring_) shared_->log->remove_ring(ring_);
  loop_.close();
}

}  // namespace vg::server
