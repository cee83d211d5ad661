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

void* alloc(std::size_t size, std::size_t align) {
  void* block = try_alloc(size, align);
  if (UNLIKELY(block == nullptr)) die_of_exhaustion(size);
  return block;
}

void free(void* ptr, std::size_t size) {
  const Key key = bookkeeper.map().key_of(ptr);
  // Class of the size equals class of the span: the whole block. Parts will branch off here.
  if (UNLIKELY(size - 1 >= kFineMost || ((size - 1) & ~(kGrain - 1)) != (key & kKeyClassMask))) {
    if (ptr == nullptr) return;
    if (size > usable_size(ptr, Misuse::kForeignFree)) die_of_misuse(Misuse::kOverFree, ptr);
  }
  if (UNLIKELY(!give_hit(ptr, key))) free_slow(ptr);
}

void* try_realloc(void* ptr, std::size_t old_size, std::size_t new_size,
                  std::size_t align) noexcept {
  if (ptr == nullptr) return try_alloc(new_size, align);
  if (old_size > usable_size(ptr, Misuse::kForeignRealloc)) {
    die_of_misuse(Misuse::kOverRealloc, ptr);
  }
  return std::has_single_bit(align) ? reallocate(ptr, new_size == 0 ? 1 : new_size, align)
                                    : nullptr;
}

void* realloc(void* ptr, std::size_t old_size, std::size_t new_size, std::size_t align) {
  void* block = try_realloc(ptr, old_size, new_size, align);
  if (UNLIKELY(block == nullptr)) die_of_exhaustion(new_size);
  return block;
}

std::size_t inplace_realloc_at_least(void* ptr, std::size_t old_size, std::size_t least,
                                     std::size_t preferred) noexcept {
  const std::size_t usable = usable_size(ptr, Misuse::kForeignRealloc);
  if (old_size > usable) die_of_misuse(Misuse::kOverRealloc, ptr);
  return least > usable ? 0 : preferred < usable ? preferred : usable;
}
bool inplace_realloc(void* ptr, std::size_t old_size, std::size_t new_size) noexcept {
  return inplace_realloc_at_least(ptr, old_size, new_size, new_size) == new_size;
}

SizedPointer try_alloc_at_least(std::size_t size, std::size_t align) noexcept {
  void* ptr = try_alloc(size, align);
  return {ptr, ptr == nullptr ? 0 : size};
}
SizedPointer alloc_at_least(std::size_t size, std::size_t align) {
  return {alloc(size, align), size};
}
std::size_t good_size(std::size_t size) noexcept { return usable_size_for(size); }

}  // namespace ralloc
