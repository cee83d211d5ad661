// What the C++ API and the malloc ABI have in common: blocks of any size, by way of this
// thread's magazines up to 32 KiB and of the ledger above.
//
// Thread safety: any thread, no lock held by the caller. Nothing here sets errno or decides
// what happens when memory is exhausted: null travels up, and errno is unspecified.
#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/secured.h"
#include "local_pool/this_pool.h"

namespace ralloc {

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
using LargeBlock = Bookkeeper::Span;

inline constexpr std::size_t kPage = std::size_t{1} << Config::kPageShift;
inline constexpr std::size_t kSizeMost = PTRDIFF_MAX;
constexpr std::size_t pages_for(std::size_t size) {
  return (size + kPage - 1) >> Config::kPageShift;
}

[[nodiscard]] void* allocate_class(unsigned size_class) noexcept;
[[nodiscard]] LargeBlock* allocate_large(std::size_t pages, std::size_t align_pages) noexcept;
// Resizes a large block in place if it can; it stays large.
[[nodiscard]] bool resize_large(LargeBlock* block, std::size_t size) noexcept;
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
