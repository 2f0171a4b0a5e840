#include "cache/cache_status.h"

#include <array>

#include "cache/structured_field.h"

namespace vg::cache {

std::string_view to_string(Forward why) {
  constexpr std::array<std::string_view, 9> kWords = {"",     "bypass",  "method", "uri-miss", "vary-miss",
                                                      "miss", "request", "stale",  "partial"};
  return kWords[static_cast<size_t>(why)];
}

void append_cache_status(std::string& out, const CacheStatus& status) {
  out.append("viewgate");
  if (status.hit) {
    out.append("; hit");
  } else if (status.forward != Forward::kNone) {
    out.append("; fwd=").append(to_string(status.forward));
    if (status.forward_status != 0) out.append("; fwd-status=").append(std::to_string(status.forward_status));
  }
  if (status.ttl) {
    const int64_t seconds = std::chrono::floor<std::chrono::seconds>(*status.ttl).count();
    out.append("; ttl=").append(std::to_string(seconds));
  }
  if (status.forward != Forward::kNone && status.stored) out.append("; stored");
  if (status.forward != Forward::kNone && status.collapsed) out.append("; collapsed");
  if (!status.detail.empty()) append_token_or_string(out.append("; detail="), status.detail);
}

void add_cache_status(http::Head& response, const CacheStatus& status) {
  std::string value;
  if (response.has(http::FieldId::kCacheStatus)) {
    value = joined_lines(response, http::FieldId::kCacheStatus);
    if (!is_list(value)) value.clear();
    if (!value.empty()) value.append(", ");
    response.remove(http::FieldId::kCacheStatus);
  }
  append_cache_status(value, status);
  response.add("Cache-Status", value, http::FieldId::kCacheStatus);
}

}  // namespace vg::cache
