// The listening sockets of the process, through reloads: a socket lives as long as its address stands in the
// configuration. Thread: the main one.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "server/bound_sockets.h"
#include "server/worker.h"

namespace vg::server {

class Listeners {
 public:
  Listeners(std::vector<std::unique_ptr<Worker>>* workers, const Systemd* systemd)
      : workers_(workers), systemd_(systemd) {}

  /// What a change would do, with its new sockets already open. Nothing else has happened yet: dropped, it leaves
  /// neither sockets nor files nor numbers behind.
  struct Change {
    struct Opened {
      size_t index = 0;  ///< in `wanted`
      std::string address, name;
      BoundSockets sockets;
    };
    struct Kept {
      size_t index = 0;
      uint32_t id = 0;
    };
    std::vector<Opened> opened;
    std::vector<Kept> kept;
    std::vector<uint32_t> removed;
  };
  /// Opens what is new in `wanted`. Errors: kConnect: one of them can't be opened; none is then.
  Result<Change> prepare(const std::vector<config::ListenerSettings>& wanted) const;
  /// `served`, which stand in the order of `wanted`, by the listeners' numbers as they will be after `change`.
  std::vector<gateway::ServedListener> number(const Change& change,
                                              const std::vector<gateway::ServedListener>& served) const;
  /// Starts and stops what `change` says, on all workers.
  void commit(Change change, const std::vector<gateway::ServedListener>& numbered);
  /// For the end of the process: unix sockets leave no file behind.
  void remove_socket_files();

 private:
  struct Entry {
    uint32_t id = 0;
    std::string address;  ///< as it is written
    std::string name;
    std::string shown;
    SocketFile file;
  };
  std::vector<const Entry*> match(const std::vector<config::ListenerSettings>& wanted) const;
  void start(uint32_t id, Change::Opened opened);
  void stop(uint32_t id);

  std::vector<std::unique_ptr<Worker>>* workers_;
  const Systemd* systemd_;
  std::vector<Entry> entries_;
  std::vector<gateway::ServedListener> numbered_;  // of those that are gone too: their connections live on
};

}  // namespace vg::server
