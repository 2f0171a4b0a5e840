// The listening sockets of the process, through reloads: a socket lives as long as its address stands in the
// configuration. Thread: the main one.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/settings.h"
#include "server/systemd.h"
#include "server/worker.h"

namespace vg::server {

class Listeners {
  struct Entry {
    uint32_t id = 0;
    std::string name;
    std::string shown;
    std::string unix_path;
  };

 public:
  Listeners(std::vector<std::unique_ptr<Worker>>* workers, const Systemd* systemd)
      : workers_(workers), systemd_(systemd) {}

  /// What a change would do, with its new sockets already open. Nothing else has happened yet; dropped, it closes them.
  struct Change {
    struct Opened {
      uint32_t id = 0;
      std::vector<int> fds;
      bool is_unix = false;
      bool made_file = false;  ///< a socket file of ours
      int backlog = 1024;
      std::string shown;
    };
    Change() = default;
    Change(Change&&) = default;
    Change& operator=(Change&&) = default;
    ~Change();
    std::vector<Opened> opened;
    std::vector<std::pair<std::string, Entry>> entries;  ///< of what was opened
    std::vector<std::string> removed;                    ///< addresses
    std::vector<std::pair<std::string, config::ListenerSettings>> kept;
  };
  /// Errors: kConnect: it is no address, or systemd handed over no such socket.
  static Result<net::ListenSpec> spec_of(const config::ListenerSettings& listener, const Systemd& systemd);
  /// Opens what is new in `wanted`. Errors: kConnect: one of them can't be opened; none is then.
  Result<Change> prepare(const std::vector<config::ListenerSettings>& wanted);
  /// The listeners' names by their numbers, as they will be after `change`.
  std::vector<std::string> names(const Change& change) const;
  /// Starts and stops what `change` says, on all workers.
  void commit(Change change);
  /// At the end of the process: unix sockets leave no file behind.
  void remove_socket_files() const;

 private:
  std::vector<std::unique_ptr<Worker>>* workers_;
  const Systemd* systemd_;
  std::map<std::string, Entry> entries_;  // by the address as it is written
  std::vector<std::string> names_;        // by number; of those that are gone too: their connections live on
};

}  // namespace vg::server
