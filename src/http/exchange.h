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

class Exchange;
class ServerConnection;

/// What carries a request: an HTTP/1.1 connection, or a stream of an HTTP/2 one.
class Carrier {
 public:
  /// Passes an interim response (1xx but 101) with these field lines; nothing, where one cannot be written now.
  virtual void send_interim(Exchange& exchange, uint16_t status, std::string_view lines) = 0;

 protected:
  ~Carrier() = default;
};

/// What was made before: at load, or an answer that a cache kept. Lifetime: `owner` holds what the others view.
struct KeptAnswer {
  std::shared_ptr<const std::string> owner;
  std::string_view
      fields;  ///< field lines as they go on the wire, end-to-end ones alone, Date among them; may be empty
  std::string_view content;
};

/// The answer to be written: a head, and no content, text, something kept, or a body that is streamed.
struct Response {
  std::string_view request_id;  ///< written as X-Request-Id, in place of any that is passed on; empty: none
  uint16_t status = 0;          ///< 0: none; the connection is closed without an answer
  ResponseHead own;             ///< fields of an answer made here
  ResponseHead* head = &own;  ///< the fields to write: own, or an upstream's. Never framing fields or hop-by-hop ones.
  std::string text;           ///< content made for this answer
  KeptAnswer kept;            ///< content that exists already, instead of `text`, and fields before those of `head`
  BodyPtr body;               ///< content that is streamed, instead of both
  std::optional<uint64_t> told_length;  ///< Content-Length of an answer without content (HEAD, 304)
  bool close = false;                   ///< the connection ends after it
  bool tunnel = false;                  ///< 101: from here on bytes pass both ways
  Duration stream_idle{};               ///< without a byte of the body for so long it is cut; 0: no bound
  Duration tunnel_idle{};

  std::string_view content() const { return kept.owner ? kept.content : std::string_view(text); }
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
  Carrier* carrier = nullptr;
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
  /// What is being done is to be finished for nobody, too: a client that leaves does not cancel it, a stop that can
  /// wait no longer does.
  bool outlives_client = false;
  bool cut = false;        ///< the response could not be completed
  bool continued = false;  ///< 100 was sent, or will not be

  /// Tells a client that waits with Expect: 100-continue to send (RFC 9110 section 10.1.1). Once, and only if needed.
  void want_body();
  /// From now on the handler goes on where the client leaves, until leave_off(): then what was held back comes.
  void keep_on() { outlives_client = true; }
  void leave_off() {
    outlives_client = false;
    if (client_gone) cancel.cancel(ErrorKind::kCancelled);
  }
  /// The client has gone.
  void client_left() {
    client_gone = true;
    if (!outlives_client) cancel.cancel(ErrorKind::kCancelled);
  }
  /// Passes an interim response (1xx but 101) to a client that understands it.
  void send_interim(const ResponseHead& head);

 protected:
  friend class ServerConnection;
  friend class Http2Server;
  virtual void clear();
};

}  // namespace vg::http
