// What the security build does with a block on its way to the program and back: it checks that
// nobody wrote to it while it was free, notes its state and size out of line, lays a canary behind
// it, and undoes all of that, zeroing the bytes, when it comes back.
//
// Declarations alone in the other builds, where nothing calls these.
//
// Thread safety: any thread, no lock held by the caller. Misuse is fatal.
// Invariants: a small block outside the program is all zeros (if Config::kZeroesFreed), and its
// state is free or nothing.
#pragma once

#include <cstddef>

#include "global_pool/canary.h"
#include "global_pool/empty_blocks.h"
#include "global_pool/zeros.h"
#include "local_pool/this_pool.h"

namespace ralloc {

// From the magazine of a class to that of the class of the same size with slack.
inline constexpr std::size_t kSlackOffset = kSizes * sizeof(Magazine);

// A small block, of a class with slack, goes to the program.
[[gnu::always_inline]] inline void arm(void* block, std::size_t block_size, std::size_t asked) {
  if constexpr (Defences::kFindsWritesAtReuse) {
    if (UNLIKELY(!is_all_zero(block, block_size))) die_of_misuse(Misuse::kWriteAfterFree, block);
  }
  if constexpr (Defences::kCanaries) {
    CanaryPlace(block, asked, block_size).write(block_states.canary_of(block));
  }
  // Last, for others look at the canary of what is live.
  block_states.set(block, BlockState::kLive, block_size - asked);
}

// It stays the program's, with another size, and the new bytes are zeros.
void rearm(void* block, std::size_t block_size, std::size_t old_asked, std::size_t asked) noexcept;

// A block of 1 to 1016 bytes from a magazine; null sends the caller to the slow path.
[[gnu::always_inline]] inline void* secured_hit(std::size_t size) {
  constexpr std::size_t kRoom = kRedZone;  // at least so many bytes behind it
  if (UNLIKELY(size - 1 >= kFineMost - kRoom)) return nullptr;
  const std::size_t offset = (size + kRoom - 1) & ~(kGrain - 1);
  void* const block = take_hit(offset + kSlackOffset);
  if (LIKELY(block != nullptr)) arm(block, offset + kGrain, size);
  return block;
}

// All of a block, or null.
void secured_deallocate(void* block) noexcept;
// The same, with what the program says of it: the size if it is known (else kUnknownSize), and the
// alignment if it is not 1.
inline constexpr std::size_t kUnknownSize = ~std::size_t{0};
void secured_deallocate_said(void* block, std::size_t size, std::size_t align) noexcept;
// As usable_size and allocate_zeroed.
std::size_t secured_usable_size(const void* block, Misuse misuse) noexcept;
[[nodiscard]] void* secured_zeroed(std::size_t size) noexcept;
// Looks at the small blocks of the process, live and free, before it exits.
void secured_check_all() noexcept;
// Dies unless the program has the block, or what was not freed of it; `misuse` names the call.
void check_has(const void* block, Misuse misuse) noexcept;

// --- Large blocks ----------------------------------------------------------------------------
using SecuredLarge = Bookkeeper::Span;

// A large block of `size` bytes, with guards if they can be had. Null if there is no memory.
[[nodiscard]] SecuredLarge* secured_large(std::size_t size, std::size_t align_pages) noexcept;
// The same at a multiple of any `align`, at most `extra` bytes behind its begin: what is not needed
// is freed.
[[nodiscard]] void* secured_large_within(std::size_t size, std::size_t align,
                                         std::size_t extra) noexcept;
// Resizes one of which nothing was freed in place; false, and nothing has changed, if it cannot.
[[nodiscard]] bool secured_resize_large(SecuredLarge* block, std::size_t size) noexcept;

// --- Blocks of no bytes --------------------------------------------------------------------------
// Where nobody can access it, or a block of which nothing is the program's. `align` is a power of two.
[[nodiscard]] void* secured_empty(std::size_t align) noexcept;
// Whether that is one, but for small ones.
bool is_live_empty(const void* ptr) noexcept;

}  // namespace ralloc
