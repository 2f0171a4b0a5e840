#include "view/builtin.h"

#include "view/proxy_fetch.h"
#include "view/redirect.h"
#include "view/respond.h"

namespace vg::view {

std::span<const pipeline::ViewEntry> builtin() {
  static const pipeline::ViewEntry kViews[] = {
      {describe_proxy_fetch, create_proxy_fetch},
      {describe_respond, create_respond},
      {describe_redirect, create_redirect},
  };
  return kViews;
}

}  // namespace vg::view
