// Functions of the public C++ API (ralloc/functions.h).
#include <cstddef>
#include <cstdint>

#include "alloc/allocator.h"
#include "alloc/oom_handlers.h"
#include "alloc/sized.h"
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
  while (UNLIKELY(!free_sized_slow(ptr, size))) call_oom_handler(size, 1);
}

}  // namespace

void* try_alloc(std::size_t size, std::size_t align) noexcept {
  if (LIKELY(align == kGrain)) return allocate_sized(size);
  if (UNLIKELY(align == 0)) die_of_alignment(size);
  return allocate_sized_aligned(size, align);
}

void* alloc(std::size_t size, std::size_t align) {
  if (LIKELY(align == kGrain)) {
    if (void* block = allocate_sized_hit(size); LIKELY(block != nullptr)) return block;
  }
  return allocate_or_ask(size, align);
}

void free(void* ptr, std::size_t size) {
  if (UNLIKELY(!free_sized_hit(ptr, size))) free_or_ask(ptr, size);
}

void* try_realloc(void* ptr, std::size_t old_size, std::size_t new_size,
                  std::size_t align) noexcept {
  if (ptr == nullptr) return try_alloc(new_size, align);
  if (UNLIKELY(align == 0)) die_of_alignment(new_size);
  return reallocate_sized(ptr, old_size, new_size, align);
}

void* realloc(void* ptr, std::size_t old_size, std::size_t new_size, std::size_t align) {
  void* block;
  while (UNLIKELY((block = try_realloc(ptr, old_size, new_size, align)) == nullptr)) {
    call_oom_handler(new_size, align);
  }
  return block;
}

bool inplace_realloc(void* ptr, std::size_t old_size, std::size_t new_size) noexcept {
  if (new_size == 0) return free_sized(ptr, old_size);
  return resize_in_place(ptr, old_size, new_size, new_size) != 0;
}

std::size_t inplace_realloc_at_least(void* ptr, std::size_t old_size, std::size_t least,
                                     std::size_t preferred) noexcept {
  if (preferred == 0) return 0;
  return resize_in_place(ptr, old_size, least == 0 ? 1 : least, preferred);
}

SizedPointer try_alloc_at_least(std::size_t size, std::size_t align) noexcept {
  if (UNLIKELY(align == 0)) die_of_alignment(size);
  const Sized block = allocate_at_least(size, align);
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
  const std::size_t good = usable_size_for(size);
  return good <= kSizeMost ? good : 0;
}

}  // namespace ralloc
