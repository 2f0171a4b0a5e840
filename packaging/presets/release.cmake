# The shipped binary: g++, optimised, no CPU-specific code.
set(CMAKE_BUILD_TYPE Release CACHE STRING "")
