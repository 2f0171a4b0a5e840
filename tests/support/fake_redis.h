// A Redis on the test's loop that answers each command as its script says; what it is not told it answers like a real
// one that nothing is in. Signing in and probes are answered apart from the script.
#pragma once
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "support/peer.h"

namespace vg::test {

class FakeRedis {
 public:
  using Command = std::vector<std::string>;
  using Act = std::function<void(Peer&, const Command&)>;
  explicit FakeRedis(net::EventLoop* loop) : server_(loop) {
    server_.on_change = [this](Peer& p) { serve(p); };
  }
  uint16_t port() const { return server_.port(); }
  size_t connections() const { return server_.peers.size(); }
  Peer& connection(size_t i) { return *server_.peers.at(i); }
  Peer& last() { return *server_.peers.back(); }

  std::vector<Command> signing_in;  ///< AUTH, SELECT, CLIENT and probes, of all connections
  std::vector<Command> commands;    ///< all others
  std::deque<Act> script;           ///< for `commands`, in order; when it is empty, `otherwise`
  Act otherwise = say("$-1\r\n");
  std::function<std::string(const Command&)> greeting = [](const Command&) { return std::string("+OK\r\n"); };
  size_t reads = 0;  ///< how often bytes came with at least one whole command

  static Act say(std::string text) {
    return [text = std::move(text)](Peer& p, const Command&) { p.send(text); };
  }
  static Act silence() {
    return [](Peer&, const Command&) {};
  }
  static Act hang_up() {
    return [](Peer& p, const Command&) { p.close(); };
  }
  /// The last word of the command.
  static Act echo() {
    return [](Peer& p, const Command& c) { p.send(bulk(c.back())); };
  }
  static std::string bulk(std::string_view text) {
    return "$" + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
  }

 private:
  void serve(Peer& p) {
    bool any = false;
    Command command;
    while (p.open() && take(p.received, command)) {
      if (!any) ++reads;
      any = true;
      const bool probe = command[0] == "EVAL" && command.size() == 5 && command[3].ends_with("probe");
      if (command[0] == "AUTH" || command[0] == "SELECT" || command[0] == "CLIENT" || probe) {
        signing_in.push_back(command);
        p.send(greeting(command));
        continue;
      }
      commands.push_back(command);
      const Act act = script.empty() ? otherwise : std::move(script.front());
      if (!script.empty()) script.pop_front();
      act(p, command);
    }
  }
  static bool number(const std::string& text, size_t& at, char kind, size_t& out) {
    const size_t end = text.find("\r\n", at);
    if (end == std::string::npos) return false;
    EXPECT_EQ(text[at], kind);
    out = static_cast<size_t>(std::stoull(text.substr(at + 1, end - at - 1)));
    at = end + 2;
    return true;
  }
  /// Takes the first command out of `text` if it is whole.
  static bool take(std::string& text, Command& out) {
    size_t at = 0, words = 0, size = 0;
    out.clear();
    if (text.empty() || !number(text, at, '*', words)) return false;
    for (; words > 0; --words) {
      if (at >= text.size() || !number(text, at, '$', size) || text.size() < at + size + 2) return false;
      out.push_back(text.substr(at, size));
      at += size + 2;
    }
    text.erase(0, at);
    return true;
  }
  PeerServer server_;
};

}  // namespace vg::test
