// Blocks and parts of blocks whose sizes the program knows to the byte: what the C++ API has
// beyond the malloc ABI.
//
// A block of just the size that was asked for is of a class without slack; others are of the
// class of the same size with slack, and remember it in their last bytes. So the fast path
// knows by one compare, and one of a byte where there is slack, that all of a block is freed.
//
// Thread safety: as alloc/allocator.h. Who frees or resizes bytes has them alone.
// Invariants: I10.
#pragma once

#include <cstddef>
#include <cstdint>

#include "alloc/allocator.h"
#include "global_pool/slack.h"
#include "shim/debugger.h"

namespace ralloc {

// --- Slow paths ----------------------------------------------------------------------------------
[[nodiscard]] void* allocate_sized_slow(std::size_t size) noexcept;
// `align` is not 0.
[[nodiscard]] void* allocate_sized_aligned(std::size_t size, std::size_t align) noexcept;
// Of a block that has no slack, `size` is what it has. The same of no size on failure.
struct Sized {
  void* begin;
  std::size_t size;
};
[[nodiscard]] Sized allocate_at_least(std::size_t size, std::size_t align) noexcept;
// Frees a block or a part. False if there is no memory for the record of a part; then nothing
// has changed. Keeps errno.
[[nodiscard]] bool free_sized_slow(void* ptr, std::size_t size) noexcept;
// The size from now on, in least..most; 0, and nothing has changed, if that cannot be.
// 0 < least <= most.
[[nodiscard]] std::size_t resize_in_place(void* ptr, std::size_t old_size, std::size_t least,
                                          std::size_t most) noexcept;
// Null, and nothing has changed, on failure. `ptr` is not null, `align` not 0.
[[nodiscard]] void* reallocate_sized(void* ptr, std::size_t old_size, std::size_t size,
                                     std::size_t align) noexcept;

// --- For builds with exact sizes -------------------------------------------------------------------------
// As usable_size_for: blocks of the C++ API that hold all of it.
constexpr std::size_t good_size_for(std::size_t size) {
  return size == 0 ? kGrain : (size + kGrain - 1) / kGrain * kGrain;
}
// Whether these bytes are all of a block, of which nothing was ever freed; not of no bytes.
bool is_whole_block(const void* ptr, std::size_t size) noexcept;
// The bytes of a block that the program asked for. Dies if no block is there.
std::size_t asked_size(const void* ptr, Misuse misuse) noexcept;

// The bytes of its block from the pointer on that the program may use; SIZE_MAX where that is not
// known: behind the first page of a large block, and of what is no block. Kills nobody.
std::size_t object_size(const void* ptr) noexcept;

// --- Fast paths ----------------------------------------------------------------------------------
// A block of up to 1 KiB from a magazine; null sends the caller to the slow path.
[[gnu::always_inline]] inline void* allocate_sized_hit(std::size_t size) {
  if constexpr (kSecure) return secured_hit(size);
  if constexpr (kDebugger) return nullptr;
  const std::size_t last = size - 1;
  if (UNLIKELY(last >= kFineMost)) return nullptr;
  const std::size_t offset = last & ~(kGrain - 1);
  const std::size_t slack = -size & (kGrain - 1);
  if (slack == 0) return take_hit(offset);
  void* const block = take_hit(offset + kSlackOffset);
  if (LIKELY(block != nullptr)) {
    static_cast<unsigned char*>(block)[offset + kGrain - 1] = static_cast<unsigned char>(slack);
  }
  return block;
}
inline void* allocate_sized(std::size_t size) noexcept {
  void* const block = allocate_sized_hit(size);
  return LIKELY(block != nullptr) ? block : allocate_sized_slow(size);
}

// All of a block of up to 1 KiB that is at home here; false sends the caller to the slow path.
[[gnu::always_inline]] inline bool free_sized_hit(void* ptr, std::size_t size) {
  if constexpr (kExactSizes) return false;
  const std::size_t last = size - 1;
  if (UNLIKELY(last >= kFineMost)) return false;
  const Key offset = bookkeeper.map().key_of(ptr) ^ home_of_this_pool();
  const std::size_t slack = -size & (kGrain - 1);
  std::size_t expected = last & ~(kGrain - 1);
  if (slack != 0) {
    expected += kSlackOffset;
    // A part that begins later could seem to be all of it by what the next block holds.
    if (UNLIKELY((offset ^ expected) + (reinterpret_cast<std::uintptr_t>(ptr) % kGrain) != 0)) {
      return false;
    }
    if (static_cast<unsigned char*>(ptr)[last | (kGrain - 1)] != slack) return false;
  } else if (UNLIKELY(offset != expected)) {
    return false;
  }
  return push_hit(ptr, expected);
}

[[nodiscard]] inline bool free_sized(void* ptr, std::size_t size) noexcept {
  return LIKELY(free_sized_hit(ptr, size)) || free_sized_slow(ptr, size);
}

}  // namespace ralloc
