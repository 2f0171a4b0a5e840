#include "store/redis_subscriber.h"

#include <algorithm>
#include <array>

#include "observe/log.h"
#include "store/redis_errors.h"

namespace vg::store {

namespace {
using namespace std::chrono_literals;
constexpr Duration kSilence = 1s;
constexpr Duration kAnswer = 1s;
constexpr Duration kStable = 1s;
}  // namespace

RedisSubscriber::RedisSubscriber(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<RedisHub> hub)
    : loop_(loop), hub_(std::move(hub)), dialer_(loop, dns, hub_) {}

std::shared_ptr<RedisSubscriber> RedisSubscriber::create(net::EventLoop* loop, net::DnsCache* dns,
                                                         std::shared_ptr<RedisHub> hub) {
  std::shared_ptr<RedisSubscriber> self(new RedisSubscriber(loop, dns, std::move(hub)));
  self->self_ = self;
  self->hub_->news().attach([loop, weak = self->self_] {
    loop->post_remote([weak] {
      if (const auto s = weak.lock()) s->listeners_changed();
    });
  });
  loop->start_timer(self->starter_, Duration());
  return {self.get(), [self](RedisSubscriber* s) { s->close(); }};
}

void RedisSubscriber::start() { run(self_.lock()); }

void RedisSubscriber::close() {
  hub_->news().attach(nullptr);
  closed_ = over_ = true;
  starter_.stop();
  silence_.stop();
  hub_->news().link_lost();
  if (connection_) connection_->stream().close();
  stop_.cancel(ErrorKind::kCancelled);
  dialer_.close();
}

void RedisSubscriber::listeners_changed() {
  changed_.set();
  if (!over_) subscribe();
}

coro::Detached RedisSubscriber::run(std::shared_ptr<RedisSubscriber> self) {
  while (!self->closed_) {
    self->changed_.reset();
    if (self->hub_->news().names().empty()) {
      co_await self->changed_.wait(&self->stop_);
      continue;
    }
    Result<std::unique_ptr<RedisConnection>> opened =
        co_await self->dialer_.open(RedisDialer::Try::kNothing, &self->stop_);
    if (self->closed_) break;
    bool wait = true;
    if (!opened) {
      self->lost(std::move(opened.error().internal));
    } else {
      self->connection_ = std::move(opened.value());
      co_await self->serve();
      self->connection_.reset();
      wait = self->loop_->now() - self->up_since_ < kStable;
      if (!wait) self->backoff_.reset();
    }
    if (wait) co_await net::Sleep(self->loop_, self->backoff_.next(), &self->stop_);
  }
}

coro::Task<void> RedisSubscriber::serve() {
  over_ = asked_ = false;
  up_since_ = loop_->now();
  subscribed_.clear();
  confirmed_.clear();
  loop_->start_timer(silence_, kSilence);
  subscribe();
  while (!over_) {
    Result<Reply> reply = co_await connection_->read_reply(nullptr);
    if (over_) break;
    if (!reply) {
      lost(std::move(reply.error().internal));
      break;
    }
    asked_ = false;
    loop_->start_timer(silence_, kSilence);
    if (!take(*reply)) break;
  }
  silence_.stop();
  if (!closed_) hub_->news().link_lost();
}

// False: the link is given up.
bool RedisSubscriber::take(const Reply& reply) {
  if (reply.kind == Reply::Kind::kError) {
    const std::string why = refusal(reply.text);
    lost(why.empty() ? reply.text : why);
    return false;
  }
  if (reply.items.size() < 2) return true;
  const std::string& kind = reply.items[0].text;
  if (kind == "message" && reply.items.size() == 3) {
    hub_->news().deliver(reply.items[1].text, reply.items[2].text);
  } else if (kind == "subscribe") {
    confirmed_.insert(reply.items[1].text);
    hub_->news().confirmed(reply.items[1].text);
    if (std::exchange(said_, false)) log::info("redis ", hub_->settings().label, ": other processes are heard again");
  }
  return true;
}

// Asks for the channels that somebody listens to and that were not asked for yet; with none at all the link has no use.
void RedisSubscriber::subscribe() {
  const std::vector<std::string> names = hub_->news().names();
  if (names.empty()) {
    over_ = true;
    connection_->stream().close();
    return;
  }
  std::string text;
  for (const std::string& name : names) {
    if (!subscribed_.insert(name).second) {
      if (confirmed_.contains(name)) hub_->news().confirmed(name);  // to those who came later
      continue;
    }
    const std::array<std::string_view, 2> words{"SUBSCRIBE", name};
    append_command(text, words);
  }
  if (!text.empty()) send(text);
}

// These are few bytes: a socket that does not take them at once has been dead for long.
void RedisSubscriber::send(const std::string& text) {
  if (connection_->stream().write_pending() || connection_->stream().write_now({text}) == net::WriteEvent::kError)
    lost("the connection broke");
}

void RedisSubscriber::check_link() {
  if (asked_) return lost("it says nothing any more");
  asked_ = true;
  loop_->start_timer(silence_, std::max(kAnswer, hub_->settings().timeout));
  send("*1\r\n$4\r\nPING\r\n");
}

void RedisSubscriber::lost(std::string why) {
  over_ = true;
  if (connection_) connection_->stream().close();
  hub_->news().link_lost();
  if (!std::exchange(said_, true))
    log::warn("redis ", hub_->settings().label, ": other processes can't be heard: ", why);
}

}  // namespace vg::store
