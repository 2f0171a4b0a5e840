#include "cache/tags.h"

namespace vg::cache {

std::string tag_of(std::string_view upstream, std::string_view target) {
  std::string_view path = target.substr(0, target.find('?'));
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(upstream).append(path);
}

}  // namespace vg::cache
