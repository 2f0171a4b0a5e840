// One request on its way through policies and view: the exchange on the connection, the route it matched, what
// templates may refer to, and what the log will say. A loop pools them. Thread: its loop.
#pragma once
#include <array>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "observe/metrics.h"
#include "pipeline/background.h"
#include "store/cache_store.h"
#include "store/memory_cache_store.h"
#include "store/redis.h"
#include "template/values.h"
#include "upstream/call.h"

namespace vg::pipeline {

struct Route;
struct Learned;

/// What a loop offers to its requests. Lifetime: outlives them.
struct LoopServices {
  net::EventLoop* loop = nullptr;
  upstream::Call::Cache calls;
  observe::MetricsShard* metrics = nullptr;
  Background background;
  store::MemoryCacheStore* cache_memory = nullptr;  ///< the process's; set where requests are served
};

/// The connections that a route table uses, on one loop: pools, by the table's numbers of upstreams, and Redis; pins
/// the table for the requests that began with it. Thread: its loop: so the count of its users needs no atomic.
struct LoopTable {
  std::shared_ptr<const void> table;
  std::vector<std::shared_ptr<upstream::Pool>> pools;
  std::shared_ptr<store::Redis> redis;  ///< nullptr: none is configured
  /// Where answers are kept, by StoreKind; nullptr: nothing of the table is kept there.
  std::array<std::shared_ptr<store::CacheStore>, 3> caches;
  size_t users = 0;
  bool keeps_answers() const { return caches[0] || caches[1] || caches[2]; }
};

/// Where a policy keeps its state.
enum class StoreKind : uint8_t { kMemory, kRedis, kBoth };
StoreKind store_kind_of(std::string_view name);  ///< memory, redis or both

class LoopTablePtr {
 public:
  LoopTablePtr() = default;
  explicit LoopTablePtr(LoopTable* made) : p_(made) { ++p_->users; }
  LoopTablePtr(const LoopTablePtr& other) : p_(other.p_) {
    if (p_ != nullptr) ++p_->users;
  }
  LoopTablePtr(LoopTablePtr&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  LoopTablePtr& operator=(LoopTablePtr other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  ~LoopTablePtr() { reset(); }
  void reset() {
    LoopTable* p = std::exchange(p_, nullptr);
    if (p != nullptr && --p->users == 0) delete p;
  }
  LoopTable* operator->() const { return p_; }
  LoopTable& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  LoopTable* p_ = nullptr;
};

class Context final : public http::Exchange, public tmpl::Values {
 public:
  const Route* route = nullptr;  ///< nullptr: none matched
  LoopTablePtr pinned;           ///< what `route` belongs to
  LoopServices* services = nullptr;
  /// This loop's Redis, of the configuration that the request began with; nullptr: none is configured.
  store::Redis* redis() const { return pinned ? pinned->redis.get() : nullptr; }
  tmpl::PathParams params;
  bool trusted_peer = false;      ///< the peer's forwarding headers are believed
  Duration body_timeout{};        ///< between two reads of the request's content
  uint16_t timeout_status = 504;  ///< what it gets when its own deadline has passed
  bool secure = false;            ///< the client came over TLS
  std::string client_subject;     ///< of the certificate that the client showed; empty: none
  upstream::CallStats call;       ///< of the main call
  const upstream::Upstream* upstream = nullptr;
  Learned* learned = nullptr;  ///< of a cache around the view, which wants to know; nullptr: there is none
  observe::CacheResult cache_result = observe::CacheResult::kNone;
  std::string degraded;                  ///< what Viewgate-Degraded says; empty: nothing failed
  ErrorKind failure = ErrorKind::kNone;  ///< why the answer is an error
  std::string failure_internal;          ///< for the log alone
  std::string problem_errors;            ///< of a 422: JSON, field -> messages; empty: none

  /// The client's address: the peer's, or what trusted proxies say of it.
  std::string_view client_address() const { return client_ip_; }
  void set_client_ip(std::string_view ip) { client_ip_.assign(ip); }
  void set_request_id(std::string_view id) { request_id_.assign(id); }

  /// Appends the value of a traceparent for one call: of the client's trace, or of one that begins here. W3C Trace
  /// Context, level 1.
  void append_traceparent(std::string& out);

  /// What every call says of the client, as header lines: X-Request-Id and X-Forwarded-*.
  const std::string& call_fields();

  // tmpl::Values
  tmpl::PathParam param(size_t index) const override { return params[index]; }
  std::string_view query_string() const override { return request.query(); }
  std::optional<std::string_view> header(std::string_view lower_name) const override;
  std::optional<std::string_view> cookie(std::string_view name) const override;
  std::string_view client_ip() const override { return client_ip_; }
  std::string_view request_id() const override { return request_id_; }
  std::optional<std::string_view> tls_subject() const override {
    return client_subject.empty() ? std::nullopt : std::optional<std::string_view>(client_subject);
  }

  /// Takes over what templates and calls may ask of `other`, whose request is about to end. Nothing of its connection.
  void copy_request(const Context& other);
  /// The address of the connection's other end.
  std::string_view peer_ip() const;

  void clear() override;

 private:
  std::string client_ip_;
  std::string peer_ip_;  // where the connection is not ours to ask
  std::string request_id_;
  std::string call_fields_;  // of every call, once they were needed
  std::string trace_;        // "00-", the trace's id and its flags, once they were needed
};

}  // namespace vg::pipeline
