// What the C++ API and the malloc ABI have in common: blocks of any size, by way of this
// thread's magazines up to 32 KiB and of the ledger above.
//
// Thread safety: any thread, no lock held by the caller. Nothing here sets errno or decides
// what happens when memory is exhausted: null travels up, and errno is unspecified.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "alloc/secured.h"
#include "local_pool/this_pool.h"

namespace ralloc {

using LargeBlock = Bookkeeper::Span;

inline constexpr std::size_t kPage = std::size_t{1} << Config::kPageShift;
inline constexpr std::size_t kSizeMost = PTRDIFF_MAX;
constexpr std::size_t pages_for(std::size_t size) {
  return (size + kPage - 1) >> Config::kPageShift;
}

// --- Fast paths ------------------------------------------------------------------------------
// A block from a magazine; null sends the caller to allocate_slow. Sizes 0 and beyond
// kSmallMost fail the same compare.
[[gnu::always_inline]] inline void* allocate_hit(std::size_t size) {
  if constexpr (kSecure) return secured_hit(size);
  if constexpr (kDebugger) return nullptr;  // its blocks have slack
  const std::size_t last = size - 1;
  if (LIKELY(last < kFineMost)) return take_hit(last & ~(kGrain - 1));
  if (last < kSmallMost) return take_hit(size_class_of(size) * sizeof(Magazine));
  return nullptr;
}

// The same at a multiple of `align`, a power of two: where the blocks of the class lie so. Blocks of
// up to 1 KiB lie at multiples of their size.
[[gnu::always_inline]] inline void* allocate_aligned_hit(std::size_t size, std::size_t align) {
  if constexpr (kExactSizes) return nullptr;
  if (UNLIKELY(size - 1 >= kSmallMost) || UNLIKELY(align > kSmallMost)) return nullptr;
  const std::size_t rounded = (size + align - 1) & ~(align - 1);
  if (LIKELY(rounded <= kFineMost)) return take_hit((rounded - 1) & ~(kGrain - 1));
  if (UNLIKELY(rounded > kSmallMost)) return nullptr;
  const unsigned size_class = size_class_of(rounded);
  if ((size_class_info(size_class).block_size & (align - 1)) != 0) return nullptr;
  return take_hit(size_class * sizeof(Magazine));
}

// And one of zeros.
[[gnu::always_inline]] inline void* allocate_zeroed_hit(std::size_t size) {
  if constexpr (kExactSizes) return nullptr;
  char* const block = static_cast<char*>(allocate_hit(size));
  if (UNLIKELY(block == nullptr)) return nullptr;
  // A call of memset would cost as much as all the rest. (Every block has 16 bytes.)
  char* const end = block + size;
  if (size <= 16) {
    std::memset(block, 0, 16);
  } else if (size <= 32) {
    std::memset(block, 0, 16);
    std::memset(end - 16, 0, 16);
  } else if (size <= 64) {
    std::memset(block, 0, 32);
    std::memset(end - 32, 0, 32);
  } else if (size <= 128) {
    std::memset(block, 0, 64);
    std::memset(end - 64, 0, 64);
  } else {
    std::memset(block, 0, size);
  }
  return block;
}

// A large block that this thread has freed; null if it has none of that length.
[[gnu::always_inline]] inline void* allocate_kept(std::size_t size) {
  if constexpr (kExactSizes) return nullptr;
  if (size <= kSmallMost) return nullptr;
  // (Sizes beyond all that there can be come round to no pages, of which none is kept.)
  LargeBlock* const block = take_kept(pages_for(size), false);
  return block != nullptr ? block->begin() : nullptr;
}

// Whether parts of a large block were freed, as far as its first run tells.
inline bool has_freed_parts(const LargeBlock* block) {
  return block->continues_.get() || block->freed_.get() != nullptr;
}
// Whether a large block stays as it is when so many of its pages are needed.
inline bool is_of_pages(const LargeBlock* block, std::size_t pages) {
  const std::size_t had = block->pages_.get();
  // (Sizes beyond all that there can be come round to no pages.)
  if (pages > had || pages == 0) return false;
  const std::size_t tail = had - pages;
  return tail <= block->ahead_.get() || !Config::is_tail_cut(had * kPage, tail * kPage);
}
// Whether a block that has a page long before it fills it keeps it for so many bytes.
inline bool stays_early(const LargeBlock* block, std::size_t size) {
  return block->is_early() && Config::stays_when_shrunk(Config::kEarlyLeast, size);
}

// The block itself, where it serves as it is; null sends the caller to reallocate, which says what may be
// asked.
[[gnu::always_inline]] inline void* reallocate_hit(void* block, std::size_t size) {
  if constexpr (kExactSizes) return nullptr;
  const Key key = bookkeeper.map().key_of(block);
  if (!is_live(key)) return nullptr;
  if (is_large(key)) {
    LargeBlock* const span = bookkeeper.large_at(block);
    if (span == nullptr || span->is_aside() || has_freed_parts(span)) return nullptr;
    const bool stays = size > kSmallMost ? is_of_pages(span, pages_for(size)) && !span->is_early()
                                         : stays_early(span, size);
    return stays ? block : nullptr;
  }
  const std::size_t old_size = size_class_info(class_of(key)).block_size;
  return size <= old_size && Config::stays_when_shrunk(old_size, size) ? block : nullptr;
}

// --- Slow paths --------------------------------------------------------------------------------
[[nodiscard]] void* allocate_slow(std::size_t size) noexcept;
// `align` is a power of two.
[[nodiscard]] void* allocate_aligned(std::size_t size, std::size_t align) noexcept;
[[nodiscard]] void* allocate_zeroed(std::size_t size) noexcept;
// Keeps errno. Null is ignored; what is not a block is fatal.
void free_slow(void* block) noexcept;

// Resizes in place, or moves and frees. Null, with the block untouched, on failure. `block`
// is not null, `size` not 0, `align` a power of two. A foreign pointer is fatal.
[[nodiscard]] void* reallocate(void* block, std::size_t size, std::size_t align) noexcept;

// The bytes of a block that the program may use; `misuse` names the call if it is foreign.
std::size_t usable_size(const void* block, Misuse misuse) noexcept;
// What usable_size will be for a block of `size` bytes; 0 if there can be none.
std::size_t usable_size_for(std::size_t size) noexcept;

// --- For sized blocks ----------------------------------------------------------------------------
[[nodiscard]] void* allocate_class(unsigned size_class) noexcept;
// A block that will grow gets room for it where there is some.
[[nodiscard]] LargeBlock* allocate_large(std::size_t pages, std::size_t align_pages,
                                         bool will_grow = false) noexcept;
// Frees a large block of which nothing was freed before. Keeps errno.
void free_whole_large(LargeBlock* block) noexcept;
// Resizes a large block in place if it can; it stays large.
[[nodiscard]] bool resize_large(LargeBlock* block, std::size_t size) noexcept;
// How many bytes a block gets that moves in order to have `size`, which is more than `old_size` and
// kSizeMost at most; `again`: this thread moved it for that before.
struct Room {
  std::size_t bytes;
  bool again;
};
Room room_to_grow(const void* block, std::size_t old_size, std::size_t size) noexcept;
// Such a block in pages of its own, where it is large or may have a page long before it fills it; null if
// not, or if there is no memory.
[[nodiscard]] LargeBlock* allocate_pages_to_grow(Room room) noexcept;
// Moves a large block, of which `used` bytes are in use, into a larger one. Null, and nothing
// has changed, if there is no memory.
[[nodiscard]] LargeBlock* move_large(LargeBlock* block, std::size_t size,
                                     std::size_t used) noexcept;

// Gives all free memory of this thread and of the global pool back to the OS, as bytes.
std::size_t trim() noexcept;

inline void* allocate(std::size_t size) noexcept {
  void* block = allocate_hit(size);
  return LIKELY(block != nullptr) ? block : allocate_slow(size);
}
inline void deallocate(void* block) noexcept {
  if constexpr (kSecure) return secured_deallocate(block);
  // The slow path looks the key up again: keeping it would cost the hit an instruction.
  if (UNLIKELY(!give_hit(block, bookkeeper.map().key_of(block)))) free_slow(block);
}

}  // namespace ralloc
