// The malloc ABI: what C programs call, with the semantics of glibc.
//
// Thread safety: as ralloc.h. errno is set here and nowhere below.
#include <errno.h>

#include <bit>
#include <cstddef>
#include <cstdint>

#include "alloc/allocator.h"
#include "alloc/sized.h"
#include "alloc/watch.h"
#include "shim/os.h"

#define EXPORT extern "C" [[gnu::visibility("default")]]
// A second name of a function.
#define ALIAS(name) __attribute__((alias(#name), visibility("default"), used))

namespace {

using namespace ralloc;

void* fail(const LoggedCall& call, int error) {
  log_call(call, "% fails at once with errno %", error);
  errno = error;
  return nullptr;
}

// Success leaves errno as it was, whatever the system calls on the way did to it.
template <class Allocate>
void* or_enomem(Allocate allocate) {
  const int kept_errno = errno;
  void* block = allocate();
  errno = block != nullptr ? kept_errno : ENOMEM;
  return block;
}

[[gnu::noinline]] void* malloc_miss(std::size_t size) noexcept {
  return or_enomem([=] { return allocate_slow(size); });
}
[[gnu::noinline]] void* malloc_slow(std::size_t size) noexcept {
  void* block = allocate_kept(size);
  return block != nullptr ? block : malloc_miss(size);
}

[[gnu::noinline]] void* realloc_slow(void* ptr, std::size_t size) noexcept {
  return or_enomem([=] { return watched_reallocate(ptr, size, kGrain); });
}
[[gnu::noinline]] void* aligned_slow(std::size_t align, std::size_t size) noexcept {
  return or_enomem([=] { return allocate_aligned(size, align); });
}
[[gnu::noinline]] void* calloc_slow(std::size_t size) noexcept {
  return or_enomem([=] { return allocate_zeroed(size); });
}

[[gnu::always_inline]] inline void* aligned(const LoggedCall& call, std::size_t align,
                                            std::size_t size) {
  if (UNLIKELY(!is_power_of_two(align))) return fail(call, EINVAL);
  void* block = allocate_aligned_hit(size, align);
  if (UNLIKELY(block == nullptr)) block = aligned_slow(align, size);
  return watch_allocated(call, block, size, align);
}

}  // namespace

EXPORT void* malloc(std::size_t size) noexcept {
  void* block = allocate_hit(size);
  if (UNLIKELY(block == nullptr)) block = malloc_slow(size);
  return watch_allocated("malloc", block, size, kGrain);
}

EXPORT void free(void* ptr) noexcept { watch_deallocate("free", ptr); }

EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return fail("calloc", ENOMEM);
  void* block = allocate_zeroed_hit(bytes);
  if (UNLIKELY(block == nullptr)) block = calloc_slow(bytes);
  return watch_allocated("calloc", block, bytes, kGrain, true);
}

EXPORT void* realloc(void* ptr, std::size_t size) noexcept {
  if (UNLIKELY(ptr == nullptr)) return malloc(size);
  if (UNLIKELY(size == 0)) {
    free(ptr);
    return nullptr;
  }
  void* block = reallocate_hit(ptr, size);
  if (UNLIKELY(block == nullptr)) block = realloc_slow(ptr, size);
  note_resized("realloc", ptr, kUnknownSize, block, size);
  return block;
}

EXPORT void* reallocarray(void* ptr, std::size_t count, std::size_t size) noexcept {
  std::size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return fail("reallocarray", ENOMEM);
  return realloc(ptr, bytes);
}

// Returns its error and leaves errno alone, as POSIX has it.
EXPORT int posix_memalign(void** out, std::size_t align, std::size_t size) noexcept {
  if (!is_power_of_two(align) || align % sizeof(void*) != 0) {
    return note_asked("posix_memalign", align, EINVAL);
  }
  void* block = allocate_aligned_hit(size, align);
  if (UNLIKELY(block == nullptr)) {
    const int kept_errno = errno;
    block = allocate_aligned(size, align);
    errno = kept_errno;
  }
  watch_allocated("posix_memalign", block, size, align);
  if (block == nullptr) return ENOMEM;
  *out = block;
  return 0;
}

EXPORT void* aligned_alloc(std::size_t align, std::size_t size) noexcept {
  return aligned("aligned_alloc", align, size);
}

// glibc's memalign rounds the alignment up where it is no power of two.
EXPORT void* memalign(std::size_t align, std::size_t size) noexcept {
  if (align > SIZE_MAX / 2 + 1) return fail("memalign", EINVAL);
  return aligned("memalign", std::bit_ceil(align), size);
}

EXPORT void* valloc(std::size_t size) noexcept {
  return aligned("valloc", os::page_size(), size);
}

EXPORT void* pvalloc(std::size_t size) noexcept {
  const std::size_t page = os::page_size();
  if (size > SIZE_MAX - page) return fail("pvalloc", ENOMEM);
  const std::size_t rounded = size == 0 ? page : (size + page - 1) / page * page;
  // Valgrind does not know this one, but that one: see free_known.
  if constexpr (kDebugger) return memalign(page, rounded);
  return aligned("pvalloc", page, rounded);
}

EXPORT std::size_t malloc_usable_size(void* ptr) noexcept {
  const std::size_t size = ptr != nullptr ? usable_size(ptr, Misuse::kForeignUsableSize) : 0;
  return note_asked("malloc_usable_size", ptr, size);
}

// Valgrind, if it is not told otherwise, puts functions of its own in the place of those that it
// knows by name. The others must come by these, or they would meet blocks that are not ours; so
// the debugger build calls them, and does not inline them.
static inline void free_known(const LoggedCall& call, void* ptr, std::size_t size,
                              std::size_t align) {
  if constexpr (kDebugger) return free(ptr);
  watch_deallocate(call, ptr, size, align);
}

// C23: the size and alignment are those of the allocation.
EXPORT void free_sized(void* ptr, std::size_t size) noexcept {
  free_known("free_sized", ptr, size, 1);
}
EXPORT void free_aligned_sized(void* ptr, std::size_t align, std::size_t size) noexcept {
  free_known("free_aligned_sized", ptr, size, align);
}

EXPORT std::size_t malloc_good_size(std::size_t size) noexcept {
  return note_asked("malloc_good_size", size, usable_size_for(size));
}

// hardened_malloc's names: what is left of its block from the pointer on, at most; SIZE_MAX if that is
// not known.
EXPORT std::size_t malloc_object_size(const void* ptr) noexcept {
  const std::size_t size = ptr != nullptr ? object_size(ptr) : 0;
  return note_asked("malloc_object_size", ptr, size);
}
EXPORT std::size_t malloc_object_size_fast(const void* ptr) noexcept {
  const std::size_t size = ptr != nullptr ? object_size(ptr) : 0;
  return note_asked("malloc_object_size_fast", ptr, size);
}

// jemalloc's names, which some programs look for. The low six bits of the flags are the
// logarithm of an alignment; the others concern caches and arenas that we do not have.
EXPORT std::size_t nallocx(std::size_t size, int flags) noexcept {
  log_call("nallocx(%, %)", size, flags);
  const std::size_t align = std::size_t{1} << (flags & 63);
  if (kExactSizes || align <= kGrain || size > PTRDIFF_MAX) return usable_size_for(size);
  if (size <= kSmallMost && align <= kSmallMost) {
    const unsigned size_class = size_class_of(size == 0 ? 1 : size, align);
    if (size_class < kSizes) return size_class_info(size_class).block_size;
  }
  return usable_size_for(size > kSmallMost ? size : kSmallMost + 1);
}
EXPORT void sdallocx(void* ptr, std::size_t size, int flags) noexcept {
  free_known("sdallocx", ptr, size, std::size_t{1} << (flags & 63));
}

EXPORT void cfree(void* ptr) noexcept ALIAS(free);

// The names by which glibc's own parts and old programs call the same functions.
EXPORT void* __libc_malloc(std::size_t size) noexcept ALIAS(malloc);
EXPORT void* __libc_calloc(std::size_t count, std::size_t size) noexcept ALIAS(calloc);
EXPORT void* __libc_realloc(void* ptr, std::size_t size) noexcept ALIAS(realloc);
EXPORT void* __libc_reallocarray(void* ptr, std::size_t count, std::size_t size) noexcept
    ALIAS(reallocarray);
EXPORT void __libc_free(void* ptr) noexcept ALIAS(free);
EXPORT void* __libc_memalign(std::size_t align, std::size_t size) noexcept ALIAS(memalign);
EXPORT void* __libc_valloc(std::size_t size) noexcept ALIAS(valloc);
EXPORT void* __libc_pvalloc(std::size_t size) noexcept ALIAS(pvalloc);
