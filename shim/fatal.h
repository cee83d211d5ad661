// The one place from which the allocator gives up: misuse by the program, and broken
// invariants of our own. Prints one sentence to standard error and aborts.
//
// Thread safety: every function may be called from any thread, with no lock held (a
// handler of SIGABRT may allocate). Nothing here allocates.
#pragma once

#include "shim/annotations.h"
#include "shim/config.h"

namespace ralloc {

enum class Misuse {
  kForeignFree,
  kForeignRealloc,
  kForeignUsableSize,
  kDoubleFree,
  kNotABlock,
  kPartFreed,
  kOverFree,
  kOverRealloc,
  kSplit,
  kNoValue,
  kWrongSize,
  kWrongAlignment,
  kOverflow,
  kWriteAfterFree,
};

// Prints "ralloc: <what> of <pointer>, <why that is wrong>" and aborts.
[[noreturn]] void die_of_misuse(Misuse misuse, const void* pointer) noexcept EXCLUDES(any_mutex);

// The program asked for a block at a multiple of 0.
[[noreturn]] void die_of_alignment(std::size_t size) noexcept EXCLUDES(any_mutex);

// The program asked for memory that may not fail, and there is none.
[[noreturn]] void die_of_exhaustion(std::size_t size) noexcept EXCLUDES(any_mutex);

// An invariant of the allocator itself is broken.
[[noreturn]] void die_of_check(const char* expression, const char* file, int line) noexcept;

}  // namespace ralloc

#define CHECK(x) (LIKELY(x) ? void(0) : ::ralloc::die_of_check(#x, __FILE__, __LINE__))
#define DCHECK(x) (!::ralloc::kDebug || LIKELY(x) ? void(0) : ::ralloc::die_of_check(#x, __FILE__, __LINE__))
