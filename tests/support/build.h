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
#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
inline constexpr bool kSanitized = kThreadSanitizer || kAddressSanitizer;

// On the generic platform, which cannot move pages, nor ask the kernel where the break is.
#if defined(RALLOC_TEST_POSIX)
inline constexpr bool kPosix = true;
#else
inline constexpr bool kPosix = false;
#endif
#if defined(RALLOC_DEBUGGER)
inline constexpr bool kDebuggerBuild = true;
#else
inline constexpr bool kDebuggerBuild = false;
#endif
#if defined(RALLOC_SECURE)
inline constexpr bool kSecureBuild = true;
#else
inline constexpr bool kSecureBuild = false;
#endif
// Blocks have exactly the bytes that were asked for, and lie for a while when they are freed.
inline constexpr bool kExactSizes = kDebuggerBuild || kSecureBuild;

// They reserve more address space than any limit allows, and clang names them otherwise.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool kSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline constexpr bool kSanitizer = true;
#else
inline constexpr bool kSanitizer = false;
#endif
#else
inline constexpr bool kSanitizer = false;
#endif

// Writes what was covered so far, for processes that end without running exit handlers.
inline void dump_coverage() {
#if defined(RALLOC_TEST_COVERAGE)
  __gcov_dump();
#endif
}

}  // namespace ralloc_test
