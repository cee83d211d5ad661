// What the ideas own: blocks and parts that know what is written in them, boxes, and the
// standard containers on ralloc. Where ralloc gives null they throw std::bad_alloc, and all is
// as it was.
//
// Thread safety: as the standard containers: one thread at a time for each.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "ralloc/ralloc.h"

namespace ralloc_test {

inline void* alloc_or_throw(std::size_t size, std::size_t align) {
  void* block = ralloc::try_alloc(size, align);
  if (block == nullptr) throw std::bad_alloc();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % align, 0u) << size << " at " << align;
  return block;
}

template <class T>
struct OnRalloc {
  using value_type = T;

  OnRalloc() = default;
  template <class U>
  OnRalloc(const OnRalloc<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(alloc_or_throw(n * sizeof(T), alignof(T))); }
  void deallocate(T* first, std::size_t n) { ralloc::free(first, n * sizeof(T)); }
  bool operator==(const OnRalloc&) const = default;
};

using Text = std::basic_string<char, std::char_traits<char>, OnRalloc<char>>;
template <class T>
using Vector = std::vector<T, OnRalloc<T>>;

struct FreeBox {
  template <class T>
  void operator()(T* value) const {
    value->~T();
    ralloc::free(value, sizeof(T));
  }
};
template <class T>
using Box = std::unique_ptr<T, FreeBox>;

template <class T>
Box<T> make_box(T value) {
  static_assert(std::is_nothrow_move_constructible_v<T>);
  return Box<T>(new (alloc_or_throw(sizeof(T), alignof(T))) T(std::move(value)));
}

// For what only a lack of memory may prevent.
inline void must(bool done) {
  if (!done) throw std::bad_alloc();
}

// A block, or a part of one, with a pattern that is checked whenever it is touched and when it
// is freed.
class Bytes {
 public:
  Bytes() = default;
  explicit Bytes(std::size_t size, std::size_t align = 1)
      : Bytes(alloc_or_throw(size, align), size, align) {}
  // All that a block for `size` bytes has.
  static Bytes at_least(std::size_t size, std::size_t align = 1) {
    const auto [begin, usable] = ralloc::try_alloc_at_least(size, align);
    if (begin == nullptr) throw std::bad_alloc();
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(begin) % align, 0u) << size << " at " << align;
    EXPECT_GE(usable, size);
    return Bytes(begin, usable, align);
  }
  Bytes(Bytes&& other) noexcept { swap(other); }
  Bytes& operator=(Bytes&& other) noexcept {
    Bytes(std::move(other)).swap(*this);
    return *this;
  }
  ~Bytes() { free(); }

  std::size_t size() const { return size_; }
  std::uintptr_t address() const { return reinterpret_cast<std::uintptr_t>(begin_); }

  void free() {
    if (begin_ == nullptr) return;
    check();
    ralloc::free(begin_, size_);
    begin_ = nullptr;
  }

  // To another size, here or elsewhere, still aligned.
  void resize(std::size_t size) { reallocate(size, align_); }
  // To another place, at a multiple of the alignment that this one is not at.
  void move_elsewhere() {
    std::size_t align = 0;
    for (const std::size_t factor : {2, 3, 5, 7, 11, 13}) {
      if (align == 0 && address() % (align_ * factor) != 0) align = align_ * factor;
    }
    const std::uintptr_t old = address();
    reallocate(size_, align != 0 ? align : align_);
    EXPECT_TRUE(align == 0 || address() != old) << "an old place at another alignment";
  }

  [[nodiscard]] bool resize_in_place(std::size_t size) {
    check();
    const bool done = ralloc::inplace_realloc(begin_, size_, size);
    if (done) take_size(size);
    check();
    return done;
  }
  // To a size in `least` to `preferred`; false if it stays as it was.
  [[nodiscard]] bool resize_in_place(std::size_t least, std::size_t preferred) {
    check();
    const std::size_t size =
        ralloc::inplace_realloc_at_least(begin_, size_, least, preferred);
    EXPECT_TRUE(size == 0 || (size >= least && size <= preferred));
    if (size != 0) take_size(size);
    check();
    return size != 0;
  }

  // Keeps the first `at` bytes; the rest, a part, is returned.
  [[nodiscard]] Bytes split(std::size_t at) {
    Bytes rest;
    rest.begin_ = begin_ + at;
    rest.size_ = std::exchange(size_, at) - at;
    rest.key_ = key_ + at;
    return rest;
  }

  // Takes back what was split off.
  void join(Bytes&& rest) {
    EXPECT_EQ(address() + size_, rest.address());
    size_ += std::exchange(rest.size_, 0);
    rest.begin_ = nullptr;
  }

  void check() const {
    if (begin_ == nullptr) return;
    for_each_chunk(0, [this](std::size_t at, const unsigned char* expected, std::size_t n) {
      if (std::memcmp(begin_ + at, expected, n) == 0) return;
      while (*expected == begin_[at]) ++expected, ++at;
      ADD_FAILURE() << "byte " << at << " differs, of " << size_ << " at " << align_;
    });
  }

  void swap(Bytes& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    std::swap(align_, other.align_);
    std::swap(key_, other.key_);
  }

 private:
  Bytes(void* begin, std::size_t size, std::size_t align)
      : begin_(static_cast<unsigned char*>(begin)), size_(size), align_(align), key_(next_key()) {
    write(0);
  }

  // The stores of the pattern are plain, and so is all that hands a block over inside ralloc:
  // nothing here may order one thread's bytes before another's.
  static std::uint64_t next_key() {
    static std::atomic<std::uint64_t> count{0};
    return count.fetch_add(1, std::memory_order_relaxed) << 32;
  }
  // What the bytes from there on are, many at a time: a sanitizer looks at as many in one call.
  template <class Function>
  void for_each_chunk(std::size_t from, const Function& function) const {
    unsigned char bytes[512];
    for (std::size_t at = from; at < size_; at += sizeof bytes) {
      const std::size_t left = size_ - at, n = left < sizeof bytes ? left : sizeof bytes;
      const std::uint64_t key = key_ + at;
      for (std::size_t i = 0; i < n; ++i) {
        bytes[i] = static_cast<unsigned char>(((key + i) * 0x9e3779b97f4a7c15) >> 56);
      }
      function(at, bytes, n);
    }
  }
  void write(std::size_t from) {
    for_each_chunk(from, [this](std::size_t at, const unsigned char* bytes, std::size_t n) {
      std::memcpy(begin_ + at, bytes, n);
    });
  }
  // The bytes up to the smaller of the two sizes are the old ones.
  void take_size(std::size_t size) {
    const std::size_t old_size = std::exchange(size_, size < size_ ? size : size_);
    check();
    size_ = size;
    if (size > old_size) write(old_size);
  }
  void reallocate(std::size_t size, std::size_t align) {
    check();
    void* moved = ralloc::try_realloc(begin_, size_, size, align);
    if (moved == nullptr) {
      check();
      throw std::bad_alloc();
    }
    begin_ = static_cast<unsigned char*>(moved);
    EXPECT_EQ(address() % align, 0u) << size_ << " to " << size << " at " << align;
    take_size(size);
  }

  unsigned char* begin_ = nullptr;
  std::size_t size_ = 0;
  std::size_t align_ = 1;  // a part promises none
  std::uint64_t key_ = 0;
};

// --- Reallocation of what an idea owns -----------------------------------------------------------

inline void move_elsewhere(Bytes& bytes) { bytes.move_elsewhere(); }
template <class T>
void move_elsewhere(Box<T>& box) {
  box = make_box(std::move(*box));
}
// A container gets all its memory anew; so do blocks and boxes in it.
template <class Container>
void move_elsewhere(Container& container) {
  if constexpr (std::copy_constructible<typename Container::value_type>) {
    Container copy(container);
    container.swap(copy);
  } else {
    Container moved;
    for (auto& element : container) {
      move_elsewhere(element);
      moved.insert(moved.end(), std::move(element));
    }
    container.swap(moved);
  }
}

}  // namespace ralloc_test
