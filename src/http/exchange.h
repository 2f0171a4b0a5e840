// One request and its response on a server connection: what a handler is given, and what it fills. Pooled: an exchange
// is taken from its loop's pool when the first byte of a request arrives, and given back when its response is out.
// Thread: its loop.
#pragma once
#include <memory>
#include <string>

#include "coro/scope.h"
#include "http/body.h"
#include "http/head.h"
#include "net/event_loop.h"

namespace vg::http {

class ServerConnection;

/// The answer to be written: a head, and no content, text, or a body that is streamed.
struct Response {
  std::string_view request_id;  ///< written as X-Request-Id, in place of any that is passed on; empty: none
  uint16_t status = 0;          ///< 0: none; the connection is closed without an answer
  ResponseHead own;             ///< fields of an answer made here
  ResponseHead* head = &own;  ///< the fields to write: own, or an upstream's. Never framing fields or hop-by-hop ones.
  std::string text;           ///< content made for this answer
  std::shared_ptr<const std::string> shared;  ///< content made at load, instead of `text`
  BodyPtr body;                               ///< content that is streamed, instead of both
  std::optional<uint64_t> told_length;        ///< Content-Length of an answer without content (HEAD, 304)
  bool close = false;                         ///< the connection ends after it
  bool tunnel = false;                        ///< 101: from here on bytes pass both ways
  Duration stream_idle{};                     ///< without a byte of the body for so long it is cut; 0: no bound
  Duration tunnel_idle{};

  std::string_view content() const { return shared ? std::string_view(*shared) : std::string_view(text); }
  void clear();
};

class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  net::EventLoop* loop = nullptr;
  ServerConnection* connection = nullptr;
  RequestHead request;
  RequestParser parser;
  StreamBody body;  ///< the request's content
  Response response;
  /// Field lines ("Name: value\r\n") that stand in the response whatever it becomes: an answer from afar, an error.
  std::string added_fields;
  /// Cancelled when the client has gone (kCancelled) or the request's time is up (kTimeout).
  net::DeadlineSource cancel;
  /// What runs beside the handler and the response; joined before the exchange ends.
  coro::Scope scope;
  coro::CancelSource side_cancel;  ///< for what runs in `scope`: cancelled when the response is out
  TimePoint started{};             ///< its first byte was read
  TimePoint head_done{};           ///< the end of its head
  uint64_t head_bytes = 0;
  uint64_t sent_bytes = 0;  ///< of the response, head included
  uint64_t sent_content_bytes = 0;
  bool client_gone = false;
  bool cut = false;        ///< the response could not be completed
  bool continued = false;  ///< 100 was sent, or will not be

  /// Tells a client that waits with Expect: 100-continue to send (RFC 9110 section 10.1.1). Once, and only if needed.
  void want_body();
  /// Passes an interim response (1xx but 101) to a client that understands it.
  void send_interim(const ResponseHead& head);

 protected:
  friend class ServerConnection;
  virtual void clear();
};

}  // namespace vg::http
