// An answer on its way into a store: what was asked for it, what its calls say of keeping it, and those who wait for
// it. Thread: the request's loop.
#pragma once
#include <optional>

#include "cache/entry.h"
#include "cache/fills.h"
#include "pipeline/learned.h"
#include "policy/cache_settings.h"

namespace vg::policy {

/// What a store had for a request.
struct Found {
  std::string key;                    ///< of the variant that the request selects, where variants are known
  std::optional<cache::Entry> entry;  ///< maybe stale
  store::Mark mark = 0;
  uint64_t since = 0;               ///< Fills::moment() before the store was asked for `key`
  bool asked = false;               ///< false: the store could not be asked, and takes nothing either
  bool is_variant = false;          ///< `key` is a variant's
  std::vector<std::string> varies;  ///< sorted: by which fields variants are told apart, as known so far
};

/// The key of the variant that a request selects.
std::string variant_key(const std::string& primary, const std::vector<std::string>& varies,
                        const http::RequestHead& request);

/// True if what a view came to is the upstream's failure, for which what is stale may stand in (RFC 5861 section 4);
/// not the client's mistake.
bool is_failure(const Result<void>& out, uint16_t status);
/// True if the next answer will not be another kind of thing.
bool is_lasting(cache::Storing why);

class Fill {
 public:
  /// `primary`: the key without variants. Lifetime: `settings` outlives it (the route's).
  Fill(const CacheSettings& settings, pipeline::Context& ctx, std::string primary, Found found, cache::Lead lead,
       bool no_store, bool credential);

  pipeline::Learned& learned() { return learned_; }
  const Found& found() const { return found_; }
  /// Begins anew, without conditions: what is stored is not what the upstream has.
  void ask_for_whole();
  bool validates() const { return !learned_.conditions.empty(); }

  /// After the view has run: whether its answer may be kept, and if not why.
  cache::Verdict judge(const pipeline::Context& ctx) const;
  /// The 304 of a validation as an answer: what was stored, updated. nullopt: it is about something else.
  std::optional<cache::Entry> renew(pipeline::Context& ctx);
  /// Takes over what the answer is made of, before its content is streamed.
  void begin(pipeline::Context& ctx, const cache::Verdict& verdict);
  /// The whole content is there: keeps it, and tells those who wait.
  cache::Entry keep(pipeline::Context& ctx, std::string_view content);
  /// The same answer without being kept, to be asked by conditions.
  cache::Entry show(std::string_view content) const {
    return *cache::Entry::of(cache::make_entry(info_, learned_.tags, fields_, content));
  }
  /// Nothing is kept: those who wait go on by themselves.
  void give_up();
  /// The same, and for a while nobody waits for what, by its nature, can't be kept.
  void give_up_for_now(pipeline::Context& ctx);
  /// Those who wait get what is stored, stale as it is.
  void share_stored();

 private:
  void describe(const cache::Verdict& verdict, uint16_t status, bool passed_through);
  void take_fields(const http::Head& head);
  void put(pipeline::Context& ctx, std::string key, store::Blob value, std::vector<std::string> tags, Duration ttl,
           cache::Lead lead = {}) const;
  void find_variant(const pipeline::Context& ctx, cache::FillOutcome* kept) const;
  void put_variants(pipeline::Context& ctx, const std::vector<std::string>& varies, cache::Lead lead) const;

  const CacheSettings& settings_;
  pipeline::Learned learned_;
  std::string primary_;
  Found found_;
  cache::Lead lead_;
  WallTime begun_;
  // Of the answer.
  cache::EntryInfo info_;
  std::string fields_;
  Duration ttl_{};
};

}  // namespace vg::policy
