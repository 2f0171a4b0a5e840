#include "upstream/health_monitor.h"

#include <algorithm>
#include <random>

#include "config/values.h"
#include "http/parser.h"
#include "http/writer.h"
#include "observe/log.h"
#include "upstream/connect_endpoint.h"
#include "upstream/health_http2.h"
#include "version_generated.h"

namespace vg::upstream {

namespace {

constexpr http::HeadLimits kLimits{16 * 1024, 128, 0};

// So that many gateways do not ask at the same moment: anywhere within the interval.
Duration somewhere_in(Duration interval) {
  static thread_local std::minstd_rand random(std::random_device{}());
  return Duration(std::uniform_int_distribution<int64_t>(0, interval.count())(random));
}

std::string request_text(const Endpoint& endpoint, const config::HealthSettings& settings, bool http2) {
  const bool grpc = http2 && settings.path == kGrpcHealthPath;
  std::string out = (grpc ? "POST " : "GET ") + settings.path + " HTTP/1.1\r\n";
  http::append_field(out, "Host", endpoint.settings.authority);
  http::append_field(out, "User-Agent", "viewgate/" VIEWGATE_VERSION " (health check)");
  if (grpc) {
    http::append_field(out, "Content-Type", "application/grpc");
  } else {
    http::append_field(out, "Accept", "*/*");
  }
  out.append("Connection: close\r\n\r\n");
  return out;
}

// The status of the answer's head; 0: there was none, `why` says so.
coro::Task<uint16_t> read_status(net::Stream* stream, coro::CancelSource* cancel, std::string* why) {
  http::ResponseHead head;
  http::ResponseParser parser;
  parser.reset(&head, kLimits, http::Method::kGet);
  for (;;) {
    size_t taken = 0;
    const http::ParseStatus status = parser.feed(stream->data(), &taken);
    stream->consume(taken);
    if (status == http::ParseStatus::kDone && head.status >= 200) co_return head.status;
    if (status == http::ParseStatus::kDone) {
      parser.reset(&head, kLimits, http::Method::kGet);
      continue;
    }
    if (status == http::ParseStatus::kError) {
      *why = "an invalid answer";
      co_return 0;
    }
    const net::ReadEvent event = co_await stream->readable(cancel);
    if (event == net::ReadEvent::kData) continue;
    *why = event == net::ReadEvent::kCancelled ? "no answer in time" : "the connection was closed";
    co_return 0;
  }
}

}  // namespace

HealthMonitor::HealthMonitor(net::EventLoop* loop, net::DnsCache* dns, std::function<void()> on_ended)
    : loop_(loop), dns_(dns), on_ended_(std::move(on_ended)) {}

void HealthMonitor::watch(const std::vector<std::shared_ptr<Upstream>>& upstreams) {
  if (stopped_) return;
  std::erase_if(watches_, [&](const std::shared_ptr<Watch>& w) {
    const bool gone = std::find(upstreams.begin(), upstreams.end(), w->upstream) == upstreams.end();
    if (gone) w->cancel.cancel(ErrorKind::kCancelled);
    return gone;
  });
  for (const std::shared_ptr<Upstream>& u : upstreams) {
    if (!u->settings().health) continue;
    const auto is_of = [&](const std::shared_ptr<Watch>& w) { return w->upstream == u; };
    if (std::any_of(watches_.begin(), watches_.end(), is_of)) continue;
    auto watch = std::make_shared<Watch>();
    watch->upstream = u;
    watches_.push_back(watch);
    for (size_t i = 0; i < u->size(); ++i) {
      ++running_;
      scope_.spawn(check_again_and_again(watch, i));
    }
  }
}

void HealthMonitor::stop() {
  stopped_ = true;
  for (const std::shared_ptr<Watch>& w : watches_) w->cancel.cancel(ErrorKind::kCancelled);
  watches_.clear();
}

coro::Task<void> HealthMonitor::check_again_and_again(std::shared_ptr<Watch> watch, size_t i) {
  const config::HealthSettings& settings = *watch->upstream->settings().health;
  Endpoint& endpoint = watch->upstream->endpoint(i);
  Duration pause = somewhere_in(settings.interval);
  while (!watch->cancel.cancelled()) {
    net::Sleep sleep(loop_, pause, &watch->cancel);
    const bool slept = co_await sleep;
    if (!slept) break;
    pause = settings.interval;
    std::string why;
    const bool passed = co_await passes(watch, i, &why);
    if (watch->cancel.cancelled()) break;
    if (!endpoint.health.on_check(passed, settings, loop_->now())) continue;
    if (passed) {
      log::info("health check upstream=", watch->upstream->name(), " endpoint=", endpoint.label, ": healthy again");
    } else {
      log::warn("health check upstream=", watch->upstream->name(), " endpoint=", endpoint.label, ": unhealthy, ", why);
    }
  }
  watch.reset();
  if (--running_ == 0 && stopped_) on_ended_();
}

coro::Task<bool> HealthMonitor::passes(std::shared_ptr<Watch> watch, size_t i, std::string* why) {
  const config::UpstreamSettings& settings = watch->upstream->settings();
  const Endpoint& endpoint = watch->upstream->endpoint(i);
  net::DeadlineSource deadline(loop_, loop_->now() + settings.health->timeout, &watch->cancel);
  Result<net::Address> where = co_await address(endpoint, settings.dns_ttl, &deadline);
  if (!where) {
    *why = where.error().detail;
    co_return false;
  }
  Result<net::StreamPtr> stream = co_await connect_endpoint(loop_, watch->upstream, i, *where, nullptr, &deadline);
  if (!stream) {
    *why = stream.error().kind == ErrorKind::kTimeout ? std::string("no connection in time")
                                                      : "no connection: " + stream.error().internal;
    co_return false;
  }
  std::string request = request_text(endpoint, *settings.health, settings.http2);
  uint16_t status = 0;
  if (settings.http2) {
    status = co_await health_by_http2(std::move(stream.value()), std::move(request), endpoint.settings.https, &deadline,
                                      why);
  } else {
    (*stream)->write_now({request});
    status = co_await read_status(stream->get(), &deadline, why);
  }
  if (status == 0) co_return false;
  if (status < 300) co_return true;
  *why = log::cat("status ", status);
  co_return false;
}

coro::Task<Result<net::Address>> HealthMonitor::address(const Endpoint& endpoint, Duration dns_ttl,
                                                        coro::CancelSource* cancel) {
  const config::EndpointSettings& s = endpoint.settings;
  if (const auto literal = net::Address::parse(s.host, s.port)) co_return *literal;
  const std::shared_ptr<net::HostTracker> host = dns_->host(s.host, s.port, dns_ttl);
  // The answer's place is the heap's: the callback may come after this coroutine has gone.
  struct Answer {
    coro::Event done;
    std::optional<Result<net::Resolution>> result;
  };
  auto answer = std::make_shared<Answer>();
  net::LookupHandle lookup = host->get([answer](Result<net::Resolution> r) {
    answer->result.emplace(std::move(r));
    answer->done.set();
  });
  const bool answered = co_await answer->done.wait(cancel);
  if (!answered) {
    lookup.cancel();
    co_return Error(ErrorKind::kConnect, "the name did not resolve in time");
  }
  if (!answer->result->ok()) co_return Error(ErrorKind::kConnect, "the name does not resolve");
  const std::vector<net::Address>& all = answer->result->value().addresses;
  if (all.empty()) co_return Error(ErrorKind::kConnect, "the name does not resolve");
  co_return all[turn_++ % all.size()];
}

}  // namespace vg::upstream
