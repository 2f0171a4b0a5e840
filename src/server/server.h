// The daemon: reads the configuration, starts the workers, and then answers signals (reload, drain, reopen) and the
// admin listener from the main thread's own loop. SPEC sections 1, 10 and 12.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/admin.h"
#include "server/listeners.h"
#include "server/status.h"

namespace vg::server {

class Server final : public AdminSource {
 public:
  explicit Server(std::string config_file) : file_(std::move(config_file)) {}
  ~Server();
  /// Runs until it is told to stop. Returns the exit status of section 1: 0, 1 (a port in use), 78 (configuration).
  int run();

  // AdminSource
  bool ready() const override { return state_ == State::kServing; }
  std::string status_json() override;
  std::string metrics_text() override;
  std::string_view token() const override { return token_; }
  const http::Opening& opening() const override { return admin_opening_; }
  coro::Task<Result<void>> purge(std::vector<store::Drop> drops, coro::CancelSource* cancel) override;

 private:
  enum class State : uint8_t { kStarting, kServing, kDraining };
  struct Signal {
    uv_signal_t handle;
    Server* server;
  };
  bool start(gateway::Checked checked, int* exit_status);
  void number_metrics(gateway::RouteTable& table);
  static void on_signal(uv_signal_t* handle, int number);
  void watch_signals();
  void reload();
  void reload_done(gateway::Checked checked);
  std::string apply(gateway::Checked& checked);
  struct AdminChange {
    http::Opening opening;
    bool changed = false;
    BoundSockets socket;  ///< to be served from now on; empty: none
    std::string address, token;
  };
  void add_collectors();
  Result<AdminChange> prepare_admin(const config::AdminSettings& admin, const http::Opening& opening);
  void commit_admin(AdminChange change);
  void apply_log(const config::LogSettings& log);
  void begin_drain();
  void worker_drained();
  void finish();
  void beat();

  std::string file_;
  Systemd systemd_;
  net::EventLoop loop_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Listeners> listeners_;
  std::unique_ptr<AdminListener> admin_;
  std::vector<std::unique_ptr<AdminListener>> retired_admins_;  // closed; kept until their connections are gone
  std::string admin_address_, token_;
  http::Opening admin_opening_;
  SocketFile admin_file_;
  std::vector<std::unique_ptr<Signal>> signals_;
  std::thread reloader_;
  bool reloading_ = false, reload_again_ = false;
  State state_ = State::kStarting;
  bool finishing_ = false;
  size_t undrained_ = 0;
  ReloadState last_reload_;
  WallTime started_at_{};
  uint64_t beats_ = 0;

  struct Alarm : net::Timer {
    Alarm(Server* owner, void (Server::*what)()) : Timer(&on_fire), self(owner), action(what) {}
    static void on_fire(net::Timer* t) {
      auto* a = static_cast<Alarm*>(t);
      (a->self->*a->action)();
    }
    Server* self;
    void (Server::*action)();
  };
  Alarm drain_alarm_{this, &Server::finish};
  Alarm watchdog_{this, &Server::beat};
};

}  // namespace vg::server
