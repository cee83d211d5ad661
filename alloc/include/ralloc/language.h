// What the public headers need of the compiler and cannot spell alike everywhere: clang's
// attributes for objects that are used up, exceptions where there are any, and what younger
// standard libraries have.
//
// Thread safety: macros and types.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <version>

#if defined(__clang__)
#define RALLOC_IF_CLANG(x) __attribute__((x))
#else
#define RALLOC_IF_CLANG(x)
#endif

// Of a class whose objects are used up, and of its functions: in which of the states
// "unconsumed", "consumed" and "unknown" an object must be for a call, and is after it. With
// -Wconsumed clang follows each object through its function. (The second attribute lets the
// functions of a program return objects in any state.)
#define RALLOC_CONSUMABLE(state) \
  RALLOC_IF_CLANG(consumable(state)) RALLOC_IF_CLANG(consumable_auto_cast_state)
#define RALLOC_CALLABLE_WHEN(...) RALLOC_IF_CLANG(callable_when(__VA_ARGS__))
#define RALLOC_RETURN_TYPESTATE(state) RALLOC_IF_CLANG(return_typestate(state))
#define RALLOC_SET_TYPESTATE(state) RALLOC_IF_CLANG(set_typestate(state))
#define RALLOC_TEST_TYPESTATE(state) RALLOC_IF_CLANG(test_typestate(state))

// Where a standard function must throw. Programs without exceptions abort instead.
#if defined(__cpp_exceptions)
#define RALLOC_THROW(exception) throw exception
#else
#define RALLOC_THROW(exception) std::abort()
#endif

namespace ralloc {

// What allocate_at_least of an allocator gives: C++23's own type where the library has it.
#if defined(__cpp_lib_allocate_at_least)
using std::allocation_result;
#else
template <class Pointer, class Size = std::size_t>
struct allocation_result {
  Pointer ptr;
  Size count;
};
#endif

}  // namespace ralloc
