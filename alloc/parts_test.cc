// Parts of blocks, alignments of every kind, and resizing in place, through the C++ API.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "alloc/allocator.h"
#include "ralloc/ralloc.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/residency.h"
#include "tests/support/seed.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::kExactSizes;
using ralloc_test::Random;

std::size_t held_bytes() {
  // What lies freed for a while is held, too.
  if constexpr (kSecure) bookkeeper.release_quarantined();
  flush_this_pool();
  const auto counts = bookkeeper.counts();
  return counts.shards.blocks_bytes + counts.large_bytes();
}

char* chars(void* p) { return static_cast<char*>(p); }
std::uintptr_t number(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

// Sizes of every kind: with slack and without, in each range, large ones too.
const std::vector<std::size_t> kSomeSizes = {1,     2,     15,    16,     17,     63,     64,
                                             200,   208,   1000,  1024,   1025,   1152,   5000,
                                             8192,  20000, 32767, 32768,  32769,  65536,  100000,
                                             131072, 300000, 1000000};

TEST(PartsTest, TheLastPartBringsTheBlockHome) {
  for (const std::size_t size : kSomeSizes) {
    if (size < 2) continue;
    for (const std::size_t cut : {std::size_t{1}, size / 2, size - 1}) {
      const std::size_t before = held_bytes();
      char* block = chars(alloc(size));
      std::memset(block, 1, size);
      EXPECT_GT(held_bytes(), before);
      ralloc::free(block, cut);
      ralloc::free(block + cut, size - cut);
      EXPECT_EQ(held_bytes(), before) << size << " cut at " << cut;
      block = chars(alloc(size));
      ralloc::free(block + cut, size - cut);
      ralloc::free(block, cut);
      EXPECT_EQ(held_bytes(), before) << size << " cut at " << cut << ", last part first";
    }
  }
}

TEST(PartsTest, ThreadsFreeTheBytesOfABlockInAnyOrder) {
  const std::size_t before = held_bytes();
  for (const std::size_t size : {200, 1000, 5000, 200'000}) {
    char* block = chars(alloc(size));
    const std::size_t step = size / 40;
    ralloc_test::in_threads(4, [&](unsigned thread) {
      for (std::size_t i = thread; i < 40; i += 4) ralloc::free(block + i * step, step);
    });
    EXPECT_EQ(held_bytes(), before) << size;
  }
}

TEST(PartsTest, EachPageOfALargeBlockIsThereForOthersAtOnce) {
  (void)trim();
  constexpr std::size_t kPages = 40;
  char* block = chars(alloc(kPages * kPage));
  const std::size_t dirty = bookkeeper.counts().ledger.dirty_bytes;
  ralloc::free(block + 3 * kPage, 5 * kPage);
  EXPECT_EQ(bookkeeper.counts().ledger.dirty_bytes, dirty + 5 * kPage);
  // And in a page that stays, the OS has what it can have.
  std::memset(block, 1, kPage);
  ASSERT_EQ(ralloc_test::resident_bytes_of(block, kPage), kPage);
  ralloc::free(block + 5000, 20000);
  EXPECT_LE(ralloc_test::resident_bytes_of(block, kPage), kPage - 12000);
  EXPECT_EQ(block[4999], 1);
  EXPECT_EQ(block[25000], 1);
  ralloc::free(block, 5000);
  ralloc::free(block + 25000, 3 * kPage - 25000);
  ralloc::free(block + 8 * kPage, (kPages - 8) * kPage);
}

TEST(PartsTest, EveryAlignmentIsKept) {
  const std::size_t before = held_bytes();
  for (const std::size_t align : {1, 2, 3, 7, 24, 30, 48, 80, 1000, 4097, 12288, 40000, 65536,
                                  100000, 131072, 196608}) {
    for (const std::size_t size : kSomeSizes) {
      void* kept[6];
      for (void*& block : kept) {
        block = alloc(size, align);
        ASSERT_EQ(number(block) % align, 0u) << size << " at " << align;
        std::memset(block, 1, size);
      }
      for (void* block : kept) ralloc::free(block, size);
    }
    EXPECT_EQ(held_bytes(), before) << align;
  }
}

TEST(PartsTest, BlocksOfNoBytesAtAnyAlignmentAreDistinct) {
  const std::size_t before = held_bytes();
  for (const std::size_t align : {1, 3, 48, 1000, 4096, 40000, 65536, 100000}) {
    void* a = alloc(0, align);
    void* b = alloc(0, align);
    EXPECT_NE(a, b);
    EXPECT_EQ(number(a) % align + number(b) % align, 0u) << align;
    ralloc::free(a, 0);
    ralloc::free(b, 0);
    EXPECT_EQ(held_bytes(), before) << align;
  }
}

TEST(PartsTest, FreeOfNoBytesAtTheEndOfABlockLeavesAllAsItIs) {
  for (const std::size_t size : {16, 1024, 32768, 65536, 300'000}) {
    std::vector<char*> blocks(100);
    std::vector<void*> empty(100);
    for (std::size_t i = 0; i < 100; ++i) {
      blocks[i] = chars(alloc(size));
      empty[i] = alloc(0);
    }
    const std::size_t before = held_bytes();
    for (char* block : blocks) ralloc::free(block + size, 0);
    EXPECT_EQ(held_bytes(), before) << size;
    for (void* one : empty) ralloc::free(one, 0);
    for (char* block : blocks) ralloc::free(block, size);
  }
}

TEST(InPlaceTest, TakesWhatThereIsWhenLessWouldDo) {
  char* block = chars(alloc(10 * kPage));
  const std::size_t got = inplace_realloc_at_least(block, 10 * kPage, 1, 12 * kPage);
  EXPECT_GE(got, 10 * kPage);
  const std::size_t less = inplace_realloc_at_least(block, got, 10 * kPage, 10 * kPage);
  EXPECT_EQ(less, 10 * kPage);
  EXPECT_EQ(inplace_realloc_at_least(block, less, less, 12 * kPage), got);
  ralloc::free(block, got);
}

TEST(PartsTest, FreeOfNoBytesLeavesABlockThatHasSome) {
  for (const std::size_t size : {10, 16, 5000, 100'000}) {
    char* block = chars(alloc(size));
    ralloc::free(block, 0);
    ralloc::free(block + size / 2, 0);
    std::memset(block, 1, size);
    ralloc::free(block, size);
  }
}

TEST(InPlaceTest, ShrinksToAnySizeAndGrowsBack) {
  const std::size_t before = held_bytes();
  for (const std::size_t size : kSomeSizes) {
    char* block = chars(alloc(size));
    std::memset(block, 7, size);
    for (const std::size_t less : {size - size / 3, size / 2 + 1, std::size_t{1}}) {
      std::size_t now = size;
      ASSERT_TRUE(inplace_realloc(block, now, less)) << size << " to " << less;
      now = less;
      if (inplace_realloc(block, now, size)) now = size;
      EXPECT_EQ(block[0], 7);
      EXPECT_EQ(block[less - 1], 7);
      if (now != size) {
        ralloc::free(block, now);
        block = chars(alloc(size));
      }
      std::memset(block, 7, size);
    }
    EXPECT_TRUE(inplace_realloc(block, size, 0));
    EXPECT_EQ(held_bytes(), before) << size;
  }
}

TEST(InPlaceTest, APartGrowsIntoWhatWasFreedBehindIt) {
  char* block = chars(alloc(500));
  ralloc::free(block + 100, 200);
  EXPECT_FALSE(inplace_realloc(block, 100, 301));
  EXPECT_TRUE(inplace_realloc(block, 100, 300));
  EXPECT_FALSE(inplace_realloc(block, 300, 301)) << "that byte is live";
  ralloc::free(block + 300, 200);
  EXPECT_EQ(inplace_realloc_at_least(block, 300, 301, 10'000), 500u);
  ralloc::free(block, 500);
}

TEST(InPlaceTest, LargeBlocksGrowIntoAFreeNeighbour) {
  constexpr std::size_t kSize = Config::kLargeKeptMost + kPage;  // no thread keeps such
  char* block = chars(alloc(kSize));
  char* behind = chars(alloc(kSize));
  if (behind == block + kSize) {
    EXPECT_FALSE(inplace_realloc(block, kSize, kSize + kPage));
    ralloc::free(behind, kSize);
    EXPECT_TRUE(inplace_realloc(block, kSize, 2 * kSize));
    ralloc::free(block, 2 * kSize);
  } else {
    ralloc::free(block, kSize);
    ralloc::free(behind, kSize);
  }
}

TEST(InPlaceTest, ABlockWithAMappingOfItsOwnIsCutToo) {
  if (ralloc_test::kPosix) GTEST_SKIP() << "no block gets one where pages cannot be moved";
  if (kExactSizes) GTEST_SKIP() << "which copies, and moves no pages";
  const std::size_t before = held_bytes();
  for (const bool shrinks : {false, true}) {
    std::size_t size = 9 * kMiB + 5;
    // One that cannot grow where it is, since the next lies behind it.
    std::vector<char*> others(20);
    for (char*& other : others) other = chars(alloc(3 * kMiB));
    const auto first = std::find_if(others.begin(), others.end(), [&](char* one) {
      return std::find(others.begin(), others.end(), one + 3 * kMiB) != others.end();
    });
    ASSERT_NE(first, others.end());
    char* block = chars(ralloc::realloc(*first, 3 * kMiB, size));
    others.erase(first);
    ASSERT_TRUE(bookkeeper.large_at(block)->is_apart_.get());
    std::memset(block, 1, size);
    if (shrinks) {
      EXPECT_TRUE(inplace_realloc(block, size, 5 * kMiB - 1000));
      size = 5 * kMiB - 1000;
      EXPECT_TRUE(bookkeeper.large_at(block)->is_apart_.get());
      EXPECT_TRUE(inplace_realloc(block, size, size + 500));
      size += 500;
    }
    ralloc::free(block + kMiB + 100, kMiB);
    EXPECT_TRUE(ralloc_test::is_filled(block, kMiB + 100, 1));
    EXPECT_TRUE(ralloc_test::is_filled(block + 2 * kMiB + 100, 2 * kMiB, 1));
    ralloc::free(block, kMiB + 100);
    ralloc::free(block + 2 * kMiB + 100, size - 2 * kMiB - 100);
    for (char* other : others) ralloc::free(other, 3 * kMiB);
  }
  EXPECT_EQ(held_bytes(), before);
}

TEST(ReallocTest, PartsMoveAndAlignmentsAreKept) {
  const std::size_t before = held_bytes();
  for (const std::size_t size : kSomeSizes) {
    if (size < 3) continue;
    char* block = chars(alloc(size, 3));
    for (std::size_t i = 0; i < size; ++i) block[i] = char(i % 251);
    const std::size_t cut = size / 3;
    char* part = chars(ralloc::realloc(block + cut, size - cut, 2 * size, 24));
    EXPECT_EQ(number(part) % 24, 0u);
    for (std::size_t i = cut; i < size; ++i) ASSERT_EQ(part[i - cut], char(i % 251)) << size;
    for (std::size_t i = 0; i < cut; ++i) ASSERT_EQ(block[i], char(i % 251)) << size;
    ralloc::free(block, cut);
    ralloc::free(part, 2 * size);
    EXPECT_EQ(held_bytes(), before) << size;
  }
}

TEST(AtLeastTest, GivesAllThatTheBlockHas) {
  for (const std::size_t align : {1, 3, 16, 64, 4096, 65536}) {
    for (const std::size_t size : kSomeSizes) {
      const SizedPointer block = alloc_at_least(size, align);
      EXPECT_GE(block.size, size);
      EXPECT_EQ(number(block.ptr) % align, 0u);
      if (align == 16) {
        EXPECT_EQ(block.size, good_size(size));
      }
      std::memset(block.ptr, 1, block.size);
      EXPECT_FALSE(align == 16 && block.size <= 32768 && !kExactSizes &&
                   inplace_realloc(block.ptr, block.size, block.size + 1));
      ralloc::free(block.ptr, block.size);
    }
  }
  EXPECT_EQ(try_alloc_at_least(SIZE_MAX / 2 + 1).ptr, nullptr);
  EXPECT_EQ(try_alloc_at_least(SIZE_MAX / 2 + 1).size, 0u);
}

TEST(PartsDeathTest, MisuseOfPartsIsFatal) {
  for (const std::size_t size : {200, 208, 5000, 100'000}) {
    char* block = chars(alloc(size));
    ralloc::free(block + 50, 100);
    const auto sentence = [](const void* p, const char* what) {
      return "ralloc: free of " + ralloc_test::hex(p) + what;
    };
    EXPECT_DEATH_SAYING(ralloc::free(block + 50, 100),
                        sentence(block + 50, ", of which a part is free already"));
    EXPECT_DEATH_SAYING(ralloc::free(block + 149, 20),
                        sentence(block + 149, ", of which a part is free already"));
    EXPECT_DEATH_SAYING(ralloc::free(block, 51),
                        sentence(block, ", of which a part is free already"));
    EXPECT_DEATH_SAYING(ralloc::free(block + 150, size - 149),
                        sentence(block + 150, " with a size larger than the block"));
    ralloc::free(block, 50);
    ralloc::free(block + 150, size - 150);
  }
}

// --- At random -----------------------------------------------------------------------------------

struct Piece {
  char* begin;
  std::size_t size;
  std::size_t align;
  unsigned char stamp;
};

class Pieces {
 public:
  explicit Pieces(std::uint64_t seed) : random_(seed) {}
  ~Pieces() {
    while (!pieces_.empty()) free(take());
  }

  void step() {
    if (pieces_.size() < 2 || (pieces_.size() < 100 && random_.below(3) == 0)) return add();
    Piece piece = take();
    check(piece);
    switch (random_.below(5)) {
      case 0: return free(piece);
      case 1: return split(piece);
      case 2: return resize_in_place(piece);
      case 3: return move(piece);
      default: return put(piece);
    }
  }

 private:
  std::size_t any_size() {
    switch (random_.below(8)) {
      case 0: return 1 + random_.below(500'000);
      case 1: return 1 + random_.below(40'000);
      case 2: return 1 + random_.below(3000);
      default: return 1 + random_.below(300);
    }
  }
  std::size_t any_align() {
    static constexpr std::size_t kAligns[] = {1, 3, 16, 16, 16, 16, 24, 48, 64, 1000, 4097, 12288};
    return kAligns[random_.below(std::size(kAligns))];
  }
  Piece take() {
    const std::size_t i = random_.below(pieces_.size());
    std::swap(pieces_[i], pieces_.back());
    const Piece piece = pieces_.back();
    pieces_.pop_back();
    return piece;
  }
  void put(Piece piece) { pieces_.push_back(piece); }
  void stamp_and_put(Piece piece) {
    ASSERT_EQ(number(piece.begin) % piece.align, 0u) << piece.size << " at " << piece.align;
    piece.stamp = static_cast<unsigned char>(random_.next());
    std::memset(piece.begin, piece.stamp, piece.size);
    put(piece);
  }
  // Each byte is like the one before it: a sanitizer looks at all of them in one call.
  static bool is_whole(const Piece& piece, std::size_t size) {
    const std::size_t bytes = std::min(size, piece.size);
    return bytes == 0 || (static_cast<unsigned char>(*piece.begin) == piece.stamp &&
                          std::memcmp(piece.begin, piece.begin + 1, bytes - 1) == 0);
  }
  static void check(const Piece& piece) { ASSERT_TRUE(is_whole(piece, piece.size)); }

  void add() {
    const std::size_t size = any_size();
    const std::size_t align = any_align();
    stamp_and_put({chars(alloc(size, align)), size, align, 0});
  }
  void free(const Piece& piece) { ralloc::free(piece.begin, piece.size); }
  void split(Piece piece) {
    if (piece.size < 2) return put(piece);
    const std::size_t at = 1 + random_.below(piece.size - 1);
    put({piece.begin + at, piece.size - at, 1, piece.stamp});
    piece.size = at;
    put(piece);
  }
  void resize_in_place(Piece piece) {
    const std::size_t size = random_.below(2) == 0 ? 1 + random_.below(2 * piece.size) : any_size();
    std::size_t now = piece.size;
    if (random_.below(2) == 0) {
      if (inplace_realloc(piece.begin, piece.size, size)) now = size;
    } else {
      const std::size_t got = inplace_realloc_at_least(piece.begin, piece.size, size, size + 100);
      ASSERT_TRUE(got == 0 || (got >= size && got <= size + 100));
      if (got != 0) now = got;
    }
    ASSERT_TRUE(is_whole(piece, now));
    piece.size = now;
    stamp_and_put(piece);
  }
  void move(Piece piece) {
    const std::size_t size = any_size();
    piece.align = any_align();
    piece.begin = chars(ralloc::realloc(piece.begin, piece.size, size, piece.align));
    ASSERT_TRUE(is_whole(piece, size));
    piece.size = size;
    stamp_and_put(piece);
  }

  Random random_;
  std::vector<Piece> pieces_;
};

TEST(PartsTest, NothingIsLostOrSharedInRandomUse) {
  const std::uint64_t seed = ralloc_test::new_seed();
  const std::size_t before = held_bytes();
  {
    Pieces pieces(seed);
    for (int i = 0; i < 30'000 && !testing::Test::HasFatalFailure(); ++i) pieces.step();
  }
  EXPECT_EQ(held_bytes(), before);
  EXPECT_TRUE(bookkeeper.is_valid());
}

TEST(PartsTest, ThreadsDoNotDisturbEachOther) {
  const std::uint64_t seed = ralloc_test::new_seed();
  const std::size_t before = held_bytes();
  ralloc_test::in_threads(4, [&](unsigned thread) {
    Pieces pieces(seed + thread);
    for (int i = 0; i < 10'000 && !testing::Test::HasFatalFailure(); ++i) pieces.step();
  });
  EXPECT_EQ(held_bytes(), before);
}

}  // namespace
}  // namespace ralloc
