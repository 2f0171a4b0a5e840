#include "server/listeners.h"

#include <unistd.h>

#include "observe/log.h"

namespace vg::server {

Result<net::ListenSpec> Listeners::spec_of(const config::ListenerSettings& l, const Systemd& systemd) {
  net::ListenSpec spec;
  spec.backlog = l.backlog;
  switch (l.kind) {
    case config::ListenerSettings::Kind::kTcp:
      spec.address = net::Address::parse(l.host, l.port);
      break;
    case config::ListenerSettings::Kind::kUnix:
      spec.unix_path = l.path;
      break;
    case config::ListenerSettings::Kind::kSystemd: {
      spec.inherited_fd = systemd.socket(l.path);
      if (spec.inherited_fd >= 0) break;
      std::string names;
      for (const std::string& n : systemd.socket_names()) names += (names.empty() ? "" : ", ") + n;
      return Error(ErrorKind::kConnect, "cannot listen on systemd:" + l.path + ": systemd handed over " +
                                            (names.empty() ? std::string("no socket") : "only " + names));
    }
  }
  if (!spec.address && spec.unix_path.empty() && spec.inherited_fd < 0) {
    return Error(ErrorKind::kConnect, "cannot listen on " + l.address + ": not an address");
  }
  return spec;
}

Listeners::Change::~Change() {
  for (const Opened& o : opened) {
    for (const int fd : o.fds) ::close(fd);
    // Dropped with its sockets: the file that bind(2) made goes as well.
    if (!o.fds.empty() && o.shown.starts_with("unix:/") && o.made_file)
      ::unlink(o.shown.substr(5, o.shown.find(' ') - 5).c_str());
  }
}

Result<Listeners::Change> Listeners::prepare(const std::vector<config::ListenerSettings>& wanted) {
  Change change;
  std::map<std::string, bool> seen;
  for (const config::ListenerSettings& l : wanted) {
    seen[l.address] = true;
    const auto known = entries_.find(l.address);
    if (known != entries_.end()) {
      change.kept.emplace_back(l.address, l);
      continue;
    }
    Result<net::ListenSpec> spec = spec_of(l, *systemd_);
    if (!spec) return std::move(spec.error());
    Result<std::vector<int>> fds = net::open_listeners(*spec, static_cast<unsigned>(workers_->size()));
    if (!fds) return std::move(fds.error());
    Entry entry;
    entry.id = static_cast<uint32_t>(names_.size());
    entry.name = l.name;
    entry.unix_path = l.path;
    entry.shown = net::bound_address(fds.value()[0]) + (l.name.empty() ? "" : " (" + l.name + ")");
    Change::Opened o;
    o.id = entry.id;
    o.is_unix = entry.shown.starts_with("unix:");
    o.made_file = l.kind == config::ListenerSettings::Kind::kUnix;
    if (!o.made_file) entry.unix_path.clear();
    o.backlog = l.backlog;
    o.shown = entry.shown;
    o.fds = std::move(fds.value());
    change.opened.push_back(std::move(o));
    change.entries.emplace_back(l.address, std::move(entry));
    names_.push_back(l.name);
  }
  for (const auto& [address, entry] : entries_) {
    if (!seen.contains(address)) change.removed.push_back(address);
  }
  return change;
}

std::vector<std::string> Listeners::names(const Change& change) const {
  std::vector<std::string> out = names_;
  for (const auto& [address, l] : change.kept) out[entries_.at(address).id] = l.name;
  return out;
}

void Listeners::commit(Change change) {
  for (auto& [address, l] : change.kept) {
    Entry& e = entries_.at(address);
    e.name = names_[e.id] = l.name;
  }
  for (auto& [address, entry] : change.entries) {
    log::info("listening on ", entry.shown);
    entries_.emplace(address, std::move(entry));
  }
  for (Change::Opened& o : change.opened) {
    for (size_t i = 0; i < o.fds.size(); ++i) {
      Worker* worker = (*workers_)[i].get();
      worker->post([worker, id = o.id, fd = o.fds[i], is_unix = o.is_unix, backlog = o.backlog] {
        if (const Result<void> added = worker->add_listener(id, fd, is_unix, backlog); !added)
          log::error(added.error().detail);
      });
    }
    o.fds.clear();
  }
  for (const std::string& address : change.removed) {
    const Entry entry = entries_.at(address);
    log::info("no longer listening on ", entry.shown);
    for (const auto& worker : *workers_) {
      worker->post([w = worker.get(), id = entry.id] { w->remove_listener(id); });
    }
    if (!entry.unix_path.empty()) ::unlink(entry.unix_path.c_str());
    entries_.erase(address);
  }
}

void Listeners::remove_socket_files() const {
  for (const auto& [address, entry] : entries_) {
    if (!entry.unix_path.empty()) ::unlink(entry.unix_path.c_str());
  }
}

}  // namespace vg::server
