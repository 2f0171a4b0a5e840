// Processes learn of a breaker's opening from each other, over the news of their Redis: what opens here is told, and
// what another one tells opens here for the rest of its time. Nothing that was learned is told on.
// Thread: its loop, but for opened(). Lifetime: outlives the loops of all workers.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/route_table.h"
#include "pipeline/background.h"
#include "store/redis_client.h"

namespace vg::server {

/// One opening, as it is told.
struct BreakerNewsItem {
  std::string from;  ///< the process
  std::string scope, upstream, endpoint;
  Duration left{};
};
std::string write_news(const BreakerNewsItem& item);
/// nullopt: it is not what write_news() makes.
std::optional<BreakerNewsItem> read_news(std::string_view message);

class BreakerNews final : public upstream::Openings {
 public:
  BreakerNews(net::EventLoop* loop, pipeline::Background* background);
  BreakerNews(const BreakerNews&) = delete;

  /// Listens and tells for the breakers of `table` from now on; by `redis`, or not at all where that is null.
  void use(const gateway::RouteTable& table, std::shared_ptr<store::RedisClient> redis);
  /// No more of it: the loop is about to end.
  void stop();
  /// Thread: any.
  void opened(const upstream::Breakers& breakers, size_t endpoint, Duration left) override;

 private:
  void tell(std::string message);
  void learn(std::string_view message);

  net::EventLoop* loop_;
  pipeline::Background* background_;
  std::string process_;
  std::shared_ptr<store::RedisClient> redis_;
  std::shared_ptr<store::RedisHub> hub_;
  std::vector<std::shared_ptr<upstream::Upstream>> upstreams_;
  std::vector<std::shared_ptr<upstream::Breakers>> of_routes_;
  std::shared_ptr<void> listening_;
};

}  // namespace vg::server
