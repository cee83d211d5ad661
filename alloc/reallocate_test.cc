// A block changes its size: in place where it can, else by its bytes or its pages, and never
// loses its contents.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "alloc/allocator.h"
#include "shim/os.h"
#include "tests/support/build.h"
#include "tests/support/process.h"
#include "tests/support/residency.h"
#include "tests/support/seed.h"

namespace ralloc {
namespace {

using ralloc_test::is_filled;
using ralloc_test::Random;
using ralloc_test::resident_bytes_of;

constexpr std::size_t kPage = std::size_t{1} << Config::kPageShift;
// A size that moves by its pages; of half of it a block is copied.
constexpr std::size_t kRemapBytes = [] {
  std::size_t size = 2 * kPage;
  while (!Config::moves_by_pages(size)) size *= 2;
  return size;
}();

std::size_t usable(const void* block) { return usable_size(block, Misuse::kForeignUsableSize); }

// A block full of bytes that differ from place to place.
class Filled {
 public:
  explicit Filled(std::size_t size, std::size_t align = kGrain)
      : block_(allocate_aligned(size, align)), size_(size) {
    fill(0);
  }
  ~Filled() { deallocate(block_); }
  Filled(const Filled&) = delete;
  void* get() const { return block_; }

  // Whether it stayed where it was.
  bool resize(std::size_t size, std::size_t align = kGrain) {
    void* const old = block_;
    block_ = align <= kGrain ? reallocate_hit(old, size) : nullptr;
    if (block_ == nullptr) block_ = reallocate(old, size, align);
    EXPECT_NE(block_, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block_) % align, 0u);
    EXPECT_GE(usable(block_), size);
    const std::size_t kept = std::min(size, size_);
    EXPECT_TRUE(is_intact(kept)) << size_ << " to " << size;
    size_ = size;
    fill(kept);
    return block_ == old;
  }
  bool is_intact() const { return is_intact(size_); }

 private:
  // Words, so that it is fast; each is its own index.
  bool is_intact(std::size_t size) const {
    const auto* words = static_cast<const std::uint64_t*>(block_);
    for (std::size_t i = 0; i < size / 8; ++i) {
      if (words[i] != i) return false;
    }
    return true;
  }
  void fill(std::size_t from) {
    auto* words = static_cast<std::uint64_t*>(block_);
    for (std::size_t i = from / 8; i < size_ / 8; ++i) words[i] = i;
  }

  void* block_;
  std::size_t size_;
};

// A block with another one behind it, so that it cannot grow where it is.
class Hemmed {
 public:
  // The one dirty run is what both are taken from.
  explicit Hemmed(std::size_t size) {
    trim();
    deallocate(std::memset(allocate(size + kPage), 1, size + kPage));
    block = std::make_unique<Filled>(size);
    after_ = std::make_unique<Filled>(kPage);
    EXPECT_EQ(static_cast<char*>(block->get()) + size, after_->get());
  }
  ~Hemmed() { EXPECT_TRUE(block->is_intact() && after_->is_intact()); }

  std::unique_ptr<Filled> block;

 private:
  std::unique_ptr<Filled> after_;
};

class ReallocateTest : public testing::Test {
 protected:
  ReallocateTest() { trim(); }
  ~ReallocateTest() override { EXPECT_TRUE(bookkeeper.is_valid()); }
};

TEST_F(ReallocateTest, StaysWhereItFits) {
  for (const std::size_t size : {1, 10, 16, 100, 1024, 5000, 32768}) {
    Filled block(size);
    EXPECT_TRUE(block.resize(usable(block.get())));
    EXPECT_TRUE(block.resize(usable(block.get()) / 2 + 1));
    EXPECT_TRUE(block.resize(usable(block.get())));
  }
}

TEST_F(ReallocateTest, StaysInTheSmallestBlock) {
  Filled block(16);
  EXPECT_TRUE(block.resize(1));
  EXPECT_TRUE(block.resize(16));
}

TEST_F(ReallocateTest, MovesWhereMostOfTheBlockWouldBeWasted) {
  Filled block(1024);
  EXPECT_FALSE(block.resize(512));
  EXPECT_EQ(usable(block.get()), 512u);
}

TEST_F(ReallocateTest, KeepsItsContentsThroughEverySize) {
  const std::size_t sizes[] = {1,     16,     17,      1000,    1025,      32768,    32769,
                               kPage, 500'000, 524'288, 600'000, 5'000'000, 50'000'000};
  for (const std::size_t from : sizes) {
    for (const std::size_t to : sizes) {
      Filled block(from);
      block.resize(to);
    }
  }
}

TEST_F(ReallocateTest, GrowsIntoAFreeNeighbour) {
  Hemmed both(8 * kPage);
  EXPECT_TRUE(both.block->resize(3 * kPage));
  EXPECT_TRUE(both.block->resize(4 * kPage)) << "a part of it";
  EXPECT_EQ(usable(both.block->get()), 6 * kPage) << "and half as much ahead";
  EXPECT_TRUE(both.block->resize(8 * kPage)) << "all of it, which has no more";
  EXPECT_FALSE(both.block->resize(9 * kPage)) << "not one that lives";
}

TEST_F(ReallocateTest, LeavesRoomToGrowWhereItHadToMove) {
  Hemmed both(40 * kPage);
  ASSERT_FALSE(both.block->resize(80 * kPage));
  EXPECT_TRUE(both.block->resize(89 * kPage));
}

// Below the limit it is copied, above it is remapped: either way it stays whole, and what it
// leaves is free, and reads as zeros where the ledger says so.
TEST_F(ReallocateTest, MovesByBytesOrByPages) {
  for (const std::size_t size : {kRemapBytes / 2, 8 * kRemapBytes}) {
    Hemmed both(size);
    void* const old = both.block->get();
    ASSERT_FALSE(both.block->resize(2 * size));
    void* zeroed = allocate_zeroed(size);
    EXPECT_EQ(zeroed, old) << "its place is free";
    EXPECT_TRUE(is_filled(zeroed, size, 0));
    deallocate(zeroed);
  }
}

TEST_F(ReallocateTest, RemappedBlockLeavesNoBackingBehind) {
  if (ralloc_test::kPosix) GTEST_SKIP() << "it is copied where pages cannot be moved";
  Hemmed both(32 * kMiB);
  void* const old = both.block->get();
  ASSERT_EQ(resident_bytes_of(old, 32 * kMiB), 32 * kMiB);
  ASSERT_FALSE(both.block->resize(64 * kMiB));
  EXPECT_EQ(resident_bytes_of(old, 32 * kMiB), 0u);
}

TEST_F(ReallocateTest, BlockThatMovedByItsPagesShrinksAndGrowsLikeOthers) {
  Hemmed both(40 * kPage);
  ASSERT_FALSE(both.block->resize(80 * kPage));
  EXPECT_TRUE(both.block->resize(30 * kPage));
  EXPECT_LE(usable(both.block->get()), 30 * kPage + Config::kSector) << "the rest went home";
  both.block->resize(300 * kPage);
  both.block->resize(1000);
  EXPECT_EQ(usable(both.block->get()), usable_size_for(1000));
}

TEST_F(ReallocateTest, BlockThatMovedByItsPagesGrowsInPlaceIfTheAddressesBehindItAreFree) {
  if (ralloc_test::kPosix) GTEST_SKIP() << "no block gets a mapping of its own";
  Hemmed both(40 * kPage);
  ASSERT_FALSE(both.block->resize(80 * kPage));
  for (int i = 0; i < 4; ++i) {
    char* const begin = static_cast<char*>(both.block->get());
    const std::size_t size = usable(begin);
    const bool is_free = os::reserve_at(begin + size, Config::kSector);
    if (is_free) os::release(begin + size, Config::kSector);
    EXPECT_EQ(both.block->resize(size + kPage), is_free);
    EXPECT_TRUE(!is_free || usable(begin) == size + Config::kSector);
    EXPECT_TRUE(!is_free || reallocate_hit(begin, size + kPage) == begin) << "it grows into that";
  }
}

TEST_F(ReallocateTest, ShrinksInPlaceAndFreesTheRest) {
  Filled block(100 * kPage);
  const Filled after(kPage);
  EXPECT_TRUE(block.resize(40 * kPage));
  EXPECT_EQ(usable(block.get()), 40 * kPage);
  void* rest = allocate(60 * kPage);
  EXPECT_EQ(static_cast<char*>(rest) - static_cast<char*>(block.get()), 40 * kPage);
  std::memset(rest, 0xff, 60 * kPage);
  EXPECT_TRUE(block.is_intact());
  deallocate(rest);
  EXPECT_TRUE(block.resize(100 * kPage)) << "and back";
}

TEST_F(ReallocateTest, SmallCutsOfLargeBlocksStay) {
  Filled block(100 * kPage);
  EXPECT_TRUE(block.resize(95 * kPage));
  EXPECT_EQ(usable(block.get()), 100 * kPage);
}

// What it took ahead it grows into, and gives back once it shrinks.
TEST_F(ReallocateTest, WhatIsTakenAheadIsKeptWhileItGrows) {
  Filled block(kPage);
  void* const begin = block.get();
  EXPECT_TRUE(block.resize(8 * kPage));
  ASSERT_EQ(usable(begin), 12 * kPage);
  for (std::size_t pages = 8; pages <= 12; ++pages) {
    EXPECT_EQ(reallocate_hit(begin, pages * kPage - 1), begin);
    EXPECT_EQ(reallocate_hit(begin, pages * kPage), begin);
    EXPECT_EQ(usable(begin), 12 * kPage);
  }
  EXPECT_EQ(reallocate_hit(begin, 12 * kPage + 1), nullptr);
  EXPECT_EQ(reallocate_hit(begin, 7 * kPage), nullptr) << "so much was not ahead";
  EXPECT_TRUE(block.resize(7 * kPage));
  EXPECT_EQ(usable(begin), 7 * kPage);
}

TEST_F(ReallocateTest, WhatWasNotTakenAheadIsGivenBack) {
  Filled block(12 * kPage);
  EXPECT_EQ(reallocate_hit(block.get(), 9 * kPage), nullptr);
  EXPECT_TRUE(block.resize(9 * kPage));
  EXPECT_EQ(usable(block.get()), 9 * kPage);
}

TEST_F(ReallocateTest, LittleIsTakenAheadByALongBlock) {
  Filled block(100 * kPage);
  EXPECT_TRUE(block.resize(101 * kPage));
  EXPECT_EQ(usable(block.get()), 101 * kPage + 4 * kPage);
}

TEST_F(ReallocateTest, NoHitIsTooLarge) {
  const Filled block(100 * kPage);
  for (const std::size_t size : {SIZE_MAX, SIZE_MAX - kPage + 2, SIZE_MAX - kPage + 1, kSizeMost + 1}) {
    EXPECT_EQ(reallocate_hit(block.get(), size), nullptr) << size;
  }
}

TEST_F(ReallocateTest, NoHitIsInsideABlockOrHasFreedParts) {
  char* const block = static_cast<char*>(allocate(2 * kPage));
  EXPECT_EQ(reallocate_hit(block + kGrain, 2 * kPage), nullptr);
  EXPECT_EQ(reallocate_hit(block, 2 * kPage), block);
  ASSERT_TRUE(bookkeeper.give_large_part(block + kGrain, kGrain, false));
  EXPECT_EQ(reallocate_hit(block, kPage), nullptr);
  EXPECT_EQ(reallocate_hit(block, 2 * kPage), nullptr);
  ASSERT_TRUE(bookkeeper.give_large_part(block, kGrain, false));
  ASSERT_TRUE(bookkeeper.give_large_part(block + 2 * kGrain, 2 * kPage - 2 * kGrain, false));
}

TEST_F(ReallocateTest, NoHitIsFreed) {
  void* const block = allocate(2 * kPage);
  deallocate(block);
  EXPECT_EQ(reallocate_hit(block, 2 * kPage), nullptr);
}

TEST_F(ReallocateTest, KeepsOrChangesTheAlignment) {
  for (const std::size_t from : {16, 256, 4096, 65536, 262144}) {
    for (const std::size_t to : {16, 512, 32768, 131072, 1048576}) {
      for (const std::size_t size : {100, 20'000, 300'000, 3'000'000}) {
        Filled block(size, from);
        block.resize(size * 3, to);
        block.resize(size / 3, to);
      }
    }
  }
}

TEST_F(ReallocateTest, LeavesTheBlockAloneWhereItFails) {
  for (const std::size_t size : {100, 1'000'000}) {
    const Filled block(size);
    EXPECT_EQ(reallocate(block.get(), SIZE_MAX, kGrain), nullptr);
    EXPECT_EQ(reallocate(block.get(), PTRDIFF_MAX, kGrain), nullptr);
    EXPECT_EQ(reallocate(block.get(), std::size_t{1} << 46, kGrain), nullptr);
    EXPECT_TRUE(block.is_intact());
    EXPECT_GE(usable(block.get()), size);
  }
}

// A buffer that is appended to by eighths of it: how often it moved.
int moves_to(Filled& block, std::size_t size) {
  int moves = 0;
  while (usable(block.get()) < size) {
    moves += !block.resize(usable(block.get()) + usable(block.get()) / 8);
  }
  return moves;
}

std::size_t early_bytes() { return bookkeeper.ledger().early().drawn(); }
// Another thread, which knows of no block that it grows.
void afresh(const std::function<void()>& body) { std::thread(body).join(); }
// A block of 4 KiB or more that has a page.
std::unique_ptr<Filled> early_block() {
  auto block = std::make_unique<Filled>(64);
  moves_to(*block, Config::kEarlyLeast + 1);
  EXPECT_EQ(usable(block->get()), kPage);
  return block;
}

TEST_F(ReallocateTest, GetsTwiceAsMuchWhenItGrowsAgain) {
  afresh([] {
    Filled block(64), other(64), once(1000);
    ASSERT_FALSE(block.resize(65));
    EXPECT_EQ(usable(block.get()), 80u) << "it may never grow again";
    ASSERT_FALSE(other.resize(65));
    ASSERT_FALSE(once.resize(1009));
    EXPECT_EQ(usable(once.get()), 1280u);
    for (std::size_t size = 80; size < 2048; size *= 2) {
      EXPECT_FALSE(block.resize(size + 1));
      EXPECT_EQ(usable(block.get()), 2 * size);
      EXPECT_FALSE(other.resize(size + 1)) << "by turns";
      EXPECT_EQ(usable(other.get()), 2 * size);
    }
  });
}

TEST_F(ReallocateTest, StaysSmallWhileItIsSmall) {
  afresh([] {
    Filled block(28 * 1024);
    ASSERT_FALSE(block.resize(28 * 1024 + 1));
    EXPECT_EQ(usable(block.get()), kSmallMost);
  });
}

TEST_F(ReallocateTest, GrowsInAPageLongBeforeItFillsIt) {
  Filled block(64);
  EXPECT_LE(moves_to(block, Config::kEarlyLeast + 1), 10);
  EXPECT_EQ(usable(block.get()), kPage);
  EXPECT_EQ(early_bytes(), kPage);
  for (std::size_t size = 4096; size <= kSmallMost; size += 512) EXPECT_TRUE(block.resize(size));
  EXPECT_EQ(early_bytes(), kPage);
  EXPECT_TRUE(block.resize(kSmallMost + 1));
  EXPECT_EQ(early_bytes(), 0u) << "it would have one now in any case";
  EXPECT_TRUE(block.resize(2 * kPage));
  EXPECT_TRUE(block.resize(4 * kPage)) << "there is room";
}

TEST_F(ReallocateTest, SomeBlocksAtATimeGrowSo) {
  std::vector<std::unique_ptr<Filled>> blocks;
  while (early_bytes() + kPage <= Config::kEarlyMost) blocks.push_back(early_block());
  EXPECT_GE(blocks.size(), 4u);
  Filled other(64);
  moves_to(other, kSmallMost);
  EXPECT_EQ(usable(other.get()), kSmallMost);
  // Freed by any thread, or too large for a small block, it makes room for another.
  afresh([&] { blocks.pop_back(); });
  EXPECT_EQ(early_bytes(), blocks.size() * kPage);
  blocks.push_back(early_block());
  EXPECT_TRUE(blocks.front()->resize(kPage));
  blocks.push_back(early_block());
  blocks.clear();
  EXPECT_EQ(early_bytes(), 0u);
}

TEST_F(ReallocateTest, LeavesItsPageWhereItShrinks) {
  const auto block = early_block();
  afresh([&] { EXPECT_TRUE(block->resize(5000)); });
  const std::size_t least = Config::kEarlyLeast / 2;
  EXPECT_TRUE(block->resize(Config::kEarlyLeast));
  EXPECT_FALSE(block->resize(least));
  EXPECT_EQ(usable(block->get()), usable_size_for(least));
  EXPECT_EQ(early_bytes(), 0u);
}

// What was a small block's page is that of a large one, which shrinks as all do.
TEST_F(ReallocateTest, WhatGrewFromAPageIsNotKeptWhole) {
  const auto block = early_block();
  afresh([&] { block->resize(64 * kPage); });
  block->resize(3000);
  EXPECT_EQ(usable(block->get()), usable_size_for(3000));
}

// Remapping leaves the kernel's mappings in pieces, which later blocks lie across.
TEST_F(ReallocateTest, FollowsTheModelThroughRandomSizes) {
  Random random(ralloc_test::new_seed());
  std::vector<std::unique_ptr<Filled>> blocks;
  for (int i = 0; i < 10; ++i) blocks.push_back(std::make_unique<Filled>(random.below(kMiB)));
  for (int step = 0; step < 400; ++step) {
    std::unique_ptr<Filled>& block = blocks[random.below(blocks.size())];
    if (random.below(5) == 0) {
      block = std::make_unique<Filled>(1 + random.below(4 * kMiB));
    } else {
      block->resize(1 + random.below(std::size_t{1} << (4 + random.below(20))));
    }
    if (random.below(40) == 0) trim();
  }
  for (const auto& block : blocks) EXPECT_TRUE(block->is_intact());
}

}  // namespace
}  // namespace ralloc
