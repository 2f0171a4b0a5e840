// Reads the certificates, keys and authorities that a configuration names. Anew at each load: that is how a renewed
// certificate comes into force.
#pragma once
#include "gateway/route_table.h"

namespace vg::gateway {

/// Fills what `table` has of TLS: of its listeners, the admin's, and each upstream with an https endpoint.
/// Errors: added to loaded.errors, by the setting's place. Blocks on files.
void load_tls(config::LoadResult& loaded, const RouteTable* previous, RouteTable& table);

}  // namespace vg::gateway
