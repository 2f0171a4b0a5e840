// Server's reload (SPEC section 12): everything is read anew on a thread of low priority; what is valid is then
// published at one instant, and what is not changes nothing.
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "observe/log.h"
#include "server/server.h"

namespace vg::server {

void Server::reload() {
  if (state_ == State::kDraining) return;
  if (reloading_) {
    reload_again_ = true;  // once more, however many signals came
    return;
  }
  reloading_ = true;
  systemd_.reloading();
  if (reloader_.joinable()) reloader_.join();
  reloader_ = std::thread([this, previous = shared_->table()]() mutable {
    setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), 19);
    auto checked = std::make_shared<gateway::Checked>(gateway::load_and_build(file_, previous.get()));
    previous.reset();
    // What the loader needed is given back here, not on a loop.
    checked->loaded.document.reset();
    checked->loaded.routes = {};
    malloc_trim(0);
    loop_.post_remote([this, checked] { reload_done(std::move(*checked)); });
  });
}

void Server::reload_done(gateway::Checked checked) {
  reloading_ = false;
  if (state_ == State::kDraining) return;
  shared_->metrics.config_reloads.add();
  ReloadState done;
  done.at = Clock::wall();
  done.count = last_reload_.count + 1;
  done.message = apply(checked);
  done.ok = done.message.empty();
  if (done.ok) {
    shared_->metrics.set_config_loaded(done.at);
    log::info("reloaded ", file_);
  } else {
    shared_->metrics.config_reload_failures.add();
    log::error("the reload failed, the old configuration keeps serving");
  }
  last_reload_ = std::move(done);
  systemd_.notify("READY=1");
  if (reload_again_) {
    reload_again_ = false;
    reload();
  }
}

// Each error is said as `check` says it. Returns them all, or nothing.
std::string Server::apply(gateway::Checked& checked) {
  if (!checked.table) {
    for (const config::ConfigError& e : checked.loaded.errors.sorted()) log::error(config::to_string(e));
    return checked.loaded.errors.text();
  }
  gateway::RouteTable& table = *checked.table;
  const gateway::RouteTablePtr old = shared_->table();
  std::string wrong;
  if (table.server.workers != old->server.workers) {
    wrong = "server.workers: a change of the number of workers needs a restart";
  }
  Listeners::Change change;
  if (wrong.empty()) {
    Result<Listeners::Change> prepared = listeners_->prepare(table.server.listen);
    if (!prepared) {
      wrong = prepared.error().detail;
    } else {
      change = std::move(prepared.value());
    }
  }
  AdminChange admin;
  if (wrong.empty()) {
    Result<AdminChange> prepared = prepare_admin(table.admin, table.admin_opening);
    if (!prepared) {
      wrong = prepared.error().detail;
    } else {
      admin = std::move(prepared.value());
    }
  }
  // The log is the last that can fail: what moved it is in force.
  if (wrong.empty() && table.log.file != old->log.file) {
    if (const Result<void> moved = shared_->log->retarget(table.log.file); !moved) wrong = moved.error().detail;
  }
  if (!wrong.empty()) {
    log::error(wrong);
    return wrong;
  }
  commit_admin(std::move(admin));
  apply_log(table.log);
  for (const std::string& w : table.warnings) log::warn(w);
  table.listeners = listeners_->number(change, table.listeners);
  number_metrics(table);
  shared_->connections.set_limit(table.server.limits.connections);
  shared_->cache_memory.set_capacity(table.server.cache_memory_bytes);
  table.put_in_force();
  shared_->publish(std::move(checked.table));
  listeners_->commit(std::move(change), table.listeners);
  for (const auto& w : workers_) w->post([worker = w.get()] { worker->adopt(); });
  return {};
}

}  // namespace vg::server
