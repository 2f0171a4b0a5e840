// What a store keeps of a key, as one block of bytes: that somebody is at it, or the answer that it came to.
//   header (fixed) | fingerprint, 32 bytes | owner, 16 bytes | field lines, CRLF each | content
// Thread: any: a block never changes.
#pragma once
#include <optional>
#include <string_view>

#include "store/claim_store.h"

namespace vg::policy {

struct IdempotencyRecord {
  enum class Kind : uint8_t {
    kUnderWay = 1,  ///< its owner is at it
    kAnswer = 2,
    kNoAnswer = 3,  ///< it was carried out; what it came to was not kept
  };
  Kind kind = Kind::kUnderWay;
  uint16_t status = 0;           ///< of the answer
  std::string_view fingerprint;  ///< 32 bytes: of the request
  std::string_view owner;        ///< 16 bytes: of one claim alone
  std::string_view fields;       ///< end-to-end ones as they go on the wire, Date among them
  std::string_view content;

  /// Precondition: fingerprint and owner have their sizes.
  store::Blob pack() const;
  /// A view of a block, which outlives it. nullopt: these are no bytes of ours, or of another version.
  static std::optional<IdempotencyRecord> of(std::string_view block);
};

}  // namespace vg::policy
