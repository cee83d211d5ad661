// A block that is filled with a stamp once it is allocated and compared before it is freed.
//
// The stores are plain: where a block comes from one thread's free to another's allocation
// without an edge of the allocator between, they race, and ThreadSanitizer sees user bytes. The
// block alone is handed from thread to thread; its size and stamp lie in its first words.
//
// Thread safety: one thread at a time, like the block.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <utility>

#include "ralloc/ralloc.h"
#include "stress/random.h"

namespace ralloc_stress {

class StampedBlock {
 public:
  static constexpr std::size_t kLeast = 16;
  static constexpr std::size_t kMost = std::size_t{1} << 30;

  StampedBlock() = default;
  StampedBlock(Random& random, std::size_t size) : words_(begin_of(ralloc::alloc(size))) {
    stamp(random.next(), size);
  }
  // One that another thread has released.
  explicit StampedBlock(void* released) : words_(begin_of(released)) {}
  StampedBlock(StampedBlock&& other) noexcept : words_(other.release()) {}
  StampedBlock& operator=(StampedBlock&& other) noexcept {
    std::swap(words_, other.words_);
    return *this;
  }
  ~StampedBlock() { reset(); }

  explicit operator bool() const { return words_ != nullptr; }
  std::size_t size() const { return std::size_t(words_[0] ^ cover()); }

  // Checks the stamp and frees the block.
  void reset() {
    if (words_ == nullptr) return;
    check(size());
    ralloc::free(words_, size());
    words_ = nullptr;
  }
  // As realloc, with another stamp afterwards.
  void resize(Random& random, std::size_t size) {
    const std::size_t old_size = this->size();
    check(old_size);
    const std::uint64_t first = words_[0];
    words_ = begin_of(ralloc::realloc(words_, old_size, size));
    if (words_[0] != first) fail(old_size, 0);
    check_words(old_size, size);
    stamp(random.next(), size);
  }
  // Cuts the block after `at` bytes, a multiple of 8: what lies behind is a part by itself.
  [[nodiscard]] StampedBlock split(Random& random, std::size_t at) {
    const std::size_t all = size();
    check(all);
    StampedBlock rest(static_cast<void*>(words_ + at / 8));
    rest.stamp(random.next(), all - at);
    stamp(random.next(), at);
    return rest;
  }
  void check() const { check(size()); }
  // The block is somebody else's now, who makes it a StampedBlock again.
  [[nodiscard]] std::uint64_t* release() { return std::exchange(words_, nullptr); }

 private:
  // All of a block up to this size is stamped; above, its two ends and a word of each OS page.
  static constexpr std::size_t kWhole = 4096;
  static constexpr std::size_t kEnd = 256;
  static constexpr std::size_t kStride = 4096;

  static std::uint64_t* begin_of(void* block) { return static_cast<std::uint64_t*>(block); }
  // Hides the size, so that a first word that is not ours shows.
  std::uint64_t cover() const {
    return mixed(words_[1] ^ reinterpret_cast<std::uintptr_t>(words_));
  }

  // Calls visit(word) for the words to be stamped after the first two.
  template <class Visit>
  static void for_words(std::size_t size, Visit visit) {
    const std::size_t words = size / 8;
    if (size <= kWhole) {
      for (std::size_t w = 2; w < words; ++w) visit(w);
      return;
    }
    for (std::size_t w = 2; w < kEnd / 8; ++w) visit(w);
    for (std::size_t w = kStride / 8; w < words; w += kStride / 8) visit(w);
    for (std::size_t w = words - kEnd / 8; w < words; ++w) visit(w);
  }

  void stamp(std::uint64_t key, std::size_t size) {
    words_[1] = key;
    words_[0] = size ^ cover();
    for_words(size, [&](std::size_t w) { words_[w] = key + w; });
    auto* const bytes = reinterpret_cast<unsigned char*>(words_);
    for (std::size_t b = size / 8 * 8; b < size; ++b) bytes[b] = static_cast<unsigned char>(key);
  }
  void check(std::size_t size) const {
    if (size < kLeast || size > kMost) fail(0, 0);
    check_words(size, size);
    auto* const bytes = reinterpret_cast<const unsigned char*>(words_);
    for (std::size_t b = size / 8 * 8; b < size; ++b) {
      if (bytes[b] != static_cast<unsigned char>(words_[1])) fail(size, b);
    }
  }
  // Those words of the stamp for `size` bytes that lie in the first `kept` bytes.
  void check_words(std::size_t size, std::size_t kept) const {
    const std::uint64_t key = words_[1];
    for_words(size, [&](std::size_t w) {
      if (w < kept / 8 && words_[w] != key + w) fail(size, w * 8);
    });
  }

  [[noreturn]] void fail(std::size_t size, std::size_t byte) const {
    std::fprintf(stderr, "FAILED: the block %p of %zu bytes lost its stamp at byte %zu\n",
                 static_cast<const void*>(words_), size, byte);
    // Another thread may be about to report the race that did it.
    std::this_thread::sleep_for(std::chrono::seconds(1));
    std::abort();
  }

  std::uint64_t* words_ = nullptr;
};

}  // namespace ralloc_stress
