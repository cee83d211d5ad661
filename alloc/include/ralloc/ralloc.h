// ralloc: a multithreaded memory allocator. This is its public C++ API.
//
// Thread safety: every function may be called from any thread at any time, before main,
// in destructors of thread-local and static objects, and in a forked child. None is
// async-signal-safe. A block may be freed by any thread.
//
// Sizes and alignments are in bytes. Memory is not initialised. Misuse that ralloc can
// see (a foreign pointer, an immediate double free, a size larger than the block) prints
// one sentence to standard error and aborts.
#pragma once

#include <cstddef>

namespace ralloc {

/// The alignment of every block for which none was asked for.
inline constexpr std::size_t kDefaultAlignment = 16;

/// Allocates `size` bytes at a multiple of `align`.
///
/// \param size   0 to PTRDIFF_MAX; 0 gives a distinct pointer that may be freed.
/// \param align  a power of two; values below 16 act as 16.
/// \return the block, never null: when memory is exhausted it prints a message and aborts.
///
/// Cost: up to 32 KiB a handful of instructions with no lock and no atomic operation;
/// one lock for each batch of blocks otherwise. Above 32 KiB one lock for each block.
[[nodiscard, gnu::alloc_size(1), gnu::returns_nonnull]] void* alloc(
    std::size_t size, std::size_t align = kDefaultAlignment) noexcept;

/// As `alloc`, but null on failure: memory exhausted, `size` over PTRDIFF_MAX, or `align`
/// not a power of two. Nothing is lost, and the next call may succeed.
[[nodiscard, gnu::alloc_size(1)]] void* try_alloc(std::size_t size,
                                                  std::size_t align = kDefaultAlignment) noexcept;

/// Frees the block `ptr`, which was allocated (or last reallocated) with `size` bytes.
/// Null is ignored. Cost: as `alloc`.
void free(void* ptr, std::size_t size) noexcept;

/// Resizes the block `ptr` of `old_size` bytes to `new_size` bytes at a multiple of `align`,
/// in place where that is possible, and else by moving it (large blocks move by remapping
/// pages, without a copy). The first min(old_size, new_size) bytes keep their contents.
///
/// \param ptr    a live block, or null to allocate.
/// \return the block, never null: when memory is exhausted it prints a message and aborts.
[[nodiscard, gnu::alloc_size(3), gnu::returns_nonnull]] void* realloc(
    void* ptr, std::size_t old_size, std::size_t new_size,
    std::size_t align = kDefaultAlignment) noexcept;

}  // namespace ralloc
