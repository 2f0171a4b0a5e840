# AddressSanitizer and UBSan under g++ -O2: the coroutine miscompilations are g++'s own.
set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "")
set(CMAKE_C_COMPILER gcc CACHE STRING "")
set(CMAKE_CXX_COMPILER g++ CACHE STRING "")
set(VIEWGATE_SANITIZE "address,undefined" CACHE STRING "")
