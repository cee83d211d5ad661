#include "faults/held_blocks.h"

#include <algorithm>

#include "faults/failable.h"
#include "model/stamp.h"
#include "support/process.h"

namespace ralloc_test {

void HeldBlocks::allocate(std::size_t size, std::size_t align) {
  void* block = try_allocate(size, align, unsigned(count_));
  REQUIRE(reinterpret_cast<std::uintptr_t>(block) % align == 0);
  hold(block, size);
}

void HeldBlocks::allocate_zeroed(std::size_t size) {
  void* block = try_allocate_zeroed(size);
  REQUIRE(block == nullptr || is_filled(block, size, 0));
  hold(block, size);
}

void HeldBlocks::hold(void* begin, std::size_t size) {
  if (begin == nullptr) {
    ++refused_;
    return;
  }
  REQUIRE(count_ < kMost);
  Block& block = blocks_[count_++];
  block.begin = static_cast<unsigned char*>(begin);
  block.size = size;
  block.written = std::min(size, kMostWritten);
  block.stamp = ++stamps_ * 0xd6e8feb86659fd93;
  write_stamp(block.begin, block.written, 0, block.stamp);
}

void HeldBlocks::resize_newest(std::size_t size) {
  if (count_ == 0) return;
  Block& block = blocks_[count_ - 1];
  check(block);
  void* moved = try_resize(block.begin, block.size, size);
  if (moved == nullptr) {
    ++refused_;
    check(block);
    return;
  }
  block.begin = static_cast<unsigned char*>(moved);
  block.size = size;
  const std::size_t kept = std::min(block.written, size);
  block.written = kept;
  check(block);
  block.written = std::min(size, kMostWritten);
  write_stamp(block.begin + kept, block.written - kept, kept, block.stamp);
}

void HeldBlocks::free_newest() {
  if (count_ != 0) free(blocks_[--count_]);
}

void HeldBlocks::free_each(std::size_t divisor, std::size_t remainder) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    if (i % divisor == remainder) {
      free(blocks_[i]);
    } else {
      blocks_[kept++] = blocks_[i];
    }
  }
  count_ = kept;
}

void HeldBlocks::free(const Block& block) {
  check(block);
  give_back(block.begin, block.size);
}

void HeldBlocks::check(const Block& block) const {
  REQUIRE(find_damage(block.begin, block.written, 0, block.stamp) == block.written);
}

void HeldBlocks::check_all() const {
  for (std::size_t i = 0; i < count_; ++i) check(blocks_[i]);
}

}  // namespace ralloc_test
