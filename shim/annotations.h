// Names for what the language has no word for: clang's thread-safety attributes and branch hints.
//
// Thread safety: macros only.
#pragma once

#if defined(__clang__)
#define RALLOC_ATTRIBUTE(x) __attribute__((x))
#else
#define RALLOC_ATTRIBUTE(x)
#endif

#define CAPABILITY(name) RALLOC_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY RALLOC_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(mutex) RALLOC_ATTRIBUTE(guarded_by(mutex))
#define REQUIRES(...) RALLOC_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) RALLOC_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) RALLOC_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) RALLOC_ATTRIBUTE(release_capability(__VA_ARGS__))

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
