# Checks of the sources and of the built library by scripts; each has a self-test that seeds
# what it must find.
find_package(Python3 REQUIRED COMPONENTS Interpreter)

function(ralloc_check name script)
  add_test(NAME checks.${name}
           COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/tests/${script} ${ARGN})
  set_tests_properties(checks.${name} PROPERTIES TIMEOUT 120 LABELS checks)
endfunction()

if(once)
  ralloc_check(includes includes.py)
  ralloc_check(includes.self_test includes.py --self-test)
  ralloc_check(seed_bugs.self_test ../cmake/seed_bugs.py --self-test)
  ralloc_check(configuration configuration.py)
  ralloc_check(configuration.self_test configuration.py --self-test)
endif()
if(once_per_compiler)
  ralloc_check(configuration.refused config/refused.py ${CMAKE_CXX_COMPILER})
  set_tests_properties(checks.configuration.refused PROPERTIES COST 15)
endif()
# By one compiler: both read the same standard library, and each compiles every header in some file.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND once_per_compiler)
  ralloc_check(headers_compile_alone includes.py --compile ${CMAKE_CXX_COMPILER})
  set_tests_properties(checks.headers_compile_alone PROPERTIES COST 30)
endif()

# What an instrumented library exports and needs is not what ships.
if(NOT RALLOC_SANITIZE AND NOT RALLOC_COVERAGE)
  ralloc_check(abi_symbols abi_symbols.py $<TARGET_FILE:ralloc_shared>)
  ralloc_check(static_tls static_tls.py $<TARGET_FILE:ralloc_shared>)

  if(once AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    ralloc_check(abi_symbols.self_test abi_symbols.py --self-test ${CMAKE_C_COMPILER})
    ralloc_check(static_tls.self_test static_tls.py --self-test ${CMAKE_C_COMPILER})
    ralloc_check(golden_listings.self_test golden_listings.py --self-test ${CMAKE_C_COMPILER})
  endif()

  # Another compiler, or other options, lay the same paths out in another way.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\."
     AND CMAKE_BUILD_TYPE STREQUAL "Release" AND CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64"
     AND NOT RALLOC_DEBUGGER AND NOT RALLOC_SECURE)
    ralloc_check(golden_listings golden_listings.py $<TARGET_FILE:ralloc_shared>)
    add_subdirectory(zero_cost)
  endif()
endif()

# The generic platform needs nothing of glibc's own; the one on Linux does, or this would see nothing.
set(alone ${CMAKE_CXX_COMPILER} -std=c++20 -fsyntax-only -Wall -Wextra -Werror -U_GNU_SOURCE
          -D_DEFAULT_SOURCE -I${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/tests/platforms/alone.cc)
add_test(NAME checks.posix_alone COMMAND ${alone} -DHEADER="shim/posix.h")
add_test(NAME checks.posix_alone.self_test COMMAND ${alone} -DHEADER="shim/linux.h")
set_tests_properties(checks.posix_alone.self_test PROPERTIES PASS_REGULAR_EXPRESSION "CPU_SETSIZE")
set_property(TEST checks.posix_alone checks.posix_alone.self_test PROPERTY LABELS checks)
