// The settings of calls that stand on upstreams, routes and calls alike: retry, circuit_breaker, hedge. Their tables
// and the reading of them; a nearer place is read over a weaker one.
#include <algorithm>

#include "base/strings.h"
#include "config/path.h"
#include "config/read.h"
#include "config/settings.h"
#include "config/settings_spec.h"

namespace vg::config {
namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kMinute = 60'000 * kMillisecond;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

std::string check_retry_on(std::string_view text) {
  if (text == "connect" || text == "reset") return {};
  const auto status = parse_integer(text);
  if (status && (*status == 429 || (*status >= 500 && *status <= 599))) return {};
  return quote(text) + " can't be retried on; write connect, reset, 429 or a status from 500 to 599";
}

// "50%" or "0.5".
std::optional<double> parse_ratio(std::string_view text) {
  if (const auto percent = parse_percent(text)) return percent;
  if (const auto number = parse_number(text)) return *number * 100;
  return std::nullopt;
}

std::string check_ratio(std::string_view text) {
  const auto ratio = parse_ratio(text);
  if (!ratio) return quote(text) + " is not a share; write for example 50% or 0.5";
  if (*ratio > 0 && *ratio <= 100) return {};
  const std::string wrong = quote(text) + " is out of range; it may be above 0% and up to 100%";
  const bool meant = parse_number(text) && *ratio > 100 && *ratio <= 10'000;  // 50 is 5000%
  return meant ? wrong + "; write " + std::string(text) + '%' : wrong;
}

std::string check_health_path(std::string_view text) {
  if (!text.starts_with('/')) return quote(text) + " is not a path; a path begins with /";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte >= 0x7f || c == '#' || c == '"' || c == '<' || c == '>' || c == '\\')
      return "a character of the path must be written as %XX";
  }
  return {};
}

Spec count(int64_t least, int64_t most) { return integer().between(least, most); }
Spec time_span(int64_t least, int64_t most) { return duration().between(least, most); }

}  // namespace

Spec retry_spec() {
  return map({key("attempts", count(0, 10).example("1")).fallback("1").summary("extra ones"),
              key("attempt_timeout", time_span(kMillisecond, kHour).nullable()).fallback("null"),
              key("on", one_or_list(
                            text().check(check_retry_on).called("a reason to retry").example("[connect, reset, 503]")))
                  .fallback("[connect, reset, 502, 503, 504]"),
              key("methods", one_or_list(one_of({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"})))
                  .fallback("[]")
                  .summary("tried again like the idempotent ones, which need not be listed"),
              key("budget", percent().between(0, 100))
                  .fallback("20%")
                  .summary("the share of requests that may be retried"),
              key("backoff", time_span(0, kMinute)).fallback("25ms")})
      .short_form("attempts");
}

Spec breaker_spec() {
  return map({key("failures", count(1, 1'000'000)).fallback("5").summary("consecutive ones open it"),
              key("open_for", time_span(kMillisecond, kDay))
                  .fallback("60s")
                  .summary("how long it lets nothing through"),
              key("half_open", count(1, 1000)).fallback("1").summary("trials at a time, once that has passed"),
              key("ratio", text().check(check_ratio).called("a share").example("50%").nullable())
                  .fallback("null")
                  .summary("of failures in the window: it opens, too"),
              key("window", time_span(100 * kMillisecond, kHour)).fallback("10s").summary("of the ratio"),
              key("min_requests", count(1, 100'000))
                  .fallback("20")
                  .summary("with fewer in the window the ratio does not count")})
      .example("{failures: 5, open_for: 60s}");
}

Spec hedge_spec() {
  return map({key("after", time_span(0, kHour))
                  .required()
                  .summary("without an answer for so long, a second attempt is made; 0s: none")})
      .short_form("after")
      .example("50ms");
}

Spec health_spec() {
  return map({key("path", text().check(check_health_path).called("a path").example("/healthz"))
                  .required()
                  .summary("asked by GET; any 2xx is healthy"),
              key("interval", time_span(10 * kMillisecond, kHour)).fallback("5s"),
              key("timeout", time_span(kMillisecond, kHour)).fallback("2s").summary("of one check"),
              key("unhealthy_after", count(1, 100)).fallback("3").summary("failed checks in a row"),
              key("healthy_after", count(1, 100)).fallback("2").summary("successful checks in a row")})
      .short_form("path");
}

RetrySettings read_retry(const Node* retry, RetrySettings weaker) {
  RetrySettings out = std::move(weaker);
  out.attempts = static_cast<uint32_t>(integer(retry, "attempts", out.attempts));
  if (child(retry, "attempt_timeout") != nullptr) out.attempt_timeout = duration(retry, "attempt_timeout", {});
  if (child(retry, "methods") != nullptr) out.methods = texts(retry, "methods");
  out.budget_percent = percent(retry, "budget", out.budget_percent);
  out.backoff = duration(retry, "backoff", out.backoff);
  if (child(retry, "on") == nullptr) return out;
  out.on_connect = out.on_reset = false;
  out.on_statuses.clear();
  for (const std::string& reason : texts(retry, "on")) {
    out.on_connect |= reason == "connect";
    out.on_reset |= reason == "reset";
    if (const auto status = parse_u64(reason)) out.on_statuses.push_back(static_cast<uint16_t>(*status));
  }
  std::sort(out.on_statuses.begin(), out.on_statuses.end());
  out.on_statuses.erase(std::unique(out.on_statuses.begin(), out.on_statuses.end()), out.on_statuses.end());
  return out;
}

BreakerSettings read_breaker(const Node* breaker, BreakerSettings weaker) {
  BreakerSettings out = weaker;
  out.failures = static_cast<uint32_t>(integer(breaker, "failures", out.failures));
  out.open_for = duration(breaker, "open_for", out.open_for);
  out.half_open = static_cast<uint32_t>(integer(breaker, "half_open", out.half_open));
  if (const Node* ratio = child(breaker, "ratio")) out.ratio_percent = parse_ratio(ratio->text());
  out.window = duration(breaker, "window", out.window);
  out.min_requests = static_cast<uint32_t>(integer(breaker, "min_requests", out.min_requests));
  return out;
}

Nanoseconds read_hedge(const Node* hedge, Nanoseconds weaker) { return duration(hedge, "after", weaker); }

}  // namespace vg::config
