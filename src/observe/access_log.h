// One line a request. AccessRecord is what the gateway knows when a request is over; AccessFormatter makes it a line
// (text for people, JSON for machines) and AccessLog puts it into the loop's ring. Formatting allocates nothing and
// takes some 100 ns; whatever the client sent, a line stays one line and a JSON line stays valid JSON.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "observe/access_ring.h"
#include "observe/log.h"

namespace vg::observe {

/// Lifetime: the views are read during append() alone. Empty texts and negative durations mean "none".
struct AccessRecord {
  WallTime time{};  ///< when the request's head began
  std::string_view client_ip;
  std::string_view method;
  std::string_view target;    ///< as the client sent it, with the query
  std::string_view protocol;  ///< HTTP/1.1
  uint16_t status = 0;        ///< 0: no response was sent
  uint64_t bytes_in = 0;      ///< of the request's body
  uint64_t bytes_out = 0;     ///< head and body sent to the client
  Duration duration{0};
  std::string_view route;            ///< its name; empty: none matched
  std::string_view upstream;         ///< its name; empty: none was asked
  Duration upstream_connect{-1};     ///< of the last attempt; 0 with a pooled connection
  Duration upstream_first_byte{-1};  ///< from the call's start to the response's head
  uint32_t attempts = 0;             ///< upstream attempts; shown from 2 on in text, always in JSON
  std::string_view request_id;
  std::string_view cache;       ///< hit, miss, stale, ...
  std::string_view degraded;    ///< the value of Viewgate-Degraded
  std::string_view error;       ///< why the request failed: connect, timeout, client_gone, ...
  std::string_view user_agent;  ///< request headers: subject to log.redact
  std::string_view referer;
};

/// Thread: one loop's. Owns: the cached timestamp.
class AccessFormatter {
 public:
  /// `redact`: header names of log.redact; user-agent and referer in it show as [redacted].
  AccessFormatter(log::Format format, const std::vector<std::string>& redact);
  /// Appends the line and its newline.
  void append(const AccessRecord& record, std::string& out);

 private:
  void append_text_line(const AccessRecord& r, std::string& out);
  void append_json_line(const AccessRecord& r, std::string& out);
  static std::string_view shown(std::string_view header, bool hidden);
  std::string_view timestamp(WallTime t);

  log::Format format_;
  bool hide_user_agent_ = false;
  bool hide_referer_ = false;
  int64_t cached_second_ = INT64_MIN;
  std::array<char, 24> stamp_{};  ///< 2026-11-22T18:54:27.123Z
};

/// One loop's access log. Thread: the loop's.
class AccessLog {
 public:
  AccessLog(std::shared_ptr<AccessRing> ring, log::Format format, const std::vector<std::string>& redact);
  /// Formats and appends one line. False: dropped (and counted by the ring). Never blocks.
  bool write(const AccessRecord& record);

 private:
  std::shared_ptr<AccessRing> ring_;
  AccessFormatter formatter_;
  std::string line_;
};

}  // namespace vg::observe
