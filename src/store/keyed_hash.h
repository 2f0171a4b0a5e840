// A hash with a secret that the process draws at its start: who chooses the bytes can't choose where they land, nor
// find two that fall together. Never leaves the process. Thread: any.
#pragma once
#include <cstdint>
#include <string_view>

namespace vg::store {

struct Hash128 {
  uint64_t low = 0, high = 0;
  bool operator==(const Hash128&) const = default;
};

Hash128 keyed_hash(std::string_view bytes);

}  // namespace vg::store
