// The public C++ API (ralloc/ralloc.h).
#include <bit>
#include <cstddef>
#include <cstdint>

#include "alloc/allocator.h"
#include "ralloc/ralloc.h"

namespace ralloc {

static_assert(kDefaultAlignment == kGrain);

void* try_alloc(std::size_t size, std::size_t align) noexcept {
  if (LIKELY(align <= kGrain && std::has_single_bit(align))) return allocate(size);
  return std::has_single_bit(align) ? allocate_aligned(size, align) : nullptr;
}

void* alloc(std::size_t size, std::size_t align) noexcept {
  void* block = try_alloc(size, align);
  if (UNLIKELY(block == nullptr)) die_of_exhaustion(size);
  return block;
}

void free(void* ptr, std::size_t size) noexcept {
  const Key key = bookkeeper.map().key_of(ptr);
  // Class of the size equals class of the span: the whole block. Parts will branch off here.
  if (UNLIKELY(size - 1 >= kFineMost || ((size - 1) & ~(kGrain - 1)) != (key & kKeyClassMask))) {
    if (ptr == nullptr) return;
    if (size > usable_size(ptr, Misuse::kForeignFree)) die_of_misuse(Misuse::kOverFree, ptr);
  }
  if (UNLIKELY(!give_hit(ptr, key))) free_slow(ptr);
}

void* realloc(void* ptr, std::size_t old_size, std::size_t new_size, std::size_t align) noexcept {
  if (ptr == nullptr) return alloc(new_size, align);
  if (old_size > usable_size(ptr, Misuse::kForeignRealloc)) {
    die_of_misuse(Misuse::kOverRealloc, ptr);
  }
  void* block = std::has_single_bit(align)
                    ? reallocate(ptr, new_size == 0 ? 1 : new_size, align)
                    : nullptr;
  if (UNLIKELY(block == nullptr)) die_of_exhaustion(new_size);
  return block;
}

}  // namespace ralloc
