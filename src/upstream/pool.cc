#include "upstream/pool.h"

#include <algorithm>

#include "upstream/connect_endpoint.h"
#include "upstream/http2_sessions.h"

namespace vg::upstream {

namespace {

BalanceKind balance_kind(config::Balance b) {
  switch (b) {
    case config::Balance::kRoundRobin:
      return BalanceKind::kRoundRobin;
    case config::Balance::kLeastRequests:
      return BalanceKind::kLeastRequests;
    case config::Balance::kHash:
      return BalanceKind::kHash;
  }
  return BalanceKind::kRoundRobin;
}

Error cancelled_error(coro::CancelSource* cancel, const char* what) {
  const ErrorKind why = cancel->reason();
  return Error(why, why == ErrorKind::kTimeout ? what : "cancelled", why == ErrorKind::kTimeout);
}

}  // namespace

Connection::Connection(std::shared_ptr<Pool> pool, size_t endpoint, net::StreamPtr stream)
    : pool_(pool),
      upstream_(pool->upstream_),
      metrics_(pool->metrics_),
      endpoint_(endpoint),
      stream_(std::move(stream)) {
  metrics_->connects.add();
  metrics_->connections.add();
}

Connection::~Connection() {
  metrics_->connections.sub();
  stream_.reset();
  upstream_->release_permit(endpoint_);
}

// An idle connection that says anything, or ends, is of no use any more: what it said belongs to nobody.
void Connection::on_unsolicited(net::Stream&, net::ReadEvent) {
  if (const auto pool = pool_.lock()) pool->forget(this);
}

Pool::Slot::Slot() = default;
Pool::Slot::Slot(Slot&&) noexcept = default;
Pool::Slot::~Slot() = default;

TimePoint Pool::Slot::oldest_idle() const {
  if (http2) return http2->oldest_idle();
  return idle.empty() ? TimePoint::max() : idle.front()->idle_since_;
}

void Pool::Slot::close_oldest() {
  if (http2) {
    http2->close_oldest();
  } else if (!idle.empty()) {
    idle.erase(idle.begin());
  }
}

Pool::Pool(net::EventLoop* loop, std::shared_ptr<Upstream> upstream)
    : loop_(loop), upstream_(std::move(upstream)), slots_(upstream_->size()), sweep_(this) {}

Pool::~Pool() = default;

std::shared_ptr<Pool> Pool::create(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<Upstream> upstream,
                                   uint64_t seed, observe::UpstreamMetrics* metrics) {
  std::shared_ptr<Pool> pool(new Pool(loop, std::move(upstream)));
  static thread_local observe::UpstreamMetrics uncounted;
  pool->metrics_ = metrics != nullptr ? metrics : &uncounted;
  const config::UpstreamSettings& settings = pool->upstream_->settings();
  std::vector<BalanceEndpoint> endpoints;
  for (size_t i = 0; i < pool->upstream_->size(); ++i) {
    Endpoint& e = pool->upstream_->endpoint(i);
    endpoints.emplace_back(e.label + e.settings.base_path, e.settings.weight, e.settings.backup, &e.outstanding);
    Slot& slot = pool->slots_[i];
    slot.literal = net::Address::parse(e.settings.host, e.settings.port);
    if (e.settings.https) slot.resumption = std::make_shared<net::TlsResumption>();
    if (settings.http2) slot.http2 = std::make_unique<Http2Sessions>(pool.get(), i);
    if (!slot.literal) slot.host = dns->host(e.settings.host, e.settings.port, settings.dns_ttl);
  }
  pool->balancer_ = Balancer::create(balance_kind(settings.balance), std::move(endpoints), seed);
  pool->upstream_->register_pool(loop, pool);
  return pool;
}

bool Pool::reachable(size_t endpoint) const {
  const Slot& slot = slots_[endpoint];
  return slot.literal || slot.host->current() != nullptr || slot.host->failure() == nullptr;
}

std::unique_ptr<Connection> Pool::take_idle(size_t endpoint) {
  std::vector<std::unique_ptr<Connection>>& idle = slots_[endpoint].idle;
  if (idle.empty()) return nullptr;
  std::unique_ptr<Connection> c = std::move(idle.back());
  idle.pop_back();
  c->stream_->set_observer(nullptr);
  return c;
}

coro::Task<Result<std::unique_ptr<Connection>>> Pool::acquire(size_t endpoint, bool fresh, coro::CancelSource* cancel,
                                                              TimePoint* begun) {
  const std::shared_ptr<Pool> keep = shared_from_this();
  if (!fresh) {
    if (std::unique_ptr<Connection> c = take_idle(endpoint)) co_return std::move(c);
  }
  if (!upstream_->try_permit(endpoint)) {
    // Places may be held by idle connections: of another endpoint here, or of another loop.
    shed_one(endpoint);
    if (!upstream_->try_permit(endpoint)) {
      if (begun != nullptr) *begun = TimePoint::max();
      Result<std::unique_ptr<Connection>> turn = co_await wait_turn(endpoint, cancel);
      if (turn && begun != nullptr) *begun = loop_->now();
      if (!turn || turn.value()) co_return std::move(turn);
    }
  }
  Result<std::unique_ptr<Connection>> opened = co_await open(endpoint, cancel);
  co_return std::move(opened);
}

// Gives a connection that became free here, or nullptr with a place for a new one.
coro::Task<Result<std::unique_ptr<Connection>>> Pool::wait_turn(size_t endpoint, coro::CancelSource* cancel) {
  auto waiter = std::make_shared<Waiter>();
  waiter->loop = loop_;
  waiter->endpoint = endpoint;
  if (!upstream_->enqueue(waiter)) {
    co_return Error(ErrorKind::kOverload, upstream_->name() + " has too many calls waiting");
  }
  upstream_->ask_to_shed(loop_, endpoint);
  metrics_->pending.add();
  const bool granted = co_await waiter->granted.wait(cancel);
  metrics_->pending.sub();
  if (!granted) {
    upstream_->abandon(waiter);
    co_return cancelled_error(cancel, "no connection became free in time");
  }
  co_return std::move(waiter->given);
}

coro::Task<Result<std::vector<net::Address>>> Pool::addresses(size_t endpoint, coro::CancelSource* cancel) {
  Slot& slot = slots_[endpoint];
  if (slot.literal) co_return std::vector<net::Address>(1, *slot.literal);
  co_return co_await net::addresses_of(*slot.host, cancel);
}

// Precondition: a place of the limits was taken; it goes with the connection, or back.
coro::Task<Result<std::unique_ptr<Connection>>> Pool::open(size_t endpoint, coro::CancelSource* cancel) {
  net::DeadlineSource deadline(loop_, loop_->now() + upstream_->settings().connect_timeout, cancel);
  Result<std::vector<net::Address>> found = co_await addresses(endpoint, &deadline);
  if (!found) {
    upstream_->release_permit(endpoint);
    co_return unreachable(std::move(found.error()), cancel);
  }
  Error last(ErrorKind::kConnect, "no connection", true);
  // A name's addresses take turns, and a dead one passes on to the next.
  const size_t first = slots_[endpoint].next_address++;
  const size_t count = std::min<size_t>(found->size(), 4);
  for (size_t i = 0; i < count; ++i) {
    const net::Address address = found.value()[(first + i) % found->size()];
    Result<net::StreamPtr> stream =
        co_await connect_endpoint(loop_, upstream_, endpoint, address, slots_[endpoint].resumption, &deadline);
    if (stream) co_return std::make_unique<Connection>(shared_from_this(), endpoint, std::move(stream.value()));
    last = std::move(stream.error());
    if (deadline.cancelled()) break;
  }
  upstream_->release_permit(endpoint);
  co_return unreachable(std::move(last), cancel);
}

// For a client it is the upstream's name that counts: hosts and addresses are for the log. When the call itself still
// had time it is a connection that could not be made, also if connect_timeout ended it.
Error Pool::unreachable(Error cause, coro::CancelSource* cancel) const {
  if (cancel == nullptr || !cancel->cancelled()) cause.kind = ErrorKind::kConnect;
  Error e(cause.kind, cause.kind == ErrorKind::kCancelled ? "cancelled" : upstream_->name() + " cannot be reached",
          true);
  e.internal = cause.internal.empty() ? std::move(cause.detail) : cause.detail + ": " + cause.internal;
  return e;
}

void Pool::give_back(std::unique_ptr<Connection> connection) {
  net::Stream& stream = connection->stream();
  if (!stream.data().empty() || stream.at_eof() || stream.failed() || stream.closed() || stream.write_pending()) return;
  const size_t endpoint = connection->endpoint();
  connection->reused = true;
  if (upstream_->anybody_waits()) {
    const Upstream::Turn turn = upstream_->next_turn(loop_, endpoint);
    if (turn.close) return;
    if (turn.waiter) {
      turn.waiter->given = std::move(connection);
      turn.waiter->granted.set();
      return;
    }
  }
  connection->idle_since_ = loop_->now();
  stream.set_observer(connection.get());
  stream.resume_reading();
  slots_[endpoint].idle.push_back(std::move(connection));
  watch_idle();
}

void Pool::forget(Connection* connection) {
  std::vector<std::unique_ptr<Connection>>& idle = slots_[connection->endpoint()].idle;
  std::erase_if(idle, [connection](const auto& c) { return c.get() == connection; });
}

void Pool::shed_one(size_t endpoint) {
  if (upstream_->endpoint_full(endpoint)) {
    // Only a connection of its own makes room.
    return slots_[endpoint].close_oldest();
  }
  const auto oldest = std::min_element(slots_.begin(), slots_.end(),
                                       [](const Slot& a, const Slot& b) { return a.oldest_idle() < b.oldest_idle(); });
  oldest->close_oldest();
}

size_t Pool::idle_count() const {
  size_t n = 0;
  for (const Slot& slot : slots_) n += slot.http2 ? slot.http2->idle_count() : slot.idle.size();
  return n;
}

// One timer for all: it looks at the connections that have been idle for longest.
void Pool::close_expired() {
  const Duration limit = upstream_->settings().pool.idle;
  const TimePoint now = loop_->now();
  TimePoint next = TimePoint::max();
  for (Slot& slot : slots_) {
    while (slot.oldest_idle() != TimePoint::max() && slot.oldest_idle() + limit <= now) slot.close_oldest();
    if (slot.oldest_idle() != TimePoint::max()) next = std::min(next, slot.oldest_idle() + limit);
  }
  if (next != TimePoint::max()) loop_->start_timer(sweep_, next);
}

}  // namespace vg::upstream
