// Blocks and parts of blocks by plain pointers: allocate, free, resize.
//
// Thread safety: any thread at any time (ralloc.h says it in full). Who frees or resizes
// bytes must own them: no other thread may use, free or resize the same bytes meanwhile.
#pragma once

#include <cstddef>

namespace ralloc {

/// The alignment of every block for which none was asked for.
inline constexpr std::size_t kDefaultAlignment = 16;

/// Allocates `size` bytes at a multiple of `align`.
///
/// \param size   0 to PTRDIFF_MAX; 0 gives a distinct pointer that may be freed.
/// \param align  1 to PTRDIFF_MAX, not only powers of two: the address is a multiple of it.
///               0 is fatal.
/// \return the block, never null: when memory is exhausted the OOM handler is called (see
///         oom_handlers.h), which by default prints a message and aborts.
///
/// Cost: up to 32 KiB a handful of instructions with no lock and no atomic operation;
/// one lock for each batch of blocks otherwise. Above 32 KiB one lock for each block. An
/// alignment that is no power of two costs one lock, and at most `align` bytes more.
[[nodiscard, gnu::alloc_size(1), gnu::returns_nonnull]] void* alloc(
    std::size_t size, std::size_t align = kDefaultAlignment);

/// As `alloc`, but null on failure: memory exhausted, or `size` or `align` over
/// PTRDIFF_MAX. Nothing is lost, and the next call may succeed. No handler is called.
[[nodiscard, gnu::alloc_size(1)]] void* try_alloc(std::size_t size,
                                                  std::size_t align = kDefaultAlignment) noexcept;

/// Frees `size` bytes at `ptr`: a block, or any part of one that is still allocated.
///
/// A block of `size` bytes is what was allocated (or last reallocated) with `size`. A part may
/// begin and end at any byte of it. The block's memory is there for others once no part of it
/// is left; in a block above 32 KiB the OS has each of its pages as soon as no part of that is
/// left, and others have each 64 KiB. Null is ignored, and so is a `size` of 0 unless the block
/// was allocated with 0.
///
/// Over-frees, parts that are free already, and foreign pointers are fatal: at once, but for a
/// whole block of up to 32 KiB of which a part is free, which is noticed when it goes home.
/// Cost: a whole block as `alloc`. A part: a lock or two. A block of which only a part is free
/// has a record with a bit for each byte (of a large block, each 64 KiB that are part free);
/// where no memory can be had for it the OOM handler is called.
void free(void* ptr, std::size_t size);

/// Resizes the block or part `ptr` of `old_size` bytes to `new_size` bytes at a multiple of
/// `align`, in place where that is possible, and else by moving it (large blocks move by
/// remapping pages, without a copy). The first min(old_size, new_size) bytes keep their
/// contents.
///
/// \param ptr    what a call of this header gave, or a part of it, or null to allocate.
/// \param align  as for `alloc`; where `ptr` is not such a multiple, it moves.
/// \return where the bytes are now, never null: when memory is exhausted the OOM handler is
///         called.
[[nodiscard, gnu::alloc_size(3), gnu::returns_nonnull]] void* realloc(
    void* ptr, std::size_t old_size, std::size_t new_size, std::size_t align = kDefaultAlignment);

/// As `realloc`, but null on failure; then all is as it was.
[[nodiscard, gnu::alloc_size(3)]] void* try_realloc(
    void* ptr, std::size_t old_size, std::size_t new_size,
    std::size_t align = kDefaultAlignment) noexcept;

/// Resizes the block or part `ptr` of `old_size` bytes to `new_size` bytes where it is.
///
/// To shrink always succeeds, unless no memory can be had for the record of a part: the tail is
/// a freed part. To shrink to 0 frees it: `ptr` is nobody's then. To grow succeeds where the bytes behind are free: up to 32 KiB within the
/// block, above it in a free neighbour too.
/// \return false if it could not; then all is as it was.
[[nodiscard]] bool inplace_realloc(void* ptr, std::size_t old_size, std::size_t new_size) noexcept;

/// As `inplace_realloc`, but takes what it can get of `preferred` bytes, and at least `least`.
///
/// \param least      at most `preferred`, which is not 0.
/// \return the size from now on, in least..preferred; or 0 if even `least` is not to be had,
///         and then all is as it was.
[[nodiscard]] std::size_t inplace_realloc_at_least(void* ptr, std::size_t old_size,
                                                   std::size_t least,
                                                   std::size_t preferred) noexcept;

/// A block and its size: what `alloc_at_least` gives.
struct SizedPointer {
  void* ptr = nullptr;
  std::size_t size = 0;  // in bytes; free it with this one
};

/// As `alloc`, but gives all the bytes that the block has, so none are wasted.
[[nodiscard]] SizedPointer alloc_at_least(std::size_t size, std::size_t align = kDefaultAlignment);

/// As `alloc_at_least`, but null and 0 on failure.
[[nodiscard]] SizedPointer try_alloc_at_least(std::size_t size,
                                              std::size_t align = kDefaultAlignment) noexcept;

/// The size of the block that `alloc_at_least(size)` gives: at least `size`, and no dearer.
/// 0 where there can be no such block.
[[nodiscard]] std::size_t good_size(std::size_t size) noexcept;

}  // namespace ralloc
