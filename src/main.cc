#include "cli/cli.h"

int main(int argc, char** argv) { return vg::cli::run(argc, argv); }
