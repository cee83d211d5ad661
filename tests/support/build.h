// Which build this is, where a test has to know.
//
// Thread safety: constants, and functions for any thread.
#pragma once

#if defined(RALLOC_TEST_COVERAGE)
extern "C" void __gcov_dump();
#endif

namespace ralloc_test {

#if defined(__SANITIZE_THREAD__)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

// Writes what was covered so far, for processes that end without running exit handlers.
inline void dump_coverage() {
#if defined(RALLOC_TEST_COVERAGE)
  __gcov_dump();
#endif
}

}  // namespace ralloc_test
