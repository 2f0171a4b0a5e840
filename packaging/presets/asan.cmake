# AddressSanitizer and UBSan under clang.
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(CMAKE_C_COMPILER clang CACHE STRING "")
set(CMAKE_CXX_COMPILER clang++ CACHE STRING "")
set(VIEWGATE_SANITIZE "address,undefined" CACHE STRING "")
