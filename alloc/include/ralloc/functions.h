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
///
/// \code
/// void* block = ralloc::alloc(30, 3);
/// assert(reinterpret_cast<std::uintptr_t>(block) % 3 == 0);
/// std::memset(block, 'x', 30);
/// ralloc::free(block, 30);
/// \endcode
[[nodiscard, gnu::alloc_size(1), gnu::returns_nonnull]] void* alloc(
    std::size_t size, std::size_t align = kDefaultAlignment);

/// As `alloc`, but null on failure: memory exhausted, or `size` or `align` over
/// PTRDIFF_MAX. Nothing is lost, and the next call may succeed. No handler is called.
///
/// \code
/// assert(ralloc::try_alloc(std::size_t{1} << 62) == nullptr);  // no machine has so much
/// void* block = ralloc::try_alloc(1000, 64);
/// if (block != nullptr) {
///   assert(reinterpret_cast<std::uintptr_t>(block) % 64 == 0);
///   ralloc::free(block, 1000);
/// }
/// \endcode
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
/// Over-frees, parts that are free already, and foreign pointers are fatal: at once, but for
/// just the size of a block of up to 32 KiB, of which a part is free or that begins elsewhere;
/// that is noticed when it goes home.
/// Cost: a whole block as `alloc`. A part: a lock or two. A block of which only a part is free
/// has a record with a bit for each byte (of a large block, each 64 KiB that are part free);
/// where no memory can be had for it the OOM handler is called.
///
/// \code
/// char* text = static_cast<char*>(ralloc::alloc(200, 1));
/// std::strcpy(text + 100, "stays");
/// ralloc::free(text, 100);  // the first half
/// assert(std::strcmp(text + 100, "stays") == 0);
/// ralloc::free(text + 100, 100);  // and the other
/// \endcode
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
///
/// \code
/// char* text = static_cast<char*>(ralloc::alloc(6));
/// std::strcpy(text, "hello");
/// text = static_cast<char*>(ralloc::realloc(text, 6, 5000, 4096));
/// assert(std::strcmp(text, "hello") == 0);
/// assert(reinterpret_cast<std::uintptr_t>(text) % 4096 == 0);
/// ralloc::free(text, 5000);
/// \endcode
[[nodiscard, gnu::alloc_size(3), gnu::returns_nonnull]] void* realloc(
    void* ptr, std::size_t old_size, std::size_t new_size, std::size_t align = kDefaultAlignment);

/// As `realloc`, but null on failure; then all is as it was.
///
/// \code
/// int* number = static_cast<int*>(ralloc::alloc(sizeof(int)));
/// *number = 7;
/// assert(ralloc::try_realloc(number, sizeof(int), std::size_t{1} << 62) == nullptr);
/// assert(*number == 7);  // still there, as it was
/// ralloc::free(number, sizeof(int));
/// \endcode
[[nodiscard, gnu::alloc_size(3)]] void* try_realloc(
    void* ptr, std::size_t old_size, std::size_t new_size,
    std::size_t align = kDefaultAlignment) noexcept;

/// Resizes the block or part `ptr` of `old_size` bytes to `new_size` bytes where it is.
///
/// To shrink always succeeds, unless no memory can be had for the record of a part: the tail is
/// a freed part. To shrink to 0 frees it: `ptr` is nobody's then. To grow succeeds where the
/// bytes behind are free: up to 32 KiB within the block, above it in a free neighbour too.
/// \return false if it could not; then all is as it was.
///
/// \code
/// char* line = static_cast<char*>(ralloc::alloc(4000));
/// std::strcpy(line, "short");
/// bool shrunk = ralloc::inplace_realloc(line, 4000, 16);
/// assert(shrunk && std::strcmp(line, "short") == 0);
/// ralloc::free(line, 16);
/// \endcode
[[nodiscard]] bool inplace_realloc(void* ptr, std::size_t old_size, std::size_t new_size) noexcept;

/// As `inplace_realloc`, but takes what it can get of `preferred` bytes, and at least `least`.
///
/// \param least      at most `preferred`, which is not 0.
/// \return the size from now on, in least..preferred; or 0 if even `least` is not to be had,
///         and then all is as it was.
///
/// \code
/// void* block = ralloc::alloc(1000);
/// std::size_t size = ralloc::inplace_realloc_at_least(block, 1000, 1001, 2000);
/// if (size == 0) size = 1000;  // there was no room: all is as it was
/// assert(size >= 1000 && size <= 2000);
/// ralloc::free(block, size);
/// \endcode
[[nodiscard]] std::size_t inplace_realloc_at_least(void* ptr, std::size_t old_size,
                                                   std::size_t least,
                                                   std::size_t preferred) noexcept;

/// A block and its size: what `alloc_at_least` gives.
struct SizedPointer {
  void* ptr = nullptr;
  std::size_t size = 0;  // in bytes; free it with this one
};

/// As `alloc`, but gives all the bytes that the block has, so none are wasted.
///
/// \code
/// ralloc::SizedPointer block = ralloc::alloc_at_least(3000);
/// assert(block.size >= 3000);
/// std::memset(block.ptr, 0, block.size);
/// ralloc::free(block.ptr, block.size);
/// \endcode
[[nodiscard]] SizedPointer alloc_at_least(std::size_t size, std::size_t align = kDefaultAlignment);

/// As `alloc_at_least`, but null and 0 on failure.
///
/// \code
/// ralloc::SizedPointer none = ralloc::try_alloc_at_least(std::size_t{1} << 62);
/// assert(none.ptr == nullptr && none.size == 0);
/// \endcode
[[nodiscard]] SizedPointer try_alloc_at_least(std::size_t size,
                                              std::size_t align = kDefaultAlignment) noexcept;

/// The size of the block that `alloc_at_least(size)` gives: at least `size`, and no dearer.
/// 0 where there can be no such block.
///
/// \code
/// std::size_t size = ralloc::good_size(3000);
/// assert(size >= 3000);
/// ralloc::SizedPointer block = ralloc::alloc_at_least(3000);
/// assert(block.size == size);
/// ralloc::free(block.ptr, block.size);
/// \endcode
[[nodiscard]] std::size_t good_size(std::size_t size) noexcept;

}  // namespace ralloc
