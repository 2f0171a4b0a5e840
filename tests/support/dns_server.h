// A DNS server on the test's own loop: UDP and TCP on one port of 127.0.0.1, answering from a zone or as a handler
// says, wrongly too. Its handles are unreferenced, so that uv_run(DEFAULT) returns as soon as the code under test has
// nothing more to do.
#pragma once
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <uv.h>

#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"

namespace vg::test {

constexpr uint16_t kA = 1, kCname = 5, kAaaa = 28;
constexpr int kServFail = 2, kNxDomain = 3;

inline void put16(std::string& out, unsigned v) {
  out.push_back(static_cast<char>(v >> 8));
  out.push_back(static_cast<char>(v & 0xff));
}

/// RFC 1035 4.1.2, without compression.
inline std::string wire_name(std::string_view name) {
  std::string out;
  for (const std::string_view label : split(name, '.')) {
    if (label.empty()) continue;
    out.push_back(static_cast<char>(label.size()));
    out.append(label);
  }
  out.push_back('\0');
  return out;
}

struct DnsQuestion {
  uint16_t id = 0;
  std::string name;
  uint16_t type = 0;
  bool tcp = false;
};

/// Writes one answer; each call returns *this.
class DnsReply {
 public:
  explicit DnsReply(DnsQuestion question) : question_(std::move(question)) {}
  DnsReply& id(uint16_t v) { return question_.id = v, *this; }
  DnsReply& code(int v) { return code_ = v, *this; }
  DnsReply& truncated() { return truncated_ = true, *this; }
  DnsReply& record(std::string_view owner, uint16_t type, uint32_t ttl, std::string_view data) {
    records_ += wire_name(owner);
    put16(records_, type);
    put16(records_, 1);
    put16(records_, ttl >> 16);
    put16(records_, ttl & 0xffff);
    put16(records_, static_cast<unsigned>(data.size()));
    records_ += data;
    ++count_;
    return *this;
  }
  DnsReply& address(std::string_view owner, const std::string& ip, uint32_t ttl) {
    char bytes[16];
    if (inet_pton(AF_INET, ip.c_str(), bytes) == 1) return record(owner, kA, ttl, {bytes, 4});
    EXPECT_EQ(inet_pton(AF_INET6, ip.c_str(), bytes), 1) << ip;
    return record(owner, kAaaa, ttl, {bytes, 16});
  }
  DnsReply& alias(std::string_view owner, std::string_view target, uint32_t ttl) {
    return record(owner, kCname, ttl, wire_name(target));
  }
  std::string bytes() const {
    std::string out;
    put16(out, question_.id);
    put16(out, 0x8180u | (truncated_ ? 0x0200u : 0u) | static_cast<unsigned>(code_));
    for (const unsigned n : {1u, count_, 0u, 0u}) put16(out, n);
    out += wire_name(question_.name);
    put16(out, question_.type);
    put16(out, 1);
    return out + records_;
  }

 private:
  DnsQuestion question_;
  int code_ = 0;
  bool truncated_ = false;
  unsigned count_ = 0;
  std::string records_;
};

class DnsServer {
 public:
  /// The messages to send back, none for silence. Over TCP an empty message closes the connection.
  using Handler = std::function<std::vector<std::string>(const DnsQuestion&)>;

  explicit DnsServer(uv_loop_t* loop, const char* ip = "127.0.0.1", uint16_t port = 0) : ip_(ip), loop_(loop) {
    // The TCP port of the same number may be taken: then another.
    for (int attempt = 0; attempt < 50 && !open(port); ++attempt) EXPECT_EQ(port, 0) << "port taken";
    handler_ = [this](const DnsQuestion& q) { return std::vector<std::string>{from_zone(q).bytes()}; };
  }
  ~DnsServer() { close(); }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  /// Adds a record to the zone. A name without any is NXDOMAIN.
  void add(const std::string& name, const std::string& ip, uint32_t ttl) { zone_[name].emplace_back(ip, ttl); }
  void add_alias(const std::string& name, const std::string& target, uint32_t ttl) { aliases_[name] = {target, ttl}; }
  void clear() { zone_.clear(), aliases_.clear(); }
  void handle(Handler handler) { handler_ = std::move(handler); }

  /// What the zone says; a start for handlers that then spoil it.
  DnsReply from_zone(const DnsQuestion& question) const {
    DnsReply reply(question);
    std::string name = question.name;
    bool known = false;
    for (auto at = aliases_.find(name); at != aliases_.end(); at = aliases_.find(name)) {
      reply.alias(name, at->second.first, at->second.second);
      name = at->second.first;
      known = true;
    }
    const auto records = zone_.find(name);
    if (records == zone_.end()) return known ? reply : reply.code(kNxDomain);
    for (const auto& [ip, ttl] : records->second) {
      if ((ip.find(':') != std::string::npos) == (question.type == kAaaa)) reply.address(name, ip, ttl);
    }
    return reply;
  }

  uint16_t port() const { return port_; }
  std::string address() const { return ip_ + ":" + std::to_string(port_); }
  const std::vector<DnsQuestion>& asked() const { return asked_; }
  size_t asked_for(std::string_view name) const {
    size_t n = 0;
    for (const DnsQuestion& q : asked_) n += q.name == name;
    return n;
  }
  void forget_asked() { asked_.clear(); }

  void close() {
    if (closed_) return;
    closed_ = true;
    uv_close(as_handle(&udp_->handle), deleter<Udp>);
    uv_close(as_handle(&tcp_->handle), deleter<Tcp>);
    for (Tcp* c : connections_) uv_close(as_handle(&c->handle), deleter<Tcp>);
    connections_.clear();
  }

 private:
  struct Udp {
    uv_udp_t handle;
    char buffer[4096];
  };
  struct Tcp {
    uv_tcp_t handle;
    DnsServer* server;
    std::string received;
    char buffer[4096];
  };
  template <typename H>
  static uv_handle_t* as_handle(H* handle) {
    return reinterpret_cast<uv_handle_t*>(handle);
  }
  template <typename T>
  static void deleter(uv_handle_t* handle) {
    delete reinterpret_cast<T*>(handle);
  }

  bool open(uint16_t wanted) {
    udp_ = new Udp;
    tcp_ = new Tcp;
    uv_udp_init(loop_, &udp_->handle);
    uv_tcp_init(loop_, &tcp_->handle);
    udp_->handle.data = this;
    tcp_->server = this;
    sockaddr_in at{};
    uv_ip4_addr(ip_.c_str(), wanted, &at);
    int length = sizeof at;
    int failed = uv_udp_bind(&udp_->handle, reinterpret_cast<sockaddr*>(&at), 0);
    uv_udp_getsockname(&udp_->handle, reinterpret_cast<sockaddr*>(&at), &length);
    failed |= uv_tcp_bind(&tcp_->handle, reinterpret_cast<sockaddr*>(&at), 0);
    failed |= uv_listen(reinterpret_cast<uv_stream_t*>(&tcp_->handle), 16, on_connection);
    if (failed) {
      uv_close(as_handle(&udp_->handle), deleter<Udp>);
      uv_close(as_handle(&tcp_->handle), deleter<Tcp>);
      return false;
    }
    port_ = ntohs(at.sin_port);
    uv_udp_recv_start(
        &udp_->handle,
        [](uv_handle_t* h, size_t, uv_buf_t* b) {
          *b = uv_buf_init(reinterpret_cast<Udp*>(h)->buffer, sizeof(Udp::buffer));
        },
        on_datagram);
    uv_unref(as_handle(&udp_->handle));
    uv_unref(as_handle(&tcp_->handle));
    return true;
  }

  static void on_datagram(uv_udp_t* udp, ssize_t n, const uv_buf_t* buffer, const sockaddr* from, unsigned) {
    if (n <= 0 || !from) return;
    auto* self = static_cast<DnsServer*>(udp->data);
    for (std::string& reply : self->answer({buffer->base, static_cast<size_t>(n)}, false)) {
      uv_buf_t out = uv_buf_init(reply.data(), static_cast<unsigned>(reply.size()));
      uv_udp_try_send(udp, &out, 1, from);
    }
  }

  static void on_connection(uv_stream_t* listener, int) {
    auto* self = reinterpret_cast<Tcp*>(listener)->server;
    auto* connection = new Tcp;
    connection->server = self;
    uv_tcp_init(self->loop_, &connection->handle);
    uv_accept(listener, reinterpret_cast<uv_stream_t*>(&connection->handle));
    uv_unref(as_handle(&connection->handle));
    self->connections_.push_back(connection);
    uv_read_start(
        reinterpret_cast<uv_stream_t*>(&connection->handle),
        [](uv_handle_t* h, size_t, uv_buf_t* b) {
          *b = uv_buf_init(reinterpret_cast<Tcp*>(h)->buffer, sizeof(Tcp::buffer));
        },
        on_bytes);
  }

  // RFC 1035 4.2.2: each message is preceded by its length.
  static void on_bytes(uv_stream_t* stream, ssize_t n, const uv_buf_t* buffer) {
    auto* c = reinterpret_cast<Tcp*>(stream);
    if (n < 0) return c->server->drop(c);
    c->received.append(buffer->base, static_cast<size_t>(n));
    while (c->received.size() >= 2) {
      const size_t size = read16(c->received, 0);
      if (c->received.size() < 2 + size) return;
      const std::string message = c->received.substr(2, size);
      c->received.erase(0, 2 + size);
      for (const std::string& reply : c->server->answer(message, true)) {
        if (reply.empty()) return c->server->drop(c);
        std::string framed;
        put16(framed, static_cast<unsigned>(reply.size()));
        framed += reply;
        uv_buf_t out = uv_buf_init(framed.data(), static_cast<unsigned>(framed.size()));
        EXPECT_EQ(uv_try_write(stream, &out, 1), static_cast<int>(framed.size()));
      }
    }
  }

  void drop(Tcp* connection) {
    std::erase(connections_, connection);
    uv_close(as_handle(&connection->handle), deleter<Tcp>);
  }

  static unsigned read16(std::string_view bytes, size_t at) {
    return static_cast<unsigned>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
  }

  std::vector<std::string> answer(std::string_view message, bool tcp) {
    DnsQuestion question;
    question.tcp = tcp;
    question.id = static_cast<uint16_t>(read16(message, 0));
    size_t at = 12;
    while (at < message.size() && message[at] != 0) {
      const auto size = static_cast<size_t>(message[at]);
      if (!question.name.empty()) question.name.push_back('.');
      question.name += message.substr(at + 1, size);
      at += size + 1;
    }
    question.type = static_cast<uint16_t>(read16(message, at + 1));
    asked_.push_back(question);
    return handler_(question);
  }

  std::string ip_;
  uv_loop_t* loop_;
  uint16_t port_ = 0;
  bool closed_ = false;
  Udp* udp_ = nullptr;
  Tcp* tcp_ = nullptr;
  std::vector<Tcp*> connections_;
  Handler handler_;
  std::map<std::string, std::vector<std::pair<std::string, uint32_t>>> zone_;
  std::map<std::string, std::pair<std::string, uint32_t>> aliases_;
  std::vector<DnsQuestion> asked_;
};

/// A loop for one test. Ends it with a failure if a handle is left.
class TestLoop {
 public:
  TestLoop() { uv_loop_init(&loop_); }
  ~TestLoop() {
    run();
    EXPECT_EQ(uv_loop_close(&loop_), 0) << "a handle is left on the loop";
  }
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;

  uv_loop_t* get() { return &loop_; }
  /// Until nothing is left to wait for.
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }
  /// One turn, waiting for something to happen.
  void turn() { uv_run(&loop_, UV_RUN_ONCE); }
  bool idle() { return uv_loop_alive(&loop_) == 0; }
  /// Handles that a callback may still come from, the servers' of the test not counted.
  int active_handles() {
    int n = 0;
    uv_walk(
        &loop_, [](uv_handle_t* h, void* count) { *static_cast<int*>(count) += uv_is_active(h) && uv_has_ref(h); }, &n);
    return n;
  }

 private:
  uv_loop_t loop_;
};

}  // namespace vg::test
