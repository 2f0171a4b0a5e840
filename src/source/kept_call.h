// A call whose answer is kept by itself, beside what is kept of the whole: `cache` on a call or an upstream. SPEC
// sections 4 and 6.
#pragma once
#include <memory>

#include "cache/fills.h"
#include "source/fetch.h"

namespace vg::source {

/// What `cache` says of one call. Immutable.
struct CallCache {
  config::CallCacheSettings settings;
  pipeline::StoreKind store = pipeline::StoreKind::kMemory;
  std::string upstream;  ///< what makes it another upstream: its name, addresses and base paths
  std::shared_ptr<cache::Fills> fills;

  /// nullptr where neither call nor upstream has one, or the call's method is not GET, which is told to `build` where
  /// the call says `cache` itself.
  static std::shared_ptr<const CallCache> create(pipeline::Build& build, const CallDef& def);
};

class DeclaredRequest;

/// As fetch(), for a request that was prepared: from the store where it is fresh, and else kept. Of several that ask
/// for the same at once one makes the call. What fails is answered with what is stale, under stale_if_error.
coro::Task<void> fetch_kept(const CallDef& def, Caller caller, DeclaredRequest& request, Answer* answer);

}  // namespace vg::source
