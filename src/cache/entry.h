// How an answer is kept: one block of bytes that memory and Redis hold alike. Its fields are written as they will go
// out, so that a hit copies them and nothing is parsed.
//   header (fixed) | tags, a line each | field lines, CRLF each | content
// Thread: any: a block never changes.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "http/head.h"
#include "store/cache_store.h"

namespace vg::cache {

using Milliseconds = std::chrono::milliseconds;

/// What is known of a kept answer beside its fields and content.
struct EntryInfo {
  uint16_t status = 200;
  bool always_revalidate = false;  ///< no-cache: never answered from without asking (RFC 9111 section 5.2.2.4)
  bool for_credentials = false;    ///< may answer requests with credentials that are not in its key (section 3.5)
  bool is_variants = false;        ///< no answer: the content lists the request fields by which variants are told apart
  bool is_pass = false;            ///< no answer: what stood here can't be kept; nobody need wait for another
  WallTime received{};             ///< response_time (section 4.2.3)
  Milliseconds initial_age{};      ///< corrected_initial_age
  Milliseconds lifetime{};         ///< freshness lifetime (section 4.2.1)
  Milliseconds while_revalidate{};  ///< stale-while-revalidate, behind the lifetime (RFC 5861)
  Milliseconds if_error{};          ///< stale-if-error, the same
};

/// A view of a block. Lifetime: holds it.
class Entry {
 public:
  Entry() = default;
  /// nullopt: these are no bytes of ours, or of another version.
  static std::optional<Entry> of(store::Blob blob);

  const store::Blob& blob() const { return blob_; }
  const EntryInfo& info() const { return info_; }
  std::string_view fields() const { return fields_; }
  std::string_view content() const { return content_; }
  std::vector<std::string> tags() const;
  /// The fields as a head that can be asked and edited.
  void parse_fields(http::Head& head) const;

  Milliseconds age(WallTime now) const;
  /// What is left of the lifetime; negative: for how long it has been stale.
  Milliseconds left(WallTime now) const { return info_.lifetime - age(now); }

 private:
  store::Blob blob_;
  EntryInfo info_;
  std::string_view tags_, fields_, content_;
};

/// Makes a block. Precondition: `fields` are whole lines.
store::Blob make_entry(const EntryInfo& info, std::span<const std::string> tags, std::string_view fields,
                       std::string_view content);

}  // namespace vg::cache
