// An HTTP/1.1 server on the test's loop that answers each request with the next act of its script.
#pragma once
#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/strings.h"
#include "support/peer.h"

namespace vg::test {

class ScriptedUpstream {
 public:
  using Act = std::function<void(Peer&)>;
  explicit ScriptedUpstream(net::EventLoop* loop) : server_(loop) {
    server_.on_change = [this](Peer& p) { serve(p); };
  }
  uint16_t port() const { return server_.port(); }
  size_t connections() const { return server_.peers.size(); }
  Peer& connection(size_t i) { return *server_.peers.at(i); }
  /// Connections that are still there on the other side too.
  size_t open_connections() const {
    return static_cast<size_t>(std::count_if(server_.peers.begin(), server_.peers.end(),
                                             [](const auto& p) { return p->open() && !p->over(); }));
  }

  std::vector<std::string> requests;  ///< complete ones, head and content as they came
  std::deque<Act> script;             ///< when it is empty, `otherwise`
  Act otherwise = say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

  static Act say(std::string text) {
    return [text = std::move(text)](Peer& p) { p.send(text); };
  }
  static Act say_and_end(std::string text) {
    return [text = std::move(text)](Peer& p) {
      p.send(text);
      p.end();
    };
  }
  static Act status(int code) { return say("HTTP/1.1 " + std::to_string(code) + " X\r\nContent-Length: 0\r\n\r\n"); }
  static Act hang_up() {
    return [](Peer& p) { p.close(); };
  }
  static Act reset() {
    return [](Peer& p) { p.reset(); };
  }
  static Act silence() {
    return [](Peer&) {};
  }

 private:
  void serve(Peer& p) {
    while (p.open()) {
      const size_t size = request_size(p.received);
      if (size == 0) return;
      requests.push_back(p.take(size));
      const Act act = script.empty() ? otherwise : std::move(script.front());
      if (!script.empty()) script.pop_front();
      act(p);
    }
  }
  /// Of the first request, 0 while it is not complete.
  static size_t request_size(const std::string& text) {
    const size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const std::string head = lower(text.substr(0, end + 2));
    size_t size = end + 4;
    if (head.find("\r\ntransfer-encoding: chunked\r\n") != std::string::npos) {
      const size_t last = text.find("\r\n0\r\n", end + 2);
      if (last == std::string::npos) return 0;
      const size_t done = text.find("\r\n\r\n", last + 3);
      return done == std::string::npos ? 0 : done + 4;
    }
    if (const size_t at = head.find("\r\ncontent-length: "); at != std::string::npos) {
      size += static_cast<size_t>(std::stoull(head.substr(at + 18)));
    }
    return text.size() >= size ? size : 0;
  }
  PeerServer server_;
};

}  // namespace vg::test
