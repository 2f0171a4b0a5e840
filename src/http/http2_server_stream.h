// A request of an HTTP/2 connection while it is under way. Internal to Http2Server. Pooled by its thread.
#pragma once
#include "http/http2_server.h"

namespace vg::http {

class Http2Server::ServerStream final : public Http2Stream, public Carrier {
 public:
  static ServerStream* take();
  static void give_back(ServerStream* stream);
  ~ServerStream() override = default;

  void send_interim(Exchange& exchange, uint16_t status, std::string_view lines) override;

  Http2Server* server = nullptr;
  Exchange* exchange = nullptr;
  Http2RequestText text;
  Http2TrailerText trailers;
  ParseError refusal{0, ""};
  ServerStream *before = nullptr, *after = nullptr;  // in the list of those that run
  bool head_done = false;                            // what comes are trailers
  bool running = false;                              // serve() is
  bool tunnelled = false;                            // RFC 8441: it asks for a tunnel
  bool cut = false;                                  // by us

 private:
  static std::vector<std::unique_ptr<ServerStream>>& free_list();
};

}  // namespace vg::http
