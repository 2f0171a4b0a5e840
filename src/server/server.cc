#include "server/server.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "observe/log.h"
#include "observe/prometheus.h"
#include "server/status.h"

namespace vg::server {

namespace {

unsigned usable_cpus() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return static_cast<unsigned>(CPU_COUNT(&set));
  return std::max(1U, std::thread::hardware_concurrency());
}

log::Level level_of(config::LogSettings::Level level) {
  switch (level) {
    case config::LogSettings::Level::kDebug:
      return log::Level::kDebug;
    case config::LogSettings::Level::kInfo:
      return log::Level::kInfo;
    case config::LogSettings::Level::kWarning:
      return log::Level::kWarn;
    case config::LogSettings::Level::kError:
      return log::Level::kError;
  }
  return log::Level::kInfo;
}

// Each connection is a descriptor, and its upstream's another: the soft limit of 1,024 is not meant for servers.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Server::~Server() {
  if (reloader_.joinable()) reloader_.join();
}

int Server::run() {
  std::signal(SIGPIPE, SIG_IGN);
  net::init_tls();
  // libuv sleeps after each accept, for the sake of other processes on the same socket: ours have their own.
  setenv("UV_TCP_SINGLE_ACCEPT", "0", 1);
  raise_descriptor_limit();
  int status = 0;
  gateway::Checked checked = gateway::load_and_build(file_, nullptr);
  if (!checked.table) {
    std::fputs(checked.loaded.errors.text().c_str(), stderr);
    return 78;
  }
  if (!start(std::move(checked), &status)) {
    log::attach(nullptr);
    if (shared_ && shared_->log) shared_->log->stop();
    return status;
  }
  malloc_trim(0);
  loop_.run();
  for (const auto& w : workers_) w->join();
  listeners_->remove_socket_files();
  admin_file_.remove();
  log::info("stopped");
  log::attach(nullptr);
  shared_->log->stop();
  return status;
}

bool Server::start(gateway::Checked checked, int* exit_status) {
  gateway::RouteTable& table = *checked.table;
  *exit_status = 1;
  const unsigned workers = table.server.workers != 0 ? table.server.workers : usable_cpus();
  shared_ = std::make_unique<Shared>(workers, table.server.limits.connections, table.server.cache_memory_bytes);
  Result<std::shared_ptr<observe::LogWriter>> writer = observe::LogWriter::start(table.log.file);
  if (!writer) {
    log::error(writer.error());
    return false;
  }
  shared_->log = std::move(writer.value());
  apply_log(table.log);
  log::attach(shared_->log);
  add_collectors();
  for (unsigned i = 0; i < workers; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(i, shared_.get(), [this] { loop_.post_remote([this] { worker_drained(); }); }));
  }
  listeners_ = std::make_unique<Listeners>(&workers_, &systemd_);
  Result<Listeners::Change> change = listeners_->prepare(table.server.listen);
  if (!change) {
    log::error(change.error().detail);
    return false;
  }
  for (const std::string& w : table.warnings) log::warn(w);
  table.listeners = listeners_->number(change.value(), table.listeners);
  number_metrics(table);
  table.put_in_force();
  const config::AdminSettings admin = table.admin;
  shared_->publish(std::move(checked.table));
  started_at_ = last_reload_.at = Clock::wall();
  shared_->metrics.set_config_loaded(started_at_);
  Result<AdminChange> admin_change = prepare_admin(admin, table.admin_opening);
  if (!admin_change) {
    log::error(admin_change.error().detail);
    return false;
  }
  commit_admin(std::move(admin_change.value()));
  listeners_->commit(std::move(change.value()), table.listeners);
  for (const auto& w : workers_) w->start();
  checked.loaded = config::LoadResult();
  state_ = State::kServing;
  watch_signals();
  log::info("ready");
  systemd_.notify("READY=1");
  if (systemd_.watchdog_interval()) loop_.start_timer(watchdog_, *systemd_.watchdog_interval());
  *exit_status = 0;
  return true;
}

void Server::add_collectors() {
  shared_->metrics.add_collector(
      [log = shared_->log](observe::PrometheusText& out) { render_log_metrics(log->stats(), out); });
  shared_->metrics.add_collector([this](observe::PrometheusText& out) { render_redis_metrics(*shared_, out); });
  shared_->metrics.add_collector(
      [this](observe::PrometheusText& out) { render_cache_metrics(shared_->cache_memory, out); });
  shared_->metrics.add_collector([this](observe::PrometheusText& out) {
    const gateway::RouteTablePtr now = shared_->table();
    render_upstream_gauges(*now, out);
    render_breaker_metrics(*now, out);
    render_health_metrics(*now, out);
    render_limit_gauges(*now, out);
    render_claim_gauges(*now, out);
  });
}

void Server::number_metrics(gateway::RouteTable& table) {
  std::vector<std::string> routes, upstreams;
  std::vector<pipeline::ShownLimit*> limits;
  std::vector<std::string> limit_names;
  for (const auto& r : table.routes) {
    routes.push_back(r.name);
    for (pipeline::ShownLimit* limit : r.limits()) {
      limits.push_back(limit);
      limit_names.push_back(r.name + '\n' + limit->name);
    }
  }
  for (const auto& u : table.upstreams) upstreams.push_back(u->name());
  const std::vector<uint32_t> route_ids = shared_->metrics.use_routes(routes);
  const std::vector<uint32_t> upstream_ids = shared_->metrics.use_upstreams(upstreams);
  const std::vector<uint32_t> limit_ids = shared_->metrics.use_limits(limit_names);
  for (size_t i = 0; i < limit_ids.size(); ++i) limits[i]->metrics_id = limit_ids[i];
  for (size_t i = 0; i < route_ids.size(); ++i) table.routes[i].metrics_id = route_ids[i];
  for (size_t i = 0; i < upstream_ids.size(); ++i) table.upstreams[i]->set_metrics_id(upstream_ids[i]);
}

// Opens a socket for what `admin` says, if it is another than now's. Nothing else happens yet.
Result<Server::AdminChange> Server::prepare_admin(const config::AdminSettings& admin, const http::Opening& opening) {
  AdminChange change;
  change.address = admin.listen ? admin.listen->address : std::string();
  change.token = admin.token;
  change.opening = opening;
  change.changed = change.address != admin_address_;
  if (!change.changed || !admin.listen) return change;
  Result<BoundSockets> socket = BoundSockets::open(*admin.listen, systemd_, 1);
  if (!socket) return std::move(socket.error());
  change.socket = std::move(socket.value());
  return change;
}

void Server::commit_admin(AdminChange change) {
  token_ = change.token;
  admin_opening_ = std::move(change.opening);
  if (!change.changed) return;
  if (admin_) {
    admin_->close();
    retired_admins_.push_back(std::move(admin_));
  }
  admin_address_ = change.address;
  admin_file_ = change.socket.take_file();
  if (change.socket.empty()) return;
  log::info("admin on ", change.socket.address());
  admin_ = std::make_unique<AdminListener>(&loop_, change.socket.take()[0], change.socket.is_unix(), this);
}

void Server::apply_log(const config::LogSettings& settings) {
  log::configure(level_of(settings.level), settings.json ? log::Format::kJson : log::Format::kText);
}

void Server::watch_signals() {
  for (const int number : {SIGHUP, SIGTERM, SIGINT, SIGUSR1}) {
    auto s = std::make_unique<Signal>();
    s->server = this;
    uv_signal_init(loop_.uv(), &s->handle);
    s->handle.data = s.get();
    uv_signal_start(&s->handle, on_signal, number);
    signals_.push_back(std::move(s));
  }
}

void Server::on_signal(uv_signal_t* handle, int number) {
  Server* self = static_cast<Signal*>(handle->data)->server;
  const net::EventLoop::CallbackScope scope(&self->loop_);
  switch (number) {
    case SIGHUP:
      return self->reload();
    case SIGUSR1: {
      const Result<void> reopened = self->shared_->log->reopen();
      if (!reopened) log::error("the log could not be reopened: ", reopened.error());
      return;
    }
    default:
      break;
  }
  if (self->state_ == State::kDraining) {
    // A second signal: nobody is waited for. The log's last lines are given their moment.
    log::warn("stopping at once");
    log::attach(nullptr);
    self->shared_->log->stop();
    self->listeners_->remove_socket_files();
    self->admin_file_.remove();
    _exit(0);
  }
  self->begin_drain();
}

void Server::begin_drain() {
  state_ = State::kDraining;
  shared_->draining.store(true);
  const Duration limit = shared_->table()->server.drain_timeout;
  log::info("stopping: finishing what is in flight within ",
            static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(limit).count()), " ms");
  systemd_.notify("STOPPING=1");
  undrained_ = workers_.size();
  for (const auto& w : workers_) w->post([worker = w.get()] { worker->drain(); });
  loop_.start_timer(drain_alarm_, limit);
}

void Server::worker_drained() {
  if (undrained_ > 0 && --undrained_ == 0) finish();
}

void Server::finish() {
  if (finishing_) return;
  finishing_ = true;
  if (undrained_ > 0) log::warn("the drain timeout has passed: what is still in flight is cut");
  drain_alarm_.stop();
  watchdog_.stop();
  for (const auto& w : workers_) w->post([worker = w.get()] { worker->finish(); });
  if (admin_) admin_->close();
  for (const auto& s : signals_) uv_close(reinterpret_cast<uv_handle_t*>(&s->handle), nullptr);
  loop_.close();
}

// Every worker must have answered since the last beat: a loop that hangs is what the watchdog is for.
void Server::beat() {
  const bool all =
      std::all_of(workers_.begin(), workers_.end(), [this](const auto& w) { return w->heartbeat.load() >= beats_; });
  if (all) {
    systemd_.notify("WATCHDOG=1");
    ++beats_;
    for (const auto& w : workers_) w->post([worker = w.get()] { worker->heartbeat.fetch_add(1); });
  }
  loop_.start_timer(watchdog_, *systemd_.watchdog_interval());
}

std::string Server::status_json() { return render_status_json(*shared_, workers_.size(), started_at_, last_reload_); }

std::string Server::metrics_text() { return shared_->metrics.render(); }

}  // namespace vg::server
