#include "policy/idempotency_record.h"

#include <cassert>
#include <cstring>

namespace vg::policy {

namespace {

constexpr uint32_t kMagic = 0x31496756;  // "VgI1": another layout gets another number
constexpr size_t kFingerprintBytes = 32, kOwnerBytes = 16;

// As it lies in the block; written and read by memcpy, on machines of one byte order.
struct Header {
  uint32_t magic = kMagic;
  uint8_t kind = 0;
  uint8_t reserved = 0;
  uint16_t status = 0;
  uint32_t fields_size = 0;
};
constexpr size_t kFixedBytes = sizeof(Header) + kFingerprintBytes + kOwnerBytes;

}  // namespace

store::Blob IdempotencyRecord::pack() const {
  assert(fingerprint.size() == kFingerprintBytes && owner.size() == kOwnerBytes);
  Header h;
  h.kind = static_cast<uint8_t>(kind);
  h.status = status;
  h.fields_size = static_cast<uint32_t>(fields.size());
  auto block = std::make_shared<std::string>();
  block->reserve(kFixedBytes + fields.size() + content.size());
  block->append(reinterpret_cast<const char*>(&h), sizeof h);
  block->append(fingerprint).append(owner).append(fields).append(content);
  return block;
}

std::optional<IdempotencyRecord> IdempotencyRecord::of(std::string_view block) {
  Header h;
  if (block.size() < kFixedBytes) return std::nullopt;
  std::memcpy(&h, block.data(), sizeof h);
  const bool known = h.kind >= static_cast<uint8_t>(Kind::kUnderWay) && h.kind <= static_cast<uint8_t>(Kind::kNoAnswer);
  if (h.magic != kMagic || !known || h.fields_size > block.size() - kFixedBytes) return std::nullopt;
  IdempotencyRecord out;
  out.kind = static_cast<Kind>(h.kind);
  if (out.kind == Kind::kAnswer && (h.status < 200 || h.status > 599)) return std::nullopt;
  out.status = h.status;
  out.fingerprint = block.substr(sizeof h, kFingerprintBytes);
  out.owner = block.substr(sizeof h + kFingerprintBytes, kOwnerBytes);
  out.fields = block.substr(kFixedBytes, h.fields_size);
  out.content = block.substr(kFixedBytes + h.fields_size);
  return out;
}

}  // namespace vg::policy
