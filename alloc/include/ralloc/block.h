// Blocks that can only be moved, so that each is freed once: the plain functions of functions.h
// with the pointer, the size and the alignment in one hand.
//
// Thread safety: a Block is one thread's at a time, and may be handed to another, which may free
// it. The parts of a block that was split are independent: each may go to a thread of its own.
// Invariants: bytes belong to one Block at most. One that was moved from, freed or released is
// empty, and its destructor does nothing.
//
// Clang's -Wconsumed refuses to compile the use of a Block that was moved from, freed or released
// before in the same function. (It understands `if`, but not `?:`, nor the conditions of loops,
// and does not follow members.)
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

#include "ralloc/functions.h"
#include "ralloc/language.h"
#include "ralloc/result.h"

namespace ralloc {

/// What a Block knows, for hands that do not know Block: free it with `ralloc::free(ptr, size)`,
/// or give it back to a Block with `Block::adopt`.
struct RawBlock {
  void* ptr = nullptr;
  std::size_t size = 0;   // in bytes
  std::size_t align = kDefaultAlignment;
};

namespace detail {

// Prints that the block cannot be split so, and aborts.
[[noreturn]] void die_of_split(const void* ptr) noexcept;

inline AllocError why_not(std::size_t size, std::size_t align) noexcept {
  const bool impossible = size > std::size_t{PTRDIFF_MAX} || align > std::size_t{PTRDIFF_MAX};
  return impossible ? AllocError::kImpossible : AllocError::kExhausted;
}

}  // namespace detail

/// A block of memory, or a part of one, that is this Block's alone. Its destructor frees it: to
/// forget one is no leak, and there is nothing to report. (An OOM handler that throws there, when
/// a part is freed and its record cannot be had, ends the program: call `free` before.)
///
/// \code
/// ralloc::Block block = ralloc::Block::alloc(200);
/// std::memset(block.data(), 1, block.size());
/// ralloc::Block tail = block.split(100);
/// std::thread elsewhere([part = std::move(tail)] { assert(part.size() == 100); });
/// elsewhere.join();
/// \endcode
class [[nodiscard]] RALLOC_CONSUMABLE(unconsumed) Block {
 public:
  /// An empty one.
  constexpr Block() noexcept RALLOC_RETURN_TYPESTATE(consumed) = default;
  Block(Block&& other) noexcept
      : ptr_(std::exchange(other.ptr_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        align_(other.align_),
        whole_(other.whole_) {}
  /// Frees what this Block had.
  Block& operator=(Block&& other) noexcept {
    Block old(std::move(other));
    swap(old);
    return *this;
  }
  ~Block() {
    if (ptr_ != nullptr) ralloc::free(ptr_, size_);
  }

  /// As `ralloc::alloc`: never fails, but calls the OOM handler when memory is exhausted.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(3000, 48);
  /// assert(reinterpret_cast<std::uintptr_t>(block.data()) % 48 == 0);
  /// \endcode
  static Block alloc(std::size_t size, std::size_t align = kDefaultAlignment)
      RALLOC_RETURN_TYPESTATE(unconsumed) {
    return Block(ralloc::alloc(size, align), size, align);
  }

  /// As `ralloc::try_alloc`: an error on failure.
  ///
  /// \code
  /// ralloc::Result<ralloc::Block> result = ralloc::Block::try_alloc(1000);
  /// if (result) std::memset(result->data(), 0, result->size());
  /// \endcode
  static Result<Block> try_alloc(std::size_t size,
                                 std::size_t align = kDefaultAlignment) noexcept {
    void* ptr = ralloc::try_alloc(size, align);
    if (ptr == nullptr) return detail::why_not(size, align);
    return Block(ptr, size, align);
  }

  /// Takes over a block, or a part of one, that nobody else will free. Two that were adopted
  /// are of one block for `merge` only if a split of a Block made both.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::adopt({ralloc::alloc(100), 100});
  /// assert(block.size() == 100);
  /// \endcode
  static Block adopt(RawBlock raw) noexcept RALLOC_RETURN_TYPESTATE(unconsumed) {
    return Block(raw.ptr, raw.size, raw.align);
  }

  /// Leaves this Block empty; the memory is the caller's to free, or to adopt.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(100);
  /// const ralloc::RawBlock raw = block.release();
  /// ralloc::free(raw.ptr, raw.size);
  /// \endcode
  [[nodiscard]] RawBlock release() noexcept RALLOC_CALLABLE_WHEN("unconsumed", "unknown")
      RALLOC_SET_TYPESTATE(consumed) {
    return {std::exchange(ptr_, nullptr), std::exchange(size_, 0), align_};
  }

  /// Frees the memory now, and leaves this Block empty. As `ralloc::free` it may call the OOM
  /// handler where a part is freed, which may throw; then this Block has the memory still.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(100);
  /// block.free();
  /// \endcode
  void free() RALLOC_CALLABLE_WHEN("unconsumed", "unknown") RALLOC_SET_TYPESTATE(consumed) {
    if (ptr_ != nullptr) ralloc::free(ptr_, size_);
    ptr_ = nullptr;
    size_ = 0;
  }

  /// Whether there is memory. One of no bytes has a pointer too.
  [[nodiscard]] explicit operator bool() const noexcept RALLOC_TEST_TYPESTATE(unconsumed) {
    return ptr_ != nullptr;
  }
  /// Where it is, how many bytes, and of what its address is a multiple.
  [[nodiscard]] void* data() const noexcept RALLOC_CALLABLE_WHEN("unconsumed", "unknown") {
    return ptr_;
  }
  [[nodiscard]] std::size_t size() const noexcept RALLOC_CALLABLE_WHEN("unconsumed", "unknown") {
    return size_;
  }
  [[nodiscard]] std::size_t align() const noexcept RALLOC_CALLABLE_WHEN("unconsumed", "unknown") {
    return align_;
  }

  /// Keeps the first `at` bytes and gives the rest as a Block of its own, whose alignment is what
  /// follows from this one's and from `at`. Nothing is allocated or freed: it costs a few
  /// instructions.
  ///
  /// \param at  1 to size() - 1; else it is fatal.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(200);
  /// ralloc::Block tail = block.split(150);
  /// assert(block.size() == 150 && tail.size() == 50);
  /// assert(tail.data() == static_cast<char*>(block.data()) + 150);
  /// \endcode
  Block split(std::size_t at) noexcept RALLOC_CALLABLE_WHEN("unconsumed", "unknown")
      RALLOC_RETURN_TYPESTATE(unconsumed) {
    if (whole_.end == 0) whole_ = {begin(), end()};
    if (at == 0 || at >= size_) [[unlikely]] detail::die_of_split(ptr_);
    // This Block grew since, and the tail would begin outside of the range.
    if (begin() + at >= whole_.end) whole_ = {begin(), end()};
    Block tail(static_cast<char*>(ptr_) + at, size_ - at, std::gcd(align_, at));
    tail.whole_ = whole_;
    size_ = at;
    return tail;
  }

  /// Takes over `other`, if the two are neighbours that a split made of one block, in either
  /// order: then this Block begins and is aligned as the lower one did. Else nothing changes hands.
  /// \return what was not taken over: an empty Block, or `other` as it was.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(200);
  /// ralloc::Block tail = block.split(150);
  /// tail = block.merge(std::move(tail));
  /// assert(!tail && block.size() == 200);
  /// \endcode
  Block merge(Block&& other) noexcept RALLOC_CALLABLE_WHEN("unconsumed", "unknown")
      RALLOC_RETURN_TYPESTATE(unknown) {
    join(other);
    return std::move(other);
  }

  /// Resizes in place where that is possible, and else moves, as `ralloc::realloc`: never fails,
  /// but calls the OOM handler when memory is exhausted. The first min(size(), new_size) bytes
  /// keep their contents.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(200);
  /// block.resize(100'000);
  /// assert(block.size() == 100'000);
  /// \endcode
  void resize(std::size_t new_size) RALLOC_CALLABLE_WHEN("unconsumed", "unknown")
      RALLOC_SET_TYPESTATE(unconsumed) {
    become(ralloc::realloc(ptr_, size_, new_size, align_), new_size);
  }

  /// As `resize`, but an error on failure; then all is as it was.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(200);
  /// ralloc::Result<void> done = block.try_resize(std::size_t{1} << 62);
  /// assert(done.error() == ralloc::AllocError::kExhausted && block.size() == 200);
  /// \endcode
  Result<void> try_resize(std::size_t new_size) noexcept
      RALLOC_CALLABLE_WHEN("unconsumed", "unknown") {
    void* ptr = ralloc::try_realloc(ptr_, size_, new_size, align_);
    if (ptr == nullptr) return detail::why_not(new_size, align_);
    become(ptr, new_size);
    return {};
  }

  /// As `ralloc::inplace_realloc`: false if it could not; then all is as it was. To no bytes is to
  /// free it: then this Block is empty.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(200);
  /// if (!block.inplace_resize(250)) block.resize(250);
  /// assert(block.size() == 250);
  /// \endcode
  [[nodiscard]] bool inplace_resize(std::size_t new_size) noexcept
      RALLOC_CALLABLE_WHEN("unconsumed", "unknown") {
    if (!ralloc::inplace_realloc(ptr_, size_, new_size)) return false;
    become(new_size == 0 ? nullptr : ptr_, new_size);
    return true;
  }

  /// As `ralloc::inplace_realloc_at_least`: takes what it can get of `preferred` bytes.
  /// \return false if not even `least` is to be had; then all is as it was.
  ///
  /// \code
  /// ralloc::Block block = ralloc::Block::alloc(200);
  /// if (!block.inplace_resize_at_least(250, 400)) block.resize(400);
  /// assert(block.size() >= 250 && block.size() <= 400);
  /// \endcode
  [[nodiscard]] bool inplace_resize_at_least(std::size_t least, std::size_t preferred) noexcept
      RALLOC_CALLABLE_WHEN("unconsumed", "unknown") {
    const std::size_t got = ralloc::inplace_realloc_at_least(ptr_, size_, least, preferred);
    if (got == 0) return false;
    become(ptr_, got);
    return true;
  }

  void swap(Block& other) noexcept {
    std::swap(ptr_, other.ptr_);
    std::swap(size_, other.size_);
    std::swap(align_, other.align_);
    std::swap(whole_, other.whole_);
  }

 private:
  // The addresses that a Block had when it was split or shrank first, for all that came of it,
  // each of which begins among them. So two that live with the same range came of one Block, and
  // addresses that are used again do not mislead: who had that range last had all of it, and none
  // can have begun there before and lived on.
  struct Range {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    bool operator==(const Range&) const noexcept = default;
  };

  Block(void* ptr, std::size_t size, std::size_t align) noexcept
      : ptr_(ptr), size_(size), align_(align) {}

  std::uintptr_t begin() const noexcept { return reinterpret_cast<std::uintptr_t>(ptr_); }
  std::uintptr_t end() const noexcept { return begin() + size_; }

  // After it was resized. One that moved is a whole block; one that shrank ends before its block.
  void become(void* ptr, std::size_t size) noexcept {
    if (ptr != ptr_) {
      whole_ = {};
    } else if (size < size_ && whole_.end == 0) {
      whole_ = {begin(), end()};
    }
    ptr_ = ptr;
    size_ = size;
  }

  void join(Block& other) noexcept {
    if (whole_.end == 0 || whole_ != other.whole_) return;
    if (other.end() == begin()) {
      ptr_ = other.ptr_;
      align_ = other.align_;
    } else if (end() != other.begin()) {
      return;
    }
    size_ += std::exchange(other.size_, 0);
    other.ptr_ = nullptr;
  }

  void* ptr_ = nullptr;
  std::size_t size_ = 0;
  std::size_t align_ = kDefaultAlignment;
  Range whole_;  // all zero until then
};

}  // namespace ralloc
