// Blocks of every kind (small, medium, large), allocated at one moment of a process's life
// and checked and freed at another.
//
// Thread safety: one thread at a time for each object; different threads may use it in turn.
// Constant-initialised, so that it serves before any constructor has run.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "support/process.h"

namespace ralloc_test {

class KeptBlocks {
 public:
  constexpr KeptBlocks() = default;

  void allocate(unsigned char tag) {
    REQUIRE(!held());
    tag_ = tag;
    for (std::size_t i = 0; i < kCount; ++i) {
      blocks_[i] = static_cast<unsigned char*>(std::malloc(kSizes[i]));
      REQUIRE(blocks_[i] != nullptr);
      std::memset(blocks_[i], tag, kSizes[i]);
    }
  }

  bool held() const { return blocks_[0] != nullptr; }

  void check() const {
    REQUIRE(held());
    for (std::size_t i = 0; i < kCount; ++i) {
      REQUIRE(is_filled(blocks_[i], kSizes[i], tag_));
    }
  }

  void check_and_free() {
    check();
    for (unsigned char*& block : blocks_) {
      std::free(block);
      block = nullptr;
    }
  }

 private:
  static constexpr std::size_t kSizes[] = {1, 24, 100, 1000, 5000, 32768, 70000};
  static constexpr std::size_t kCount = sizeof kSizes / sizeof kSizes[0];

  unsigned char* blocks_[kCount] = {};
  unsigned char tag_ = 0;
};

}  // namespace ralloc_test
