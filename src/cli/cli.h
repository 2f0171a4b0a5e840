// The commands of `viewgate`. SPEC section 1.
#pragma once

namespace vg::cli {

/// Runs the command that the arguments name. Returns the exit status: 0 success, 1 a failure at run time, 2 wrong
/// usage, 78 a configuration error.
int run(int argc, char** argv);

}  // namespace vg::cli
