// expect: ignoring return(ed)? value .*nodiscard|warn_unused_result|unused-result
// A Result<void> carries a failure too.
#include "base/error.h"

vg::Result<void> save();

void caller() {
#ifdef CONTROL
  if (!save()) return;
#else
  save();
#endif
}
