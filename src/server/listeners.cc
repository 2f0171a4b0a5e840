#include "server/listeners.h"

#include <algorithm>

#include "observe/log.h"

namespace vg::server {

// For each of `wanted` the listener that it already is, or nullptr. An address alone does not tell: port 0 may stand
// there several times. So the name decides where there is one like it, and what is left goes by its order.
std::vector<const Listeners::Entry*> Listeners::match(const std::vector<config::ListenerSettings>& wanted) const {
  std::vector<const Entry*> unclaimed, out(wanted.size());
  for (const Entry& e : entries_) unclaimed.push_back(&e);
  for (const bool by_name : {true, false}) {
    for (size_t i = 0; i < wanted.size(); ++i) {
      if (out[i] != nullptr) continue;
      const auto found = std::find_if(unclaimed.begin(), unclaimed.end(), [&](const Entry* e) {
        return e->address == wanted[i].address && (!by_name || e->name == wanted[i].name);
      });
      if (found == unclaimed.end()) continue;
      out[i] = *found;
      unclaimed.erase(found);
    }
  }
  return out;
}

Result<Listeners::Change> Listeners::prepare(const std::vector<config::ListenerSettings>& wanted) const {
  Change change;
  const std::vector<const Entry*> known = match(wanted);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const config::ListenerSettings& l = wanted[i];
    if (known[i] != nullptr) {
      change.kept.push_back({i, known[i]->id});
      continue;
    }
    Result<BoundSockets> sockets = BoundSockets::open(l, *systemd_, static_cast<unsigned>(workers_->size()));
    if (!sockets) return std::move(sockets.error());
    change.opened.push_back({i, l.address, l.name, std::move(sockets.value())});
  }
  for (const Entry& e : entries_) {
    if (std::find(known.begin(), known.end(), &e) == known.end()) change.removed.push_back(e.id);
  }
  return change;
}

// Those that are opened get the next numbers in their order, as start() gives them.
std::vector<gateway::ServedListener> Listeners::number(const Change& change,
                                                       const std::vector<gateway::ServedListener>& served) const {
  std::vector<gateway::ServedListener> out = numbered_;
  for (const Change::Kept& k : change.kept) out[k.id] = served[k.index];
  for (const Change::Opened& o : change.opened) out.push_back(served[o.index]);
  return out;
}

void Listeners::commit(Change change, const std::vector<gateway::ServedListener>& numbered) {
  numbered_ = numbered;
  for (Entry& e : entries_) e.name = numbered_[e.id].name;
  uint32_t id = static_cast<uint32_t>(numbered_.size() - change.opened.size());
  for (Change::Opened& o : change.opened) start(id++, std::move(o));
  for (const uint32_t gone : change.removed) stop(gone);
}

void Listeners::start(uint32_t id, Change::Opened opened) {
  BoundSockets& sockets = opened.sockets;
  const std::string shown = sockets.address() + (opened.name.empty() ? "" : " (" + opened.name + ")");
  log::info("listening on ", shown);
  entries_.push_back({id, std::move(opened.address), std::move(opened.name), shown, sockets.take_file()});
  const std::vector<int> fds = sockets.take();
  for (size_t i = 0; i < fds.size(); ++i) {
    Worker* worker = (*workers_)[i].get();
    worker->post([worker, id, fd = fds[i], is_unix = sockets.is_unix(), backlog = sockets.backlog()] {
      if (const Result<void> added = worker->add_listener(id, fd, is_unix, backlog); !added)
        log::error(added.error().detail);
    });
  }
}

void Listeners::stop(uint32_t id) {
  const auto entry = std::find_if(entries_.begin(), entries_.end(), [id](const Entry& e) { return e.id == id; });
  log::info("no longer listening on ", entry->shown);
  for (const auto& worker : *workers_) {
    worker->post([w = worker.get(), id] { w->remove_listener(id); });
  }
  entries_.erase(entry);
}

void Listeners::remove_socket_files() {
  for (Entry& e : entries_) e.file.remove();
}

}  // namespace vg::server
