// The replaceable C++ operators new and delete, all twenty.
//
// What they need of the C++ run-time library (the new-handler, and throwing bad_alloc) is
// looked up only on failure, so that C programs with this library preloaded need not load it.
//
// Thread safety: as ralloc.h.
#include <dlfcn.h>

#include <cstddef>
#include <new>

#include "alloc/allocator.h"
#include "alloc/watch.h"

#define EXPORT [[gnu::visibility("default")]]

namespace {

using namespace ralloc;

// Null where the program is linked without libstdc++.
extern "C" [[gnu::weak]] void throw_bad_alloc_if_linked() __asm__("_ZSt17__throw_bad_allocv");
extern "C" [[gnu::weak]] std::new_handler new_handler_if_linked() __asm__("_ZSt15get_new_handlerv");

// A function of libstdc++: as linked, or where a plugin alone has loaded the library.
template <class Function>
Function* runtime_function(Function* linked, const char* name) {
  if (linked != nullptr) return linked;
  void* library = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return library != nullptr ? reinterpret_cast<Function*>(dlsym(library, name)) : nullptr;
}

std::new_handler current_new_handler() {
  auto* get = runtime_function(new_handler_if_linked, "_ZSt15get_new_handlerv");
  return get != nullptr ? get() : nullptr;
}

// Asks the new-handler for memory until there is some, or no handler, or it throws. Not
// noexcept: exceptions pass through.
[[gnu::noinline]] void* new_slow(std::size_t size, std::size_t align) {
  for (;;) {
    if (void* block = allocate_aligned(size, align)) return block;
    const std::new_handler handler = current_new_handler();
    if (handler == nullptr) break;
    handler();
  }
  if (auto* raise = runtime_function(throw_bad_alloc_if_linked, "_ZSt17__throw_bad_allocv")) raise();
  die_of_exhaustion(size);
}

// As new_slow, but null instead of an exception. A handler may throw, and only the run-time
// library's own nothrow operator can catch that: it calls our throwing one.
[[gnu::noinline]] void* new_nothrow_slow(std::size_t size, std::size_t align) {
  if (void* block = allocate_aligned(size, align)) return block;
  if (current_new_handler() == nullptr) return nullptr;
  if (align == kGrain) {
    using New = void*(std::size_t, const std::nothrow_t&);
    auto* next = reinterpret_cast<New*>(dlsym(RTLD_NEXT, "_ZnwmRKSt9nothrow_t"));
    return next != nullptr ? next(size, std::nothrow_t{}) : nullptr;
  }
  using New = void*(std::size_t, std::align_val_t, const std::nothrow_t&);
  auto* next = reinterpret_cast<New*>(dlsym(RTLD_NEXT, "_ZnwmSt11align_val_tRKSt9nothrow_t"));
  return next != nullptr ? next(size, std::align_val_t{align}, std::nothrow_t{}) : nullptr;
}

[[gnu::always_inline]] inline void* new_block(std::size_t size) {
  void* block = allocate_hit(size);
  if (UNLIKELY(block == nullptr)) block = new_slow(size, kGrain);
  return watch_allocated("new", block, size, kGrain);
}
[[gnu::always_inline]] inline void* new_block_nothrow(std::size_t size) {
  void* block = allocate_hit(size);
  if (UNLIKELY(block == nullptr)) block = new_nothrow_slow(size, kGrain);
  return watch_allocated("new", block, size, kGrain);
}
[[gnu::always_inline]] inline void* new_aligned(std::size_t size, std::align_val_t align) {
  void* block = allocate_aligned_hit(size, std::size_t(align));
  if (UNLIKELY(block == nullptr)) block = new_slow(size, std::size_t(align));
  return watch_allocated("new", block, size, std::size_t(align));
}
[[gnu::always_inline]] inline void* new_aligned_nothrow(std::size_t size, std::align_val_t align) {
  void* block = allocate_aligned_hit(size, std::size_t(align));
  if (UNLIKELY(block == nullptr)) block = new_nothrow_slow(size, std::size_t(align));
  return watch_allocated("new", block, size, std::size_t(align));
}

}  // namespace

// clang-format off
EXPORT void* operator new(std::size_t n) { return new_block(n); }
EXPORT void* operator new[](std::size_t n) { return new_block(n); }
EXPORT void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return new_block_nothrow(n); }
EXPORT void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return new_block_nothrow(n); }
EXPORT void* operator new(std::size_t n, std::align_val_t a) { return new_aligned(n, a); }
EXPORT void* operator new[](std::size_t n, std::align_val_t a) { return new_aligned(n, a); }
EXPORT void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return new_aligned_nothrow(n, a); }
EXPORT void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept { return new_aligned_nothrow(n, a); }
EXPORT void operator delete(void* p) noexcept { watch_deallocate("delete", p); }
EXPORT void operator delete[](void* p) noexcept { watch_deallocate("delete", p); }
EXPORT void operator delete(void* p, std::size_t n) noexcept { watch_deallocate("delete", p, n); }
EXPORT void operator delete[](void* p, std::size_t n) noexcept { watch_deallocate("delete", p, n); }
EXPORT void operator delete(void* p, const std::nothrow_t&) noexcept { watch_deallocate("delete", p); }
EXPORT void operator delete[](void* p, const std::nothrow_t&) noexcept { watch_deallocate("delete", p); }
EXPORT void operator delete(void* p, std::align_val_t a) noexcept { watch_deallocate("delete", p, kUnknownSize, std::size_t(a)); }
EXPORT void operator delete[](void* p, std::align_val_t a) noexcept { watch_deallocate("delete", p, kUnknownSize, std::size_t(a)); }
EXPORT void operator delete(void* p, std::size_t n, std::align_val_t a) noexcept { watch_deallocate("delete", p, n, std::size_t(a)); }
EXPORT void operator delete[](void* p, std::size_t n, std::align_val_t a) noexcept { watch_deallocate("delete", p, n, std::size_t(a)); }
EXPORT void operator delete(void* p, std::align_val_t a, const std::nothrow_t&) noexcept { watch_deallocate("delete", p, kUnknownSize, std::size_t(a)); }
EXPORT void operator delete[](void* p, std::align_val_t a, const std::nothrow_t&) noexcept { watch_deallocate("delete", p, kUnknownSize, std::size_t(a)); }
// clang-format on
