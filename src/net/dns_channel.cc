#include "net/dns_channel.h"

#include <sys/stat.h>
#include <sys/time.h>

#include <mutex>
#include <utility>

namespace vg::net {
namespace {

constexpr std::chrono::seconds kConfigurationInterval{60};

// The library's own start is not safe from several threads at once.
void start_library() {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
}

template <typename Handle>
void close_and_delete(Handle* handle) {
  uv_close(reinterpret_cast<uv_handle_t*>(handle),
           [](uv_handle_t* closed) { delete reinterpret_cast<Handle*>(closed); });
}

}  // namespace

struct DnsChannel::Poll {
  uv_poll_t handle;  // first: the handle's address is the Poll's
  DnsChannel* channel;
  ares_socket_t socket;
};

DnsChannel::DnsChannel(uv_loop_t* loop, const ResolverOptions& options, std::function<void()> on_turn)
    : loop_(loop), options_(options), on_turn_(std::move(on_turn)) {}

int DnsChannel::open() {
  if (channel_) return ARES_SUCCESS;
  start_library();
  read_ = stamp_of(options_.resolv_conf);
  ares_options o{};
  char lookups[] = "fb";  // files, then DNS
  o.sock_state_cb = on_socket_state;
  o.sock_state_cb_data = this;
  o.timeout = static_cast<int>(options_.timeout.count());
  o.tries = options_.tries;
  o.udp_port = o.tcp_port = options_.port;
  o.lookups = options_.hosts_file ? lookups : lookups + 1;
  o.resolvconf_path = options_.resolv_conf.data();
  const int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_UDP_PORT |
                   ARES_OPT_TCP_PORT | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF;
  int status = ares_init_options(&channel_, &o, mask);
  if (status == ARES_SUCCESS && !options_.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, options_.servers.c_str());
    if (status != ARES_SUCCESS) ares_destroy(channel_);
  }
  if (status != ARES_SUCCESS) {
    channel_ = nullptr;
    return status;
  }
  timer_ = new uv_timer_t;
  uv_timer_init(loop_, timer_);
  timer_->data = this;
  return ARES_SUCCESS;
}

void DnsChannel::close() {
  if (!channel_) return;
  ares_destroy(std::exchange(channel_, nullptr));
  close_and_delete(std::exchange(timer_, nullptr));
  // c-ares has told of each socket that it closed; what is left would be watched for ever.
  for (const auto& [socket, poll] : polls_) close_and_delete(poll);
  polls_.clear();
}

void DnsChannel::query(const std::string& name, ares_addrinfo_callback callback, void* argument) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_ENVHOSTS;
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, callback, argument);
  arm_timer();
}

bool DnsChannel::configuration_changed(TimePoint now) {
  if (!options_.servers.empty() || (has_looked_ && now - looked_ < kConfigurationInterval)) return false;
  has_looked_ = true;
  looked_ = now;
  return !(stamp_of(options_.resolv_conf) == read_);
}

bool DnsChannel::FileStamp::operator==(const FileStamp& other) const {
  return inode == other.inode && size == other.size && changed.tv_sec == other.changed.tv_sec &&
         changed.tv_nsec == other.changed.tv_nsec;
}

DnsChannel::FileStamp DnsChannel::stamp_of(const std::string& path) {
  struct stat s {};
  if (stat(path.c_str(), &s) != 0) return {};
  return {s.st_ino, s.st_size, s.st_mtim};
}

void DnsChannel::on_socket_state(void* self, ares_socket_t socket, int readable, int writable) {
  static_cast<DnsChannel*>(self)->watch(socket, readable, writable);
}

void DnsChannel::watch(ares_socket_t socket, int readable, int writable) {
  const auto found = polls_.find(socket);
  if (!readable && !writable) {
    if (found == polls_.end()) return;
    // Now, before c-ares closes the descriptor: the next one may have its number.
    close_and_delete(found->second);
    polls_.erase(found);
    return;
  }
  Poll* poll = found != polls_.end() ? found->second : nullptr;
  if (!poll) {
    poll = new Poll{{}, this, socket};
    if (uv_poll_init_socket(loop_, &poll->handle, socket) != 0) {
      delete poll;  // the query ends by its timeout
      return;
    }
    polls_.emplace(socket, poll);
  }
  uv_poll_start(&poll->handle, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

void DnsChannel::on_poll(uv_poll_t* handle, int status, int events) {
  const Poll* poll = reinterpret_cast<Poll*>(handle);
  const bool both = status < 0;  // c-ares reads the socket's error by itself
  poll->channel->process(both || (events & UV_READABLE) ? poll->socket : ARES_SOCKET_BAD,
                         both || (events & UV_WRITABLE) ? poll->socket : ARES_SOCKET_BAD);
}

void DnsChannel::on_timeout(uv_timer_t* handle) {
  static_cast<DnsChannel*>(handle->data)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void DnsChannel::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  arm_timer();
  const std::function<void()> turn = on_turn_;  // this may end in it
  turn();
}

void DnsChannel::arm_timer() {
  timeval wait{};
  if (!ares_timeout(channel_, nullptr, &wait)) {
    uv_timer_stop(timer_);
    return;
  }
  // Rounded up: a millisecond early would be a turn for nothing. The loop's time may be that of the turn's beginning.
  const auto ms = static_cast<uint64_t>(wait.tv_sec) * 1000 + static_cast<uint64_t>(wait.tv_usec + 999) / 1000;
  uv_update_time(loop_);
  uv_timer_start(timer_, on_timeout, ms, 0);
}

}  // namespace vg::net
