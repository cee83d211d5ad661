# Compiler and linker settings of everything that ships, and of the tests.
find_package(Threads REQUIRED)
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_FLAGS_RELEASE "-O3 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-Og -g")

# Tests use these too; sanitizers and coverage must reach every object of a program.
add_library(ralloc_warnings INTERFACE)
set(RALLOC_WARNINGS -Wall -Wextra -Werror)
set(RALLOC_ANALYSES -Wthread-safety -Wconsumed)  # clang's, as errors too
target_compile_options(ralloc_warnings INTERFACE ${RALLOC_WARNINGS}
    $<$<CXX_COMPILER_ID:Clang>:${RALLOC_ANALYSES}>)
if(RALLOC_DEBUG)
  add_compile_definitions(RALLOC_DEBUG=1)  # tests include the same headers
endif()
# The variants: what tells their libraries apart, and what sources and tests see of them.
set(RALLOC_SUFFIX "")
foreach(variant LOG DEBUGGER SECURE)
  if(RALLOC_${variant})
    string(TOLOWER ${variant} name)
    string(APPEND RALLOC_SUFFIX -${name})
    add_compile_definitions(RALLOC_${variant}=1)
  endif()
endforeach()
set(RALLOC_IS_PLAIN_RELEASE OFF)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND RALLOC_SUFFIX STREQUAL "" AND NOT RALLOC_SANITIZE)
  set(RALLOC_IS_PLAIN_RELEASE ON)
endif()
if(RALLOC_SECURE AND RALLOC_DEBUGGER)
  message(FATAL_ERROR "RALLOC_SECURE and RALLOC_DEBUGGER exclude each other: a debugger would "
                      "report what the security build does with freed memory")
endif()
if(RALLOC_DEBUGGER)
  include(CheckIncludeFileCXX)
  check_include_file_cxx(valgrind/memcheck.h RALLOC_HAS_MEMCHECK)
  if(NOT RALLOC_HAS_MEMCHECK)
    message(WARNING "There is no valgrind/memcheck.h: memcheck will be told of nothing")
  endif()
  # Reports name the functions that were called.
  add_compile_options(-fno-omit-frame-pointer -fno-optimize-sibling-calls)
endif()
if(NOT RALLOC_PLATFORM MATCHES "^(linux|posix)$")
  message(FATAL_ERROR "RALLOC_PLATFORM is ${RALLOC_PLATFORM}; it can be linux or posix")
endif()
if(RALLOC_PLATFORM STREQUAL "posix")
  add_compile_definitions(RALLOC_PLATFORM_HEADER=\"shim/posix.h\" RALLOC_PLATFORM_TYPE=Posix)
endif()
if(RALLOC_CONFIG)
  cmake_path(ABSOLUTE_PATH RALLOC_CONFIG BASE_DIRECTORY ${PROJECT_SOURCE_DIR} NORMALIZE)
  if(NOT EXISTS ${RALLOC_CONFIG})
    message(FATAL_ERROR "RALLOC_CONFIG names no file: ${RALLOC_CONFIG}")
  endif()
  add_compile_definitions(RALLOC_CONFIG_HEADER=\"${RALLOC_CONFIG}\")
endif()
if(RALLOC_SANITIZE)
  add_compile_options(-fsanitize=${RALLOC_SANITIZE} -fno-omit-frame-pointer -g1
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RALLOC_SANITIZE})
endif()
if(RALLOC_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()

# An object library of the product: position-independent, hidden, no run-time library of C++.
function(ralloc_product_options target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}
                             ${PROJECT_SOURCE_DIR}/alloc/include)
  target_link_libraries(${target} PRIVATE ralloc_warnings)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON
                        CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_compile_options(${target} PRIVATE
      -fno-exceptions -fno-rtti -fno-threadsafe-statics -fasynchronous-unwind-tables
      # Who links only takes what it calls: the drop-in has no use for parts and sizes (half of all code).
      -ffunction-sections -fdata-sections
      # 32 bytes of static TLS, read without a call, also where the library is preloaded.
      -ftls-model=initial-exec
      # malloc must not be optimised into a call of itself.
      -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
      -fcf-protection=none)
endfunction()

# The drop-in shared library: exports what the map lists, calls its own functions but for what the
# list names, binds at load, is never unloaded (thread exit hooks point into it), and needs no C++
# run-time library.
function(ralloc_shared_options target exports replaceable)
  set_target_properties(${target} PROPERTIES LINK_DEPENDS "${exports};${replaceable}"
                        LINKER_LANGUAGE C)
  target_link_options(${target} PRIVATE
      -Wl,--version-script=${exports} -Wl,-Bsymbolic-functions -Wl,--dynamic-list=${replaceable}
      -Wl,-z,now -Wl,-z,relro
      -Wl,-z,nodelete -Wl,--hash-style=gnu -Wl,--as-needed -Wl,--gc-sections)
  if(NOT RALLOC_SANITIZE AND NOT RALLOC_COVERAGE)
    target_link_options(${target} PRIVATE -Wl,-z,defs)
  endif()
endfunction()
