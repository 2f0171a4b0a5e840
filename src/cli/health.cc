#include "cli/health.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "gateway/route_table.h"
#include "net/address.h"
#include "net/tls_context.h"

namespace vg::cli {

namespace {

// For all of it: who asks has a time limit of his own, and is to hear why.
constexpr Duration kPatience = std::chrono::seconds(3);

int fail(const std::string& why) {
  std::fprintf(stderr, "not healthy: %s\n", why.c_str());
  return 1;
}

// An address that stands for every one of the machine is reached by loopback.
net::Address reachable(const net::Address& a) {
  if (a.ip() == "0.0.0.0") return *net::Address::parse("127.0.0.1", a.port());
  if (a.ip() == "::") return *net::Address::parse("::1", a.port());
  return a;
}

// The time limit of connect(2), too.
int new_socket(int family) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{std::chrono::duration_cast<std::chrono::seconds>(kPatience).count(), 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return fd;
}

bool wait_readable(int fd, TimePoint deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd readable{fd, POLLIN, 0};
  return left > 0 && ::poll(&readable, 1, static_cast<int>(left)) == 1;
}

int connect_to(const config::ListenerSettings& listen, std::string* error) {
  int fd = -1;
  int rc = -1;
  if (listen.kind == config::ListenerSettings::Kind::kUnix) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, listen.path.c_str(), sizeof address.sun_path - 1);
    fd = new_socket(AF_UNIX);
    rc = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  } else if (const auto parsed = net::Address::parse(listen.host, listen.port)) {
    const net::Address address = reachable(*parsed);
    fd = new_socket(address.family());
    rc = ::connect(fd, address.data(), address.size());
  }
  if (rc == 0) return fd;
  *error = "no connection to the admin listener " + listen.address + ": " + std::strerror(errno);
  if (fd >= 0) ::close(fd);
  return -1;
}

constexpr char kRequest[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

// It is asked who it was configured to be: what it shows is not looked at.
std::string ask_by_tls(int fd, TimePoint deadline) {
  std::vector<std::string> warnings;
  net::TlsClientSettings anybody;
  anybody.verify = false;
  const auto client = net::TlsClient::load(anybody, &warnings);
  const auto tls = client ? client.value()->connect("localhost", false, {}, nullptr) : nullptr;
  std::string answer;
  bool asked = false;
  char buffer[1024];
  while (tls && answer.size() < 4096) {
    const ssize_t n = tls->receive(fd, buffer, sizeof buffer);
    if (n > 0) answer.append(buffer, static_cast<size_t>(n));
    if (n <= 0 && n != UV_EAGAIN) break;
    if (tls->ready() && !std::exchange(asked, true)) {
      const uv_buf_t request = uv_buf_init(const_cast<char*>(kRequest), sizeof kRequest - 1);
      if (!tls->send(fd, &request, 1, Clock::now())) break;
    }
    if (n == UV_EAGAIN && !wait_readable(fd, deadline)) break;
  }
  return answer;
}

std::string ask(int fd, TimePoint deadline) {
  std::string answer;
  if (::send(fd, kRequest, sizeof kRequest - 1, MSG_NOSIGNAL) < 0) return answer;
  char buffer[1024];
  while (answer.size() < 4096 && wait_readable(fd, deadline)) {
    const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
    if (n <= 0) break;
    answer.append(buffer, static_cast<size_t>(n));
  }
  return answer;
}

}  // namespace

int health(const std::string& config_file) {
  const config::LoadResult loaded = config::load(config_file, gateway::schema());
  if (!loaded.ok()) {
    std::fputs(loaded.errors.text().c_str(), stderr);
    return 78;
  }
  const auto& listen = loaded.admin_settings.listen;
  if (!listen)
    return fail("the configuration has no admin listener to ask; set admin.listen, for example 127.0.0.1:9901");
  if (listen->kind == config::ListenerSettings::Kind::kSystemd ||
      (listen->kind == config::ListenerSettings::Kind::kTcp && listen->port == 0)) {
    return fail("the address of the admin listener " + listen->address + " is only known to the running gateway");
  }
  std::string error;
  const TimePoint deadline = Clock::now() + kPatience;
  const int fd = connect_to(*listen, &error);
  if (fd < 0) return fail(error);
  // It speaks for itself, not for a client.
  static constexpr std::string_view kOwn = "PROXY UNKNOWN\r\n";
  if (listen->proxy_protocol) (void)!::send(fd, kOwn.data(), kOwn.size(), MSG_NOSIGNAL);
  const std::string answer = listen->tls ? ask_by_tls(fd, deadline) : ask(fd, deadline);
  ::close(fd);
  if (answer.starts_with("HTTP/1.1 200 ")) {
    std::puts("ready");
    return 0;
  }
  if (answer.empty()) return fail("the admin listener did not answer");
  const size_t body = answer.find("\r\n\r\n");
  std::string why = body == std::string::npos ? answer.substr(0, answer.find('\r')) : answer.substr(body + 4);
  while (!why.empty() && why.back() == '\n') why.pop_back();
  return fail(why);
}

}  // namespace vg::cli
