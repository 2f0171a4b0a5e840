// expect: ignoring return(ed)? value .*nodiscard|warn_unused_result|unused-result
// A Result that nobody looks at is a failure that nobody sees.
#include "base/error.h"

vg::Result<int> parse();

void caller() {
#ifdef CONTROL
  if (!parse()) return;
#else
  parse();
#endif
}
