# How programs of tests are compiled: for longer than they run, so it is made quick.

# ralloc_precompile(TARGET [NOT_OPTIMIZED]): GoogleTest's header is compiled once for a program's
# files; it is half of what a test costs to compile. Not in optimised builds by g++: with such a
# header g++ 12 warns of libstdc++'s own strings. So the plain release build sees that each file
# includes what it uses.
function(ralloc_precompile target)
  get_target_property(sources ${target} SOURCES)
  list(LENGTH sources count)
  if(count LESS 4 OR RALLOC_COVERAGE OR
     (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE MATCHES "Rel"
      AND NOT "NOT_OPTIMIZED" IN_LIST ARGN))
    return()
  endif()
  target_precompile_headers(${target} PRIVATE <gtest/gtest.h>)
endfunction()

# ralloc_test_program(TARGET): the code of the tests, and what they include of the headers, is
# optimised in the plain release build alone; that of the library is as its build says. Lines are
# enough for a debugger.
function(ralloc_test_program target)
  if(RALLOC_IS_PLAIN_RELEASE)
    target_compile_options(${target} PRIVATE -O1)
    ralloc_precompile(${target})
  elseif(RALLOC_COVERAGE)
    ralloc_precompile(${target})
  else()
    target_compile_options(${target} PRIVATE -O0 $<$<CONFIG:Debug>:-g1>)
    ralloc_precompile(${target} NOT_OPTIMIZED)
  endif()
endfunction()
