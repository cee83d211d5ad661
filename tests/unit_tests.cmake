# Unit tests stand beside the code; each room's are one program.

# What a test asks about its build.
add_library(ralloc_unit INTERFACE)
target_include_directories(ralloc_unit INTERFACE ${PROJECT_SOURCE_DIR})
target_link_libraries(ralloc_unit INTERFACE ralloc_warnings GTest::gtest_main Threads::Threads)
target_compile_definitions(ralloc_unit INTERFACE
                           $<$<BOOL:${RALLOC_COVERAGE}>:RALLOC_TEST_COVERAGE=1>
                           $<$<STREQUAL:${RALLOC_PLATFORM},posix>:RALLOC_TEST_POSIX=1>)

# With a configuration of its own not all that they say is so.
set(unit_filter "*")
if(RALLOC_CONFIG)
  file(STRINGS ${CMAKE_CURRENT_SOURCE_DIR}/config/of_the_default.txt lines REGEX "^[A-Z]")
  list(TRANSFORM lines REPLACE " .*" "")
  list(JOIN lines ":" lines)
  string(APPEND unit_filter "-${lines}")
endif()
# The debugger build frees at once here, as the others do.
set(unit_environment)
if(RALLOC_DEBUGGER)
  set(unit_environment ENVIRONMENT RALLOC_OPTIONS=quarantine_bytes=0)
endif()

add_custom_target(unit_tests)  # all of them
# ralloc_unit_test(NAME SOURCE...): the sources are paths in the project.
function(ralloc_unit_test name)
  set(sources ${ARGN})
  list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ralloc_unit)
  ralloc_test_program(${name})
  add_dependencies(unit_tests ${name})
  gtest_discover_tests(${name} TEST_PREFIX unit. TEST_FILTER "${unit_filter}"
                       PROPERTIES TIMEOUT 120 ${unit_environment})
endfunction()

ralloc_unit_test(shim_test
    shim/chacha_test.cc
    shim/fatal_test.cc
    shim/generation_test.cc
    shim/mutex_fork_test.cc
    shim/mutex_test.cc
    shim/options_test.cc
    shim/picture_test.cc
    shim/random_test.cc)
target_link_libraries(shim_test PRIVATE ralloc_core)
if(RALLOC_LOG)
  ralloc_unit_test(log_test
      global_pool/log_lost_test.cc
      shim/log_test.cc)
  target_link_libraries(log_test PRIVATE ralloc_core)
endif()

# Every platform that compiles here, whichever the build ships.
ralloc_unit_test(platform_test
    shim/linux_test.cc
    shim/platform_close_test.cc
    shim/platform_concept_test.cc
    shim/platform_process_test.cc
    shim/platform_random_test.cc
    shim/platform_test.cc
    shim/platform_threads_test.cc
    shim/posix_test.cc)
target_link_libraries(platform_test PRIVATE ralloc_core)

# The same for a kernel whose pages are not wiped on fork.
ralloc_unit_test(generation_without_wiping_test
    shim/generation.cc
    shim/generation_test.cc
    shim/random.cc
    shim/random_test.cc
    tests/support/os_without_wiping.cc)

ralloc_unit_test(global_pool_test
    global_pool/arena_guards_test.cc
    global_pool/guarded_open_test.cc
    global_pool/arena_test.cc
    global_pool/block_states_test.cc
    global_pool/budget_test.cc
    global_pool/empty_blocks_test.cc
    global_pool/free_runs_test.cc
    global_pool/global_pool_lost_test.cc
    global_pool/global_pool_memory_test.cc
    global_pool/global_pool_test.cc
    global_pool/guarded_os_test.cc
    global_pool/guarded_test.cc
    global_pool/large_spares_test.cc
    global_pool/ledger_growth_test.cc
    global_pool/ledger_return_test.cc
    global_pool/ledger_test.cc
    global_pool/ledgers_test.cc
    global_pool/list_test.cc
    global_pool/metadata_test.cc
    global_pool/page_map_test.cc
    global_pool/shard_test.cc
    global_pool/size_class_test.cc
    global_pool/spares_test.cc
    global_pool/span_log_test.cc
    global_pool/span_test.cc
    global_pool/zeros_test.cc)
target_link_libraries(global_pool_test PRIVATE ralloc_core)
if(RALLOC_DEBUGGER)
  target_sources(global_pool_test PRIVATE ${PROJECT_SOURCE_DIR}/global_pool/call_stacks_test.cc
                                          ${PROJECT_SOURCE_DIR}/global_pool/live_blocks_test.cc
                                          ${PROJECT_SOURCE_DIR}/global_pool/quarantine_test.cc)
endif()

ralloc_unit_test(local_pool_test
    local_pool/arrays_test.cc
    local_pool/defended_pool_test.cc
    local_pool/kept_test.cc
    local_pool/local_pool_test.cc
    local_pool/local_pool_threads_test.cc
    local_pool/magazine_log_test.cc)
target_link_libraries(local_pool_test PRIVATE ralloc_core)

# Where sizes are exact there is no use for what some of them test: blocks come by other ways, which
# the tests of the malloc ABI take.
set(tests_of_blocks)
if(NOT RALLOC_DEBUGGER AND NOT RALLOC_SECURE)
  set(tests_of_blocks alloc/allocator_test.cc alloc/reallocate_test.cc)
endif()
ralloc_unit_test(alloc_test
    ${tests_of_blocks}
    alloc/api_test.cc
    alloc/block_parts_test.cc
    alloc/block_test.cc
    alloc/containers_test.cc
    alloc/growing_test.cc
    alloc/oom_handlers_test.cc
    alloc/parts_test.cc
    alloc/program_break_test.cc
    alloc/result_test.cc)
target_link_libraries(alloc_test PRIVATE ralloc_core)

# The headers in the standard that has std::expected.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  ralloc_unit_test(expected_test alloc/expected_test.cc)
  target_link_libraries(expected_test PRIVATE ralloc_core)
  set_target_properties(expected_test PROPERTIES CXX_STANDARD 23)
endif()

# What moves pages, on a kernel as Debian 12 has it. Where sizes are exact, bytes are copied.
if(NOT RALLOC_DEBUGGER AND NOT RALLOC_SECURE)
  ralloc_unit_test(old_kernel_test alloc/reallocate_test.cc shim/os.cc)
  target_sources(old_kernel_test PRIVATE $<TARGET_OBJECTS:ralloc_floors>)
  target_include_directories(old_kernel_test PRIVATE ${PROJECT_SOURCE_DIR}/alloc/include)
  target_compile_options(old_kernel_test PRIVATE
      -URALLOC_TEST_POSIX -URALLOC_PLATFORM_HEADER -DRALLOC_PLATFORM_HEADER="tests/support/old_linux.h"
      -URALLOC_PLATFORM_TYPE -DRALLOC_PLATFORM_TYPE=OldLinux)
endif()

# A test that is in no program cannot fail.
file(GLOB written CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
     ${PROJECT_SOURCE_DIR}/shim/*_test.cc ${PROJECT_SOURCE_DIR}/global_pool/*_test.cc
     ${PROJECT_SOURCE_DIR}/local_pool/*_test.cc ${PROJECT_SOURCE_DIR}/alloc/*_test.cc)
file(READ ${CMAKE_CURRENT_LIST_FILE} listed)
foreach(test IN LISTS written)
  string(FIND "${listed}" "${test}" at)
  if(at EQUAL -1)
    message(FATAL_ERROR "Add ${test} to a program of tests/unit_tests.cmake.")
  endif()
endforeach()
