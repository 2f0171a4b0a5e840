#include "server/breaker_news.h"

#include <algorithm>
#include <array>

#include "base/random_hex.h"
#include "base/strings.h"

namespace vg::server {

namespace {

constexpr std::string_view kChannel = "breakers";
constexpr std::string_view kVersion = "1";
constexpr size_t kMostBytes = 4096;

// That a message was lost is no harm: each process counts for itself, too.
coro::Task<void> publish(std::shared_ptr<store::RedisClient> redis, std::string channel, std::string message,
                         coro::CancelSource* cancel) {
  const std::array<std::string_view, 3> words{"PUBLISH", channel, message};
  Result<store::Reply> reply = co_await redis->command(words, cancel);
  (void)reply;
}

}  // namespace

std::string write_news(const BreakerNewsItem& item) {
  std::string out(kVersion);
  for (const std::string* part : {&item.from, &item.scope, &item.upstream, &item.endpoint})
    out.append("\n").append(*part);
  out.append("\n");
  append_u64(out, static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(item.left).count()));
  return out;
}

std::optional<BreakerNewsItem> read_news(std::string_view message) {
  if (message.size() > kMostBytes) return std::nullopt;
  const std::vector<std::string_view> parts = split(message, '\n');
  if (parts.size() != 6 || parts[0] != kVersion) return std::nullopt;
  const std::optional<uint64_t> left_ms = parse_u64(parts[5]);
  constexpr uint64_t kDayMs = 24 * 3600 * 1000;  // the longest that a breaker may be open
  if (!left_ms || *left_ms == 0 || *left_ms > kDayMs) return std::nullopt;
  BreakerNewsItem out;
  out.from = parts[1];
  out.scope = parts[2];
  out.upstream = parts[3];
  out.endpoint = parts[4];
  out.left = std::chrono::milliseconds(*left_ms);
  return out;
}

BreakerNews::BreakerNews(net::EventLoop* loop, pipeline::Background* background)
    : loop_(loop), background_(background), process_(32, '0') {
  write_random_hex(process_.data(), process_.size());
}

void BreakerNews::use(const gateway::RouteTable& table, std::shared_ptr<store::RedisClient> redis) {
  redis_ = std::move(redis);
  upstreams_ = table.upstreams;
  of_routes_ = table.breakers;
  const auto has_breakers = [](const auto& u) { return u->breakers() != nullptr; };
  const bool any = !of_routes_.empty() || std::any_of(upstreams_.begin(), upstreams_.end(), has_breakers);
  const std::shared_ptr<store::RedisHub> hub = redis_ && any ? redis_->hub() : nullptr;
  if (hub != hub_) {
    listening_.reset();
    hub_ = hub;
    if (hub_) {
      listening_ = hub_->news().listen(
          kChannel, [this](std::string_view message) { learn(message); }, [](bool) {});
    }
  }
  upstream::Openings* listener = hub_ ? this : nullptr;
  for (const auto& u : upstreams_) {
    if (u->breakers() != nullptr) u->breakers()->tell(listener);
  }
  for (const auto& b : of_routes_) b->tell(listener);
}

void BreakerNews::stop() {
  listening_.reset();
  hub_.reset();
  redis_.reset();
  upstreams_.clear();
  of_routes_.clear();
}

void BreakerNews::opened(const upstream::Breakers& breakers, size_t endpoint, Duration left) {
  BreakerNewsItem item;
  item.from = process_;
  item.scope = breakers.scope();
  item.upstream = breakers.upstream();
  item.endpoint = breakers.endpoint(endpoint);
  item.left = left;
  loop_->post_remote([this, message = write_news(item)] { tell(message); });
}

void BreakerNews::tell(std::string message) {
  if (!hub_ || message.size() > kMostBytes) return;
  const size_t bytes = message.size();
  // Where there is too much to do already, it is not told.
  (void)background_->spawn(publish(redis_, hub_->news().name(kChannel), std::move(message), background_->cancel()),
                           bytes);
}

// Of those that are served here, in whichever scope of that name.
void BreakerNews::learn(std::string_view message) {
  const std::optional<BreakerNewsItem> item = read_news(message);
  if (!item || item->from == process_) return;
  const auto open = [&](upstream::Breakers& b) {
    if (b.scope() == item->scope && b.upstream() == item->upstream)
      b.open_as_told(item->endpoint, item->left, loop_->now());
  };
  for (const auto& u : upstreams_) {
    if (u->breakers() != nullptr) open(*u->breakers());
  }
  for (const auto& b : of_routes_) open(*b);
}

}  // namespace vg::server
