# How programs of tests are compiled: for longer than they run, so it is made quick.

# ralloc_precompile(TARGET [OPTION...]): GoogleTest's header is half of what a test costs to
# compile; it is compiled once for all programs that have these options of the compiler. Not in
# optimised builds by g++: with such a header g++ 12 warns of libstdc++'s own strings. So the plain
# release build sees that each file includes what it uses.
function(ralloc_precompile target)
  set(fewest_files 2)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    set(fewest_files 4)  # the small programs have definitions of their own, which it refuses
  endif()
  get_target_property(sources ${target} SOURCES)
  list(LENGTH sources count)
  if(count LESS fewest_files OR RALLOC_COVERAGE OR
     (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE MATCHES "Rel"
      AND NOT "-O0" IN_LIST ARGN))
    return()
  endif()
  # As it refuses other options.
  get_target_property(own_options ${target} COMPILE_OPTIONS)
  if(own_options AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_precompile_headers(${target} PRIVATE <gtest/gtest.h>)
    return()
  endif()
  string(CONCAT header gtest_header ${ARGN})
  if(NOT TARGET ${header})
    set(source ${PROJECT_BINARY_DIR}/${header}.cc)
    file(CONFIGURE OUTPUT ${source} CONTENT "// The header alone.\n")
    add_library(${header} OBJECT ${source})
    target_link_libraries(${header} PRIVATE GTest::gtest)
    target_compile_options(${header} PRIVATE ${ARGN})
    target_precompile_headers(${header} PRIVATE <gtest/gtest.h>)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${header})
endfunction()

# ralloc_test_program(TARGET): the code of the tests, and what they include of the headers, is
# optimised in the plain release build alone; that of the library is as its build says. Lines are
# enough for a debugger.
function(ralloc_test_program target)
  set(options)
  if(RALLOC_IS_PLAIN_RELEASE)
    set(options -O1)
  elseif(NOT RALLOC_COVERAGE)
    set(options -O0)
    if(CMAKE_BUILD_TYPE STREQUAL "Debug")
      list(APPEND options -g1)
    endif()
  endif()
  ralloc_precompile(${target} ${options})
  target_compile_options(${target} PRIVATE ${options})
endfunction()
