# ralloc_precompile(TARGET): GoogleTest's header is compiled once for a program's files; it is half
# of what a test costs to compile. Not in optimised builds by g++: with such a header g++ 12 warns of
# libstdc++'s own strings. So the plain release build sees that each file includes what it uses.
function(ralloc_precompile target)
  get_target_property(sources ${target} SOURCES)
  list(LENGTH sources count)
  if(count LESS 4 OR RALLOC_COVERAGE OR
     (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE MATCHES "Rel"))
    return()
  endif()
  target_precompile_headers(${target} PRIVATE <gtest/gtest.h>)
endfunction()
