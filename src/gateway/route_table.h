// Everything that requests need of a configuration, compiled: router, routes, upstreams, limits. Immutable; shared by
// all workers, swapped as a whole at reload, pinned by the requests that began with it.
#pragma once
#include <array>
#include <map>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/kept_state.h"
#include "config/loader.h"
#include "gateway/router.h"
#include "http/server_connection.h"
#include "net/tls_context.h"
#include "pipeline/view.h"
#include "store/memory_claim_store.h"
#include "store/memory_limit_store.h"
#include "store/redis_hub.h"
#include "upstream/upstream.h"

namespace vg::gateway {

/// A listening socket as requests see it.
struct ServedListener {
  std::string name;
  http::Opening opening;
};

class RouteTable {
 public:
  RouteTable() = default;
  RouteTable(const RouteTable&) = delete;
  /// Nothing can fail any more: what upstreams that outlive a reload are to use from now on is told to them.
  void put_in_force();

  Router router;
  std::unordered_set<std::string> texts;  ///< what the routes view
  std::vector<pipeline::Route> routes;
  std::vector<std::shared_ptr<upstream::Upstream>> upstreams;
  std::vector<std::shared_ptr<upstream::Breakers>> breakers;  ///< of routes and calls
  std::shared_ptr<KeptState> kept;                            ///< the same one in every table that followed another
  std::array<bool, 3> keeps_answers_in{};                     ///< by StoreKind
  std::shared_ptr<store::MemoryLimitStore> limit_counts;      ///< of the routes' rate limits; nullptr: they have none
  std::shared_ptr<store::MemoryClaimStore> claims;            ///< of Idempotency-Keys; nullptr: no route has them
  config::ServerSettings server;
  config::AdminSettings admin;
  config::LogSettings log;
  std::shared_ptr<store::RedisHub> redis;  ///< the same one as long as its settings stay; nullptr: none is configured
  http::ConnectionLimits limits;
  bool served = false;                    ///< it is, or was, what requests go by
  bool uses_hosts = false;                ///< some route names a host
  std::vector<ServedListener> listeners;  ///< as `server.listen`; before it is served, by the server's numbers
  http::Opening admin_opening;
  std::vector<std::shared_ptr<const net::TlsClient>> upstream_tls;  ///< by upstream; nullptr: it has no https endpoint
  std::shared_ptr<const net::TlsClient> redis_tls;                  ///< nullptr: no rediss:// url
  std::shared_ptr<net::TlsTicketKeys> ticket_keys;  ///< the same ones in every table that followed another
  std::vector<std::string> warnings;                ///< what is no error, but should be known
};

/// The table is a heap of small objects that took a while to build; it is given back on a thread of its own, so that no
/// loop stalls in a destructor.
using RouteTablePtr = std::shared_ptr<const RouteTable>;

/// The views and policies that exist, described for the configuration.
const config::Schema& schema();

/// Compiles `loaded`. Upstreams whose settings are those of `previous` (may be null) are shared with it.
/// Errors: added to loaded.errors; the result is then nullptr.
std::shared_ptr<RouteTable> build_route_table(config::LoadResult& loaded, const RouteTable* previous);

/// What `viewgate check` and every start and reload do: load, then build.
struct Checked {
  config::LoadResult loaded;
  std::shared_ptr<RouteTable> table;  ///< nullptr: loaded.errors says why
};
Checked load_and_build(const std::string& file, const RouteTable* previous);

}  // namespace vg::gateway
