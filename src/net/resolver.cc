#include "net/resolver.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/strings.h"
#include "net/event_loop.h"

namespace vg::net {
namespace {

constexpr size_t kMaxNameBytes = 254;            // RFC 1035 3.1: 253 and the root's dot
constexpr std::chrono::seconds kFileTtl{10};     // hosts files have none
constexpr std::chrono::seconds kFixedTtl{3600};  // literals and localhost

Error unresolved(const std::string& name, std::string why) {
  Error error(ErrorKind::kConnect, "name \"" + name + "\" does not resolve", true);
  error.internal = "resolving " + name + ": " + std::move(why);
  return error;
}

Error cancelled() { return Error(ErrorKind::kCancelled, "cancelled"); }

bool plausible_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_localhost(std::string_view name) {
  if (!name.empty() && name.back() == '.') name.remove_suffix(1);
  constexpr std::string_view kLocal = "localhost";
  if (name.size() < kLocal.size() || !iequals(name.substr(name.size() - kLocal.size()), kLocal)) return false;
  return name.size() == kLocal.size() || name[name.size() - kLocal.size() - 1] == '.';
}

// Whether this machine has an address to reach that one from. Connecting a datagram socket sends nothing.
bool has_route(const Address& address) {
  const int fd = socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool connected = connect(fd, address.data(), address.size()) == 0;
  ::close(fd);
  return connected;
}

// What needs no question: an address that is written out, and this machine.
std::optional<Resolution> resolve_at_once(std::string_view name) {
  if (const auto literal = Address::parse(name, 0)) return Resolution{{*literal}, kFixedTtl};
  if (!is_localhost(name)) return std::nullopt;
  const Address v4 = *Address::parse("127.0.0.1", 53);
  const Address v6 = *Address::parse("::1", 53);
  Resolution out{{}, kFixedTtl};
  if (has_route(v6)) out.addresses.push_back(v6.with_port(0));
  out.addresses.push_back(v4.with_port(0));
  return out;
}

Resolution with_port(Resolution resolution, uint16_t port) {
  for (Address& address : resolution.addresses) address = address.with_port(port);
  return resolution;
}

// Takes what c-ares found. RFC 2181 8: a TTL with its highest bit set is 0.
Resolution to_resolution(const ares_addrinfo& found) {
  int ttl = INT32_MAX;
  std::vector<Address> addresses;
  for (const ares_addrinfo_node* node = found.nodes; node; node = node->ai_next) {
    const auto address = Address::from_sockaddr(node->ai_addr, static_cast<socklen_t>(node->ai_addrlen));
    if (!address) continue;
    addresses.push_back(address->with_port(0));
    ttl = std::min(ttl, std::max(node->ai_ttl, 0));
  }
  for (const ares_addrinfo_cname* alias = found.cnames; alias; alias = alias->next) {
    ttl = std::min(ttl, std::max(alias->ttl, 0));
  }
  return {interleave_families(addresses), std::chrono::seconds(ttl)};
}

}  // namespace

std::vector<Address> interleave_families(const std::vector<Address>& sorted) {
  std::vector<Address> first, second, out;
  for (const Address& address : sorted) {
    auto& mine = address.family() == sorted.front().family() ? first : second;
    if (std::ranges::find(mine, address) == mine.end()) mine.push_back(address);
  }
  for (size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

// Outlives the Resolver while the loop still owes a callback.
class Resolver::Core : public Cancellable, public std::enable_shared_from_this<Core> {
 public:
  Core(uv_loop_t* loop, ResolverOptions options)
      : loop_(loop), now_(std::move(options.now)), channel_(loop, options, [this] { on_turn(); }) {}

  LookupHandle resolve(std::string name, uint16_t port, ResolveCallback callback);
  void cancel(uint64_t id) override;
  void post(std::function<void()> work);
  void close();
  size_t questions() const { return lookups_.size(); }
  TimePoint now() const { return now_ ? now_() : Clock::now(); }

 private:
  struct Waiter {
    uint64_t id;
    uint16_t port;
    ResolveCallback callback;
  };
  // One question under way. c-ares holds its address.
  struct Lookup {
    Core* core;
    std::string name;
    std::vector<Waiter> waiters;
    bool asking = false;    // inside ares_getaddrinfo: an answer now is the hosts file's
    bool repeated = false;  // asked again since resolv.conf had changed
    int status = ARES_SUCCESS;
    Resolution found;
  };
  // A callback whose time has come, with what it will be told.
  struct Due {
    uint64_t id;
    std::function<void(bool cancelled)> call;
    bool cancelled = false;
  };

  static void on_answer(void* lookup, int status, int timeouts, ares_addrinfo* found);
  void ask(Lookup& lookup);
  void on_turn();
  void settle_answers();
  void finish(Lookup& lookup);
  bool reopen_if_changed();
  void add_due(Waiter waiter, Result<Resolution> result);
  void run_due();
  void arm();

  uv_loop_t* loop_;
  std::function<TimePoint()> now_;
  uint64_t next_id_ = 1;
  bool closed_ = false;
  bool armed_ = false;
  std::unordered_map<std::string, std::unique_ptr<Lookup>> lookups_;  // by lower-case name
  std::vector<Lookup*> answered_;
  std::deque<Due> due_;
  DnsChannel channel_;  // last: closing it answers lookups
};

LookupHandle Resolver::Core::resolve(std::string name, uint16_t port, ResolveCallback callback) {
  const uint64_t id = next_id_++;
  Waiter waiter{id, port, std::move(callback)};
  if (closed_) {
    add_due(std::move(waiter), cancelled());
  } else if (!plausible_name(name)) {
    add_due(std::move(waiter), unresolved(name, "not a name"));
  } else if (auto known = resolve_at_once(name)) {
    add_due(std::move(waiter), std::move(*known));
  } else {
    auto& slot = lookups_[lower(name)];
    const bool is_new = !slot;
    if (is_new) slot.reset(new Lookup{this, std::move(name), {}, false, false, ARES_SUCCESS, {}});
    slot->waiters.push_back(std::move(waiter));
    if (is_new) ask(*slot);
  }
  arm();
  return {weak_from_this(), id};
}

// The answer may be there when this returns (hosts file, no channel); then it waits in answered_.
void Resolver::Core::ask(Lookup& lookup) {
  const int status = channel_.open();
  if (status != ARES_SUCCESS) {
    on_answer(&lookup, status, 0, nullptr);
    return;
  }
  lookup.asking = true;
  channel_.query(lookup.name, on_answer, &lookup);
  lookup.asking = false;
}

void Resolver::Core::on_answer(void* argument, int status, int, ares_addrinfo* found) {
  Lookup& lookup = *static_cast<Lookup*>(argument);
  lookup.status = status;
  if (found) {
    lookup.found = to_resolution(*found);
    if (lookup.asking) lookup.found.ttl = kFileTtl;
    ares_freeaddrinfo(found);
  }
  if (status == ARES_SUCCESS && lookup.found.addresses.empty()) lookup.status = ARES_ENODATA;
  lookup.core->answered_.push_back(&lookup);
}

void Resolver::Core::on_turn() {
  const auto self = shared_from_this();
  // Whom the callbacks post goes on at the end of this turn; a plain libuv loop (tests) has no such queue.
  std::optional<EventLoop::CallbackScope> scope;
  EventLoop* const loop = EventLoop::current();
  if (loop && loop->uv() == loop_) scope.emplace(loop);
  settle_answers();
  run_due();
}

void Resolver::Core::settle_answers() {
  const auto failed = [](const Lookup* l) { return l->status != ARES_SUCCESS && !l->repeated; };
  if (!closed_ && std::ranges::any_of(answered_, failed) && reopen_if_changed()) {
    // Reopening answered everything else that ran; ask all of it again, of the servers that are right now.
    for (Lookup* lookup : std::exchange(answered_, {})) {
      if (failed(lookup)) {
        lookup->repeated = true;
        ask(*lookup);
      } else {
        answered_.push_back(lookup);
      }
    }
  }
  // By index: finishing adds none, yet asking above may have.
  for (Lookup* lookup : std::exchange(answered_, {})) finish(*lookup);
}

bool Resolver::Core::reopen_if_changed() {
  if (!channel_.configuration_changed(now())) return false;
  channel_.close();
  return true;
}

void Resolver::Core::finish(Lookup& lookup) {
  const auto node = lookups_.extract(lower(lookup.name));
  for (Waiter& waiter : lookup.waiters) {
    if (lookup.status == ARES_SUCCESS) {
      add_due(std::move(waiter), lookup.found);
    } else if (closed_) {
      add_due(std::move(waiter), cancelled());
    } else {
      add_due(std::move(waiter), unresolved(lookup.name, ares_strerror(lookup.status)));
    }
  }
}

void Resolver::Core::add_due(Waiter waiter, Result<Resolution> result) {
  const uint64_t id = waiter.id;
  if (result.ok()) result = with_port(std::move(*result), waiter.port);
  due_.push_back({id, [callback = std::move(waiter.callback), result = std::move(result)](bool was_cancelled) mutable {
                    callback(was_cancelled ? Result<Resolution>(cancelled()) : std::move(result));
                  }});
}

void Resolver::Core::cancel(uint64_t id) {
  for (Due& due : due_) {
    if (due.id == id) due.cancelled = true;
  }
  // The question itself goes on: c-ares cannot withdraw one alone, and its answer harms nobody.
  for (auto& [name, lookup] : lookups_) {
    auto& waiters = lookup->waiters;
    const auto found = std::ranges::find(waiters, id, &Waiter::id);
    if (found == waiters.end()) continue;
    add_due(std::move(*found), cancelled());
    waiters.erase(found);
    break;
  }
  arm();
}

void Resolver::Core::post(std::function<void()> work) {
  due_.push_back({0, [work = std::move(work)](bool) { work(); }});
  arm();
}

void Resolver::Core::close() {
  if (std::exchange(closed_, true)) return;
  channel_.close();
  settle_answers();
  arm();
}

// Runs what is due now; what that adds waits for the next turn, so that nobody is called from inside their own call.
void Resolver::Core::run_due() {
  for (size_t left = due_.size(); left > 0 && !due_.empty(); --left) {
    Due due = std::move(due_.front());
    due_.pop_front();
    due.call(due.cancelled);
  }
  arm();
}

// A timer of its own for each such turn, since turns are rare and nothing is then left to close.
void Resolver::Core::arm() {
  if (armed_ || (due_.empty() && answered_.empty())) return;
  armed_ = true;
  struct Turn {
    uv_timer_t timer;
    std::shared_ptr<Core> core;
  };
  Turn* turn = new Turn{{}, shared_from_this()};
  uv_timer_init(loop_, &turn->timer);
  const auto run = [](uv_timer_t* timer) {
    uv_close(reinterpret_cast<uv_handle_t*>(timer),
             [](uv_handle_t* handle) { delete reinterpret_cast<Turn*>(handle); });
    const auto core = reinterpret_cast<Turn*>(timer)->core;
    core->armed_ = false;
    core->on_turn();
  };
  uv_timer_start(&turn->timer, run, 0, 0);
}

Resolver::Resolver(uv_loop_t* loop, ResolverOptions options)
    : core_(std::make_shared<Core>(loop, std::move(options))) {}
Resolver::~Resolver() { close(); }

LookupHandle Resolver::resolve(std::string name, uint16_t port, ResolveCallback callback) {
  return core_->resolve(std::move(name), port, std::move(callback));
}

void Resolver::post(std::function<void()> work) { core_->post(std::move(work)); }
void Resolver::close() { core_->close(); }
size_t Resolver::questions() const { return core_->questions(); }
TimePoint Resolver::now() const { return core_->now(); }

}  // namespace vg::net
