#include "view/builtin.h"

#include "view/aggregate.h"
#include "view/bulk_update.h"
#include "view/detail.h"
#include "view/list.h"
#include "view/proxy_fetch.h"
#include "view/redirect.h"
#include "view/respond.h"
#include "view/write_view.h"

namespace vg::view {

std::span<const pipeline::ViewEntry> builtin() {
  static const pipeline::ViewEntry kViews[] = {
      {describe_list, create_list},           {describe_detail, create_detail},
      {describe_create, create_create},       {describe_update, create_update},
      {describe_delete, create_delete},       {describe_bulk_update, create_bulk_update},
      {describe_aggregate, create_aggregate}, {describe_proxy_fetch, create_proxy_fetch},
      {describe_respond, create_respond},     {describe_redirect, create_redirect},
  };
  return kViews;
}

}  // namespace vg::view
