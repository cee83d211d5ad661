// Functions of the public C++ API (ralloc/functions.h).
#include <cstddef>
#include <cstdint>

#include "alloc/allocator.h"
#include "alloc/oom_handlers.h"
#include "alloc/sized.h"
#include "alloc/watch.h"
#include "ralloc/ralloc.h"

namespace ralloc {

static_assert(kDefaultAlignment == kGrain);

namespace {

// Apart from the hits, which need no registers of their callers'.
[[gnu::noinline]] void* allocate_or_ask(std::size_t size, std::size_t align) {
  void* block;
  while (UNLIKELY((block = try_alloc(size, align)) == nullptr)) call_oom_handler(size, align);
  return block;
}
[[gnu::noinline]] void free_or_ask(void* ptr, std::size_t size) {
  while (UNLIKELY(!watched_free(ptr, size))) call_oom_handler(size, 1);
}

}  // namespace

void* try_alloc(std::size_t size, std::size_t align) noexcept {
  if (LIKELY(align == kGrain)) {
    return watch_allocated("ralloc::try_alloc", allocate_sized(size), size, align);
  }
  if (UNLIKELY(align == 0)) die_of_alignment(size);
  return watch_allocated("ralloc::try_alloc", allocate_sized_aligned(size, align), size, align);
}

void* alloc(std::size_t size, std::size_t align) {
  if (LIKELY(align == kGrain)) {
    if (void* block = allocate_sized_hit(size); LIKELY(block != nullptr)) {
      return watch_allocated("ralloc::alloc", block, size, align);
    }
  }
  return allocate_or_ask(size, align);
}

void free(void* ptr, std::size_t size) {
  note_freed("ralloc::free", ptr, size);
  if (UNLIKELY(!free_sized_hit(ptr, size))) free_or_ask(ptr, size);
}

void* try_realloc(void* ptr, std::size_t old_size, std::size_t new_size,
                  std::size_t align) noexcept {
  if (ptr == nullptr) return try_alloc(new_size, align);
  if (UNLIKELY(align == 0)) die_of_alignment(new_size);
  void* block = watched_reallocate_sized(ptr, old_size, new_size, align);
  note_resized("ralloc::try_realloc", ptr, old_size, block, new_size);
  return block;
}

void* realloc(void* ptr, std::size_t old_size, std::size_t new_size, std::size_t align) {
  void* block;
  while (UNLIKELY((block = try_realloc(ptr, old_size, new_size, align)) == nullptr)) {
    call_oom_handler(new_size, align);
  }
  return block;
}

bool inplace_realloc(void* ptr, std::size_t old_size, std::size_t new_size) noexcept {
  if (new_size == 0) {
    note_freed("ralloc::inplace_realloc", ptr, old_size);
    return free_sized_hit(ptr, old_size) || watched_free(ptr, old_size);
  }
  const bool is_done = watched_resize(ptr, old_size, new_size, new_size) != 0;
  note_resized("ralloc::inplace_realloc", ptr, old_size, is_done ? ptr : nullptr, new_size);
  return is_done;
}

std::size_t inplace_realloc_at_least(void* ptr, std::size_t old_size, std::size_t least,
                                     std::size_t preferred) noexcept {
  if (preferred == 0) return 0;
  const std::size_t size = watched_resize(ptr, old_size, least == 0 ? 1 : least, preferred);
  note_resized("ralloc::inplace_realloc_at_least", ptr, old_size, size != 0 ? ptr : nullptr, size);
  return size;
}

SizedPointer try_alloc_at_least(std::size_t size, std::size_t align) noexcept {
  if (UNLIKELY(align == 0)) die_of_alignment(size);
  const Sized block = allocate_at_least(size, align);
  watch_allocated("ralloc::try_alloc_at_least", block.begin, block.size, align);
  return {block.begin, block.size};
}

SizedPointer alloc_at_least(std::size_t size, std::size_t align) {
  SizedPointer block;
  while (UNLIKELY((block = try_alloc_at_least(size, align)).ptr == nullptr)) {
    call_oom_handler(size, align);
  }
  return block;
}

std::size_t good_size(std::size_t size) noexcept {
  const std::size_t good = kExactSizes && size <= kSizeMost ? good_size_for(size)
                                                              : usable_size_for(size);
  return note_asked("ralloc::good_size", size, good <= kSizeMost ? good : 0);
}

}  // namespace ralloc
