// Names for what the language has no word for: clang's attributes for thread safety and for
// objects that are used up, and branch hints.
//
// Thread safety: macros, and a name for the analysis.
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

// Of a class whose objects are used up, and of its functions: in which of the states
// "unconsumed", "consumed" and "unknown" an object must be for a call, and is after it.
#define CONSUMABLE(state) RALLOC_ATTRIBUTE(consumable(state))
#define CALLABLE_WHEN(...) RALLOC_ATTRIBUTE(callable_when(__VA_ARGS__))
#define PARAM_TYPESTATE(state) RALLOC_ATTRIBUTE(param_typestate(state))
#define RETURN_TYPESTATE(state) RALLOC_ATTRIBUTE(return_typestate(state))
#define SET_TYPESTATE(state) RALLOC_ATTRIBUTE(set_typestate(state))
#define TEST_TYPESTATE(state) RALLOC_ATTRIBUTE(test_typestate(state))
// Of a parameter, which the function uses up on every way.
#define TAKEN_OVER PARAM_TYPESTATE(unconsumed) RETURN_TYPESTATE(consumed)

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

namespace ralloc {

// Whichever mutex of the allocator a thread holds, for the analysis alone. A guard acquires it
// beside its own, so that a second guard, or a call of what EXCLUDES it, does not compile (I5).
class CAPABILITY("mutex") AnyMutex {};
extern const AnyMutex any_mutex;  // never defined

}  // namespace ralloc
