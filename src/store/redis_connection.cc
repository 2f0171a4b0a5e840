#include "store/redis_connection.h"

#include <algorithm>
#include <array>

#include "net/connect.h"
#include "observe/log.h"
#include "store/redis_errors.h"

namespace vg::store {

namespace {

using namespace std::chrono_literals;
constexpr Duration kConnectTimeout = 1s;
constexpr Duration kDnsTtl = 300s;
constexpr size_t kMostAddresses = 4;

Error unusable(std::string why) {
  Error e(ErrorKind::kConnect, "the store cannot be reached", true);
  e.internal = std::move(why);
  return e;
}

Error cancelled(const coro::CancelSource& cancel) { return Error(cancel.reason(), "cancelled"); }

// What a store needs of Redis: scripts, and writing from them. The key goes by itself.
const char* const kProbe = "return redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])";

}  // namespace

coro::Task<Result<void>> RedisConnection::read_some(coro::CancelSource* cancel) {
  const net::ReadEvent event = co_await stream_->readable(cancel);
  if (event == net::ReadEvent::kData) {
    const std::string_view bytes = stream_->data();
    reader_.feed(bytes);
    stream_->consume(bytes.size());
    co_return Result<void>();
  }
  if (event == net::ReadEvent::kCancelled) co_return cancelled(*cancel);
  Error e(ErrorKind::kReset, "the store ended the connection", true);
  e.internal = event == net::ReadEvent::kEof ? "it ended the connection" : "the connection broke";
  co_return e;
}

coro::Task<Result<Reply>> RedisConnection::read_reply(coro::CancelSource* cancel) {
  for (;;) {
    const RespReader::Event event = reader_.next();
    if (event == RespReader::Event::kReply) co_return std::move(reader_.reply());
    if (event == RespReader::Event::kBroken) {
      Error e(ErrorKind::kUpstreamProtocol, "the store's answer can't be read");
      e.internal = "what it answers is not Redis's protocol: " + reader_.problem();
      co_return e;
    }
    Result<void> more = co_await read_some(cancel);
    if (!more) co_return std::move(more.error());
  }
}

RedisDialer::RedisDialer(net::EventLoop* loop, net::DnsCache* dns, std::shared_ptr<RedisHub> hub)
    : loop_(loop), hub_(std::move(hub)), settings_(hub_->settings()) {
  if (!settings_.is_unix && !settings_.is_ip) host_ = dns->host(settings_.host, settings_.port, kDnsTtl);
}

coro::Task<Result<net::StreamPtr>> RedisDialer::connect_to(net::Address address, coro::CancelSource* cancel) {
  Result<net::StreamPtr> stream = co_await net::connect(loop_, address, cancel);
  if (!stream || !settings_.tls) co_return std::move(stream);
  const std::shared_ptr<const net::TlsClient> client = hub_->tls().get();
  std::unique_ptr<net::TlsSession> tls;
  if (client) tls = client->connect(settings_.host, settings_.is_ip, {}, resumption_);
  co_return co_await net::secure(std::move(stream.value()), std::move(tls), address.text(), cancel);
}

coro::Task<Result<net::StreamPtr>> RedisDialer::connect(coro::CancelSource* cancel) {
  if (settings_.is_unix) co_return co_await net::connect_unix(loop_, settings_.path, cancel);
  std::vector<net::Address> addresses;
  if (const auto literal = net::Address::parse(settings_.host, settings_.port)) {
    addresses.push_back(*literal);
  } else {
    Result<std::vector<net::Address>> found = co_await net::addresses_of(*host_, cancel);
    if (!found) co_return std::move(found.error());
    addresses = std::move(found.value());
  }
  // The addresses of a name take turns, and a dead one passes on to the next.
  Error last(ErrorKind::kConnect, "no connection", true);
  const size_t first = next_address_++;
  const size_t count = std::min(addresses.size(), kMostAddresses);
  for (size_t i = 0; i < count && !cancel->cancelled(); ++i) {
    Result<net::StreamPtr> stream = co_await connect_to(addresses[(first + i) % addresses.size()], cancel);
    if (stream) co_return std::move(stream);
    last = std::move(stream.error());
  }
  co_return last;
}

coro::Task<Result<std::unique_ptr<RedisConnection>>> RedisDialer::open(Try what, coro::CancelSource* cancel) {
  net::DeadlineSource connecting(loop_, loop_->now() + std::max(kConnectTimeout, settings_.timeout), cancel);
  Result<net::StreamPtr> stream = co_await connect(&connecting);
  if (cancel->cancelled()) co_return cancelled(*cancel);
  if (!stream) {
    const Error& e = stream.error();
    co_return unusable(e.internal.empty() ? e.detail : e.internal);
  }
  auto connection = std::make_unique<RedisConnection>(std::move(stream.value()));
  net::DeadlineSource answering(loop_, loop_->now() + settings_.timeout, cancel);
  Result<void> signed_in = co_await sign_in(*connection, what, &answering);
  if (cancel->cancelled()) co_return cancelled(*cancel);
  if (signed_in) co_return std::move(connection);
  if (signed_in.error().kind == ErrorKind::kTimeout) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.timeout).count();
    co_return unusable(log::cat("it does not answer within ", ms, " ms"));
  }
  co_return unusable(std::move(signed_in.error().internal));
}

// All in one write. The name is for people who look at CLIENT LIST: a user who may not set it is let in all the same.
coro::Task<Result<void>> RedisDialer::sign_in(RedisConnection& connection, Try what, coro::CancelSource* cancel) {
  std::string text;
  std::vector<bool> steps;  // whether each must succeed
  const auto say = [&](std::initializer_list<std::string_view> words, bool must_succeed) {
    append_command(text, Words(words.begin(), words.size()));
    steps.push_back(must_succeed);
  };
  if (!settings_.user.empty()) {
    say({"AUTH", settings_.user, settings_.password}, true);
  } else if (!settings_.password.empty()) {
    say({"AUTH", settings_.password}, true);
  }
  if (settings_.database != 0) say({"SELECT", std::to_string(settings_.database)}, true);
  say({"CLIENT", "SETNAME", "viewgate"}, false);
  if (what == Try::kWrite) say({"EVAL", kProbe, "1", settings_.prefix + "probe", "1000"}, true);
  // A failed write is not looked at: what the other side said before it hung up is worth more (it has too many
  // clients).
  connection.stream().write_now({text});
  for (const bool must_succeed : steps) {
    Result<Reply> reply = co_await connection.read_reply(cancel);
    if (!reply) co_return std::move(reply.error());
    if (reply->kind != Reply::Kind::kError) continue;
    const std::string why = refusal(reply->text);
    if (!must_succeed && (why.empty() || error_code(reply->text) == "NOPERM")) continue;
    co_return unusable(why.empty() ? "it refuses what viewgate needs: " + reply->text : why);
  }
  co_return Result<void>();
}

}  // namespace vg::store
