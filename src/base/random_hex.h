// Identifiers of requests, traces and spans: unlikely to collide, and no secret.
#pragma once
#include <cstddef>

namespace vg {

/// Writes random hexadecimal digits, `digits` of them, a multiple of 16. Never all zeros. Thread: any.
void write_random_hex(char* out, std::size_t digits);

}  // namespace vg
