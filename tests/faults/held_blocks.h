// Blocks that a test holds, with contents that are checked whenever one is touched.
//
// Thread safety: none. Allocates nothing itself: it is made for when there is no memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ralloc_test {

class HeldBlocks {
 public:
  static constexpr std::size_t kMost = 4096;

  std::size_t count() const { return count_; }
  // Calls that gave null.
  std::size_t refused() const { return refused_; }

  void allocate(std::size_t size, std::size_t align = 16);
  void allocate_zeroed(std::size_t size);
  // Resizes the newest block; if that is refused it is as it was.
  void resize_newest(std::size_t size);
  void free_newest();
  // Frees each block whose number is `remainder` modulo `divisor`.
  void free_each(std::size_t divisor, std::size_t remainder);
  void free_all() { free_each(1, 0); }
  void check_all() const;

 private:
  struct Block {
    unsigned char* begin = nullptr;
    std::size_t size = 0;
    std::size_t written = 0;  // of it carries the stamp
    std::uint64_t stamp = 0;
  };

  // Of each block so much is written: enough to know it by, for less than all of its pages.
  static constexpr std::size_t kMostWritten = 100'000;

  void hold(void* begin, std::size_t size);
  void check(const Block& block) const;
  void free(const Block& block);

  Block blocks_[kMost];
  std::size_t count_ = 0;
  std::size_t refused_ = 0;
  std::uint64_t stamps_ = 0;
};

}  // namespace ralloc_test
