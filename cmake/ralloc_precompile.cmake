# ralloc_precompile(TARGET): GoogleTest's header is compiled once for a program's files; it is half
# of what a test costs to compile. Not in the plain release build, which so sees that each file
# includes what it uses; nor for ThreadSanitizer, where g++ 12 then warns of libstdc++'s strings.
function(ralloc_precompile target)
  get_target_property(sources ${target} SOURCES)
  list(LENGTH sources count)
  if(count LESS 4 OR RALLOC_COVERAGE OR RALLOC_SANITIZE STREQUAL "thread" OR
     (CMAKE_BUILD_TYPE STREQUAL "Release" AND RALLOC_SUFFIX STREQUAL ""))
    return()
  endif()
  target_precompile_headers(${target} PRIVATE <gtest/gtest.h>)
endfunction()
