#include <algorithm>
#include <array>

#include "template/template.h"

namespace vg::tmpl {

bool is_reserved_root(std::string_view word) {
  static constexpr std::array<std::string_view, 12> kRoots = {"query", "header", "cookie", "client_ip", "request_id", "body",
                                                              "object", "item", "items", "calls", "claims", "tls"};
  return std::find(kRoots.begin(), kRoots.end(), word) != kRoots.end();
}

}  // namespace vg::tmpl
