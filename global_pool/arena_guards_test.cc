// The arena leaves inaccessible pages between steps and around pieces, as long as the process has
// mappings, and lies where nobody expects it.
#include <gtest/gtest.h>

#include "global_pool/arena.h"
#include "shim/sync.h"
#include "tests/support/guarded_limits.h"

namespace ralloc {
namespace {

using ralloc_test::FakeMemory;
using ralloc_test::GuardDefences;
using ralloc_test::kSmallPage;

template <class Limits>
class ArenaBed : public ralloc_test::SmallPoolTest {
 protected:
  using Config = typename Limits::Config;
  static constexpr std::size_t kSector = Limits::kSectorPages;
  static constexpr std::size_t kInterval = GuardDefences::kGuardInterval / kSmallPage;
  static constexpr std::size_t kPiece = Limits::Config::kArenaPiece / kSmallPage;

  ~ArenaBed() override { EXPECT_EQ(arena_.reserved_bytes(), memory_.reserved); }

  static bool is_open(std::uintptr_t page) {
    return FakeMemory::is_open(reinterpret_cast<void*>(page * kSmallPage));
  }
  Pages commit(std::size_t pages) {
    rest_ = {};
    return arena_.commit(pages, rest_);
  }

  PageMap<StdSync, Limits> map_;
  Arena<StdSync, Limits> arena_{map_};
  Pages rest_{};
};

class ArenaGuardsTest : public ArenaBed<ralloc_test::GuardLimits> {};

TEST_F(ArenaGuardsTest, NoRunOfAPieceIsAsLongAsTheInterval) {
  const std::uintptr_t piece = commit(1).first - 1;
  for (std::size_t pages = kInterval - 1; pages + kInterval < kPiece; pages += kInterval) {
    EXPECT_EQ(commit(1).count, kInterval - 1 - (pages + 2 * kInterval > kPiece ? 1 : 0));
  }
  ASSERT_EQ(arena_.reserved_bytes(), kPiece * kSmallPage) << "all of one piece";
  std::size_t open = 0;
  for (std::uintptr_t page = piece; page < piece + kPiece; ++page) {
    open = is_open(page) ? open + 1 : 0;
    ASSERT_LT(open, kInterval);
  }
  EXPECT_FALSE(is_open(piece)) << "an underflow of the piece";
  EXPECT_FALSE(is_open(piece + kPiece - 1)) << "an overflow of it";
}

TEST_F(ArenaGuardsTest, ThreeOfFourSectorsHaveNoGuard) {
  const std::uintptr_t piece = commit(1).first - 1;
  (void)commit(1);
  for (std::uintptr_t page = piece; page < piece + 2 * kInterval; ++page) {
    EXPECT_EQ(is_open(page), page % kInterval != piece % kInterval) << page - piece;
  }
}

TEST_F(ArenaGuardsTest, OneRunMayBeLonger) {
  const Pages run = commit(kInterval + 5);
  EXPECT_EQ(run.count, kInterval + 5 + (-(kInterval + 7) & (kSector - 1)))
      << "a piece of its own, in whole sectors";
  EXPECT_FALSE(is_open(run.first - 1));
  EXPECT_FALSE(is_open(run.first + run.count));
  ASSERT_EQ(commit(1).count, kInterval - 1);
  const std::size_t reserved = arena_.reserved_bytes();
  EXPECT_EQ(commit(kInterval + 5).count, kInterval + 5) << "if the piece has it";
  EXPECT_EQ(arena_.reserved_bytes(), reserved);
}

TEST_F(ArenaGuardsTest, RestOfAPieceIsBehindAGuardToo) {
  Pages last;
  for (std::size_t pages = kInterval; pages < kPiece; pages += kInterval) last = commit(1);
  const Pages next = commit(kInterval - 1);
  ASSERT_EQ(arena_.reserved_bytes(), 2 * kPiece * kSmallPage);
  EXPECT_EQ(next.count, kInterval - 1);
  EXPECT_EQ(rest_.count, kInterval - 2);
  EXPECT_EQ(rest_.first, last.first + last.count + 1);
  EXPECT_FALSE(is_open(rest_.first - 1));
  EXPECT_FALSE(is_open(rest_.first + rest_.count));
}

TEST_F(ArenaGuardsTest, NothingGrowsOverAGuard) {
  const Pages run = commit(1);
  EXPECT_EQ(arena_.commit_at(run.first + run.count, 1).count, 0u);
}

// A kernel that has no mapping left still lets one grow.
TEST_F(ArenaGuardsTest, WithoutMappingsThereIsNoGuard) {
  const Pages run = commit(1);
  const std::uintptr_t guard = run.first + run.count;
  memory_.refused_begins.insert((guard + 1) * kSmallPage);
  const Pages next = commit(1);
  EXPECT_EQ(next.first, guard);
  EXPECT_EQ(next.count, kInterval - 1);
  EXPECT_FALSE(is_open(commit(1).first - 1)) << "the next has one again";
}

TEST_F(ArenaGuardsTest, LongRunWithoutMappingsHasAllOfItsPiece) {
  const std::size_t pages = 2 * kInterval;
  const std::size_t piece = pages + kSector;
  memory_.refused_begins.insert(memory_.lowest - (piece - 1) * kSmallPage);
  EXPECT_EQ(commit(pages).count, piece);
}

TEST_F(ArenaGuardsTest, WhatCannotBeCommittedIsNotLost) {
  memory_.largest_commit = 0;
  EXPECT_EQ(commit(1).count, 0u);
  EXPECT_EQ(commit(kInterval).count, 0u);
  EXPECT_EQ(arena_.committed_bytes(), 0u);
  memory_.largest_commit = kSmallPage;
  EXPECT_EQ(commit(1).count, 1u) << "what is needed";
  memory_.largest_commit = SIZE_MAX;
  EXPECT_EQ(commit(1).count, kInterval - 1);
  EXPECT_EQ(arena_.reserved_bytes(), kPiece * kSmallPage);
}

TEST_F(ArenaGuardsTest, RestThatCannotBeCommittedIsReleased) {
  for (std::size_t pages = kInterval; pages < kPiece; pages += kInterval) (void)commit(1);
  const std::size_t committed = arena_.committed_bytes();
  memory_.largest_commit = 0;
  EXPECT_EQ(commit(kInterval - 1).count, 0u);
  EXPECT_EQ(rest_.count, 0u);
  EXPECT_EQ(arena_.committed_bytes(), committed);
  EXPECT_EQ(arena_.reserved_bytes(), (2 * kPiece - kInterval) * kSmallPage);
}

// --- Bases ---------------------------------------------------------------------------------------

class ArenaBasesTest : public ArenaBed<ralloc_test::RandomLimits> {
 protected:
  std::uintptr_t last_hint() const {
    return reinterpret_cast<std::uintptr_t>(memory_.hints.back());
  }
};

TEST_F(ArenaBasesTest, FirstPieceIsWelcomeAtARandomAddress) {
  memory_.random = 0x123456789abcdef0;
  (void)commit(1);
  EXPECT_GE(last_hint(), std::uintptr_t{1} << 44);
  EXPECT_LT(last_hint(), std::uintptr_t{1} << 46);
  EXPECT_EQ(last_hint() % Config::kArenaAlign, 0u);
  const std::uintptr_t first = last_hint();
  memory_.random = 0x0fedcba987654321;
  (void)arena_.reserve_guarded(1, 1);
  EXPECT_NE(last_hint(), first) << "nothing is free below the first";
}

TEST_F(ArenaBasesTest, PiecesLieTogetherWhereTheyCan) {
  const std::uintptr_t piece = commit(1).first - 1;
  memory_.free_behind = SIZE_MAX;
  const Pages below = arena_.reserve_guarded(1, 1);
  EXPECT_EQ(below.first, piece - kSector);
  EXPECT_EQ(arena_.reserve_guarded(1, 1).first, piece - 2 * kSector);
  EXPECT_EQ(memory_.hints.size(), 1u);
  arena_.give_up(below, false);
  memory_.reserved -= kSector * kSmallPage;
  EXPECT_EQ(arena_.reserve_guarded(1, 1).first, below.first) << "and where others were";
  EXPECT_EQ(arena_.reserve_guarded(1, 1).first, piece - 3 * kSector);
}

TEST_F(ArenaBasesTest, AlignedPieceLeavesAHoleThatIsUsed) {
  const std::uintptr_t piece = commit(1).first - 1;
  memory_.free_behind = SIZE_MAX;
  ASSERT_EQ(arena_.reserve_guarded(1, 1).first, piece - kSector);
  const Pages aligned = arena_.reserve_guarded(1, 4 * kSector);
  EXPECT_EQ(aligned.first % (4 * kSector), 0u);
  EXPECT_GT(arena_.reserve_guarded(1, 1).first, aligned.first);
}

TEST_F(ArenaBasesTest, AnotherAddressIsDrawnWhereAPlaceIsTaken) {
  (void)commit(1);
  const std::uintptr_t window = kSmallPage << Config::kWindowBits;
  memory_.next.push_back(memory_.lowest + window);
  memory_.next.push_back(memory_.lowest - kSector * kSmallPage);
  memory_.random = 77 << 20;
  EXPECT_EQ(arena_.reserve_guarded(1, 1).count, kSector);
  EXPECT_EQ(memory_.hints.size(), 3u);
}

}  // namespace
}  // namespace ralloc
