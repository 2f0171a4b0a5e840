#include "observe/access_log.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/strings.h"
#include "observe/escape.h"

namespace vg::observe {
namespace {

constexpr std::string_view kRedacted = "[redacted]";

void put_digits(char* at, int64_t value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
}

/// Milliseconds with three decimals: 1.234.
void append_millis(std::string& out, Duration d) {
  const int64_t micros = std::chrono::duration_cast<std::chrono::microseconds>(d).count();
  append_u64(out, static_cast<uint64_t>(micros / 1000));
  char fraction[4] = {'.'};
  put_digits(fraction + 1, micros % 1000, 3);
  out.append(fraction, sizeof fraction);
}

void text_field(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out += key;
  append_value(out, value);
}

void text_millis(std::string& out, std::string_view key, Duration d) {
  if (d < Duration::zero()) return;
  out += key;
  append_millis(out, d);
  out += "ms";
}

void json_field(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out += key;
  append_json(out, value);
  out += '"';
}

void append_number(std::string& out, std::string_view key, uint64_t value) {
  out += key;
  append_u64(out, value);
}

void json_millis(std::string& out, std::string_view key, Duration d) {
  if (d < Duration::zero()) return;
  out += key;
  append_millis(out, d);
}

std::string_view or_dash(std::string_view s) { return s.empty() ? std::string_view("-") : s; }

}  // namespace

AccessFormatter::AccessFormatter(log::Format format, const std::vector<std::string>& redact) : format_(format) {
  for (const std::string& name : redact) {
    hide_user_agent_ = hide_user_agent_ || iequals(name, "user-agent");
    hide_referer_ = hide_referer_ || iequals(name, "referer");
  }
}

void AccessFormatter::append(const AccessRecord& record, std::string& out) {
  if (format_ == log::Format::kJson) {
    append_json_line(record, out);
  } else {
    append_text_line(record, out);
  }
}

void AccessFormatter::append_text_line(const AccessRecord& r, std::string& out) {
  out += timestamp(r.time);
  out += ' ';
  out += or_dash(r.client_ip);
  out += " \"";
  append_quoted_text(out, or_dash(r.method));
  out += ' ';
  append_quoted_text(out, or_dash(r.target));
  out += ' ';
  append_quoted_text(out, or_dash(r.protocol));
  out += "\" ";
  append_u64(out, r.status);
  out += ' ';
  append_u64(out, r.bytes_out);
  out += "B ";
  append_millis(out, std::max(r.duration, Duration::zero()));
  out += "ms";
  if (r.bytes_in != 0) append_number(out, " in=", r.bytes_in);
  text_field(out, " route=", r.route);
  text_field(out, " upstream=", r.upstream);
  text_millis(out, " connect=", r.upstream_connect);
  text_millis(out, " first_byte=", r.upstream_first_byte);
  if (r.attempts > 1) append_number(out, " attempts=", r.attempts);
  text_field(out, " id=", r.request_id);
  text_field(out, " cache=", r.cache);
  text_field(out, " degraded=", r.degraded);
  text_field(out, " error=", r.error);
  text_field(out, " referer=", shown(r.referer, hide_referer_));
  text_field(out, " user_agent=", shown(r.user_agent, hide_user_agent_));
  out += '\n';
}

void AccessFormatter::append_json_line(const AccessRecord& r, std::string& out) {
  out += "{\"time\":\"";
  out += timestamp(r.time);
  out += '"';
  json_field(out, ",\"client_ip\":\"", r.client_ip);
  json_field(out, ",\"method\":\"", r.method);
  json_field(out, ",\"target\":\"", r.target);
  json_field(out, ",\"protocol\":\"", r.protocol);
  append_number(out, ",\"status\":", r.status);
  append_number(out, ",\"bytes_in\":", r.bytes_in);
  append_number(out, ",\"bytes_out\":", r.bytes_out);
  json_millis(out, ",\"duration_ms\":", std::max(r.duration, Duration::zero()));
  json_field(out, ",\"route\":\"", r.route);
  if (!r.upstream.empty()) {
    json_field(out, ",\"upstream\":\"", r.upstream);
    json_millis(out, ",\"connect_ms\":", r.upstream_connect);
    json_millis(out, ",\"first_byte_ms\":", r.upstream_first_byte);
    append_number(out, ",\"attempts\":", r.attempts);
  }
  json_field(out, ",\"request_id\":\"", r.request_id);
  json_field(out, ",\"cache\":\"", r.cache);
  json_field(out, ",\"degraded\":\"", r.degraded);
  json_field(out, ",\"error\":\"", r.error);
  json_field(out, ",\"referer\":\"", shown(r.referer, hide_referer_));
  json_field(out, ",\"user_agent\":\"", shown(r.user_agent, hide_user_agent_));
  out += "}\n";
}

std::string_view AccessFormatter::shown(std::string_view header, bool hidden) {
  return hidden && !header.empty() ? kRedacted : header;
}

std::string_view AccessFormatter::timestamp(WallTime t) {
  using namespace std::chrono;
  const int64_t millis = floor<milliseconds>(t.time_since_epoch()).count();
  const int64_t second = millis >= 0 ? millis / 1000 : -((-millis + 999) / 1000);
  if (second != cached_second_) {
    cached_second_ = second;
    const auto point = sys_seconds(seconds(second));
    const auto day = floor<days>(point);
    const year_month_day date(day);
    const hh_mm_ss clock(point - day);
    constexpr std::string_view kShape = "0000-00-00T00:00:00.000Z";
    kShape.copy(stamp_.data(), stamp_.size());
    put_digits(&stamp_[0], static_cast<int>(date.year()), 4);
    put_digits(&stamp_[5], static_cast<unsigned>(date.month()), 2);
    put_digits(&stamp_[8], static_cast<unsigned>(date.day()), 2);
    put_digits(&stamp_[11], clock.hours().count(), 2);
    put_digits(&stamp_[14], clock.minutes().count(), 2);
    put_digits(&stamp_[17], clock.seconds().count(), 2);
  }
  put_digits(&stamp_[20], millis - second * 1000, 3);
  return {stamp_.data(), stamp_.size()};
}

AccessLog::AccessLog(std::shared_ptr<AccessRing> ring, log::Format format, const std::vector<std::string>& redact)
    : ring_(std::move(ring)), formatter_(format, redact) {
  line_.reserve(512);
}

bool AccessLog::write(const AccessRecord& record) {
  line_.clear();
  formatter_.append(record, line_);
  return ring_->append(line_);
}

}  // namespace vg::observe
