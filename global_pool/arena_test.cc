// Address space comes in pieces, backing in steps, and both as far as the OS allows.
#include "global_pool/arena.h"

#include <gtest/gtest.h>

#include "shim/sync.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::kSmallPage;
using ralloc_test::SmallLimits;

class ArenaTest : public ralloc_test::SmallPoolTest {
 protected:
  using Config = SmallLimits::Config;
  static constexpr std::size_t kSector = SmallLimits::kSectorPages;
  static constexpr std::size_t kStep = Config::commit_bytes(1, 0) / kSmallPage;
  static constexpr std::size_t kPiece = Config::kArenaPiece / kSmallPage;
  static constexpr std::size_t kWindowBytes = kSmallPage << Config::kWindowBits;

  ~ArenaTest() override { EXPECT_EQ(arena_.reserved_bytes(), memory_.reserved); }

  // What is committed for a request, and what was left of the piece before.
  Pages commit(std::size_t pages) {
    rest_ = {};
    return arena_.commit(pages, rest_);
  }
  std::size_t committed() const { return arena_.committed_bytes() / kSmallPage; }
  std::size_t reserved() const { return arena_.reserved_bytes() / kSmallPage; }
  std::uintptr_t newest_piece() const { return memory_.lowest / kSmallPage; }

  PageMap<StdSync, SmallLimits> map_;
  Arena<StdSync, SmallLimits> arena_{map_};
  Pages rest_{};
};

TEST_F(ArenaTest, ReservesInPiecesAndCommitsInSteps) {
  const Pages first = commit(1);
  EXPECT_EQ(first.count, kStep);
  EXPECT_EQ(reserved(), kPiece);
  const Pages second = commit(kStep);
  EXPECT_EQ(second.first, first.first + kStep);
  EXPECT_EQ(second.count, kStep);
  EXPECT_EQ(reserved(), kPiece);
  EXPECT_EQ(committed(), 2 * kStep);
  EXPECT_EQ(memory_.committed, 2 * Config::commit_bytes(1, 0));
}

TEST_F(ArenaTest, CommitsMoreThanAStepAtOnce) { EXPECT_EQ(commit(kStep + 7).count, kStep + 7); }

TEST_F(ArenaTest, CommitsNoMoreThanThePiece) {
  ASSERT_EQ(commit(kPiece / 2 - 1).count, kPiece / 2 - 1);
  ASSERT_EQ(commit(kPiece / 2 - 1).count, kPiece / 2 - 1);
  EXPECT_EQ(commit(1).count, 2u);
  EXPECT_EQ(reserved(), kPiece);
}

TEST_F(ArenaTest, LongRequestHasAPieceOfItsOwn) {
  const Pages some = commit(1);
  const Pages large = commit(3 * kPiece + 5);
  EXPECT_EQ(large.count, 3 * kPiece + kSector) << "whole sectors";
  EXPECT_EQ(reserved(), 4 * kPiece + kSector);
  EXPECT_EQ(commit(1).first, some.first + kStep) << "the frontier stays where it was";
}

TEST_F(ArenaTest, AsksForPiecesNextToEachOther) {
  ASSERT_NE(commit(kPiece).count, 0u);
  const std::uintptr_t first = newest_piece();
  ASSERT_NE(commit(kPiece).count, 0u);
  EXPECT_EQ(memory_.hints.front(), nullptr);
  EXPECT_EQ(memory_.hints.back(), reinterpret_cast<void*>((first - kPiece) * kSmallPage));
}

TEST_F(ArenaTest, HandsOverTheRestOfThePieceBefore) {
  ASSERT_EQ(commit(400).count, 400u);
  const Pages second = commit(400);
  EXPECT_EQ(rest_.count, 0u);
  ASSERT_EQ(commit(300).count, 300u);
  EXPECT_EQ(rest_.first, second.first + 400);
  EXPECT_EQ(rest_.count, kPiece - 800);
  EXPECT_EQ(committed(), kPiece + 300);
}

TEST_F(ArenaTest, SmallerPiecesDoWhereLargeOnesAreRefused) {
  memory_.largest_reserve = Config::kArenaPiece / 4;
  ASSERT_NE(commit(3).count, 0u);
  EXPECT_EQ(reserved(), kPiece / 4);
  const std::size_t tries = memory_.hints.size();
  ASSERT_NE(commit(kPiece / 4).count, 0u);
  EXPECT_LE(memory_.hints.size(), tries + 2) << "it does not begin with what was refused";
}

TEST_F(ArenaTest, PiecesGrowAgainWhenTheyMay) {
  memory_.largest_reserve = Config::kSector;
  ASSERT_NE(commit(3).count, 0u);
  EXPECT_EQ(reserved(), kSector) << "the least";
  memory_.largest_reserve = SIZE_MAX;
  std::size_t last = 0;
  for (int i = 0; i < 50; ++i) {
    const std::size_t before = reserved();
    ASSERT_NE(commit(kStep).count, 0u);
    if (reserved() != before) last = reserved() - before;
  }
  EXPECT_EQ(last, kPiece);
}

TEST_F(ArenaTest, HasNothingWithoutAddressesAndServesAgainWithThem) {
  memory_.largest_reserve = Config::kSector - 1;
  EXPECT_EQ(commit(1).count, 0u);
  EXPECT_EQ(commit(kPiece).count, 0u);
  EXPECT_EQ(reserved(), 0u);
  memory_.largest_reserve = SIZE_MAX;
  EXPECT_NE(commit(1).count, 0u);
}

TEST_F(ArenaTest, CommitsWhatIsNeededWhereAStepIsRefused) {
  memory_.largest_commit = 5 * kSmallPage;
  EXPECT_EQ(commit(5).count, 5u);
  EXPECT_EQ(commit(2).count, 2u);
  EXPECT_EQ(committed(), 7u);
}

TEST_F(ArenaTest, HasNothingWithoutBackingAndServesAgainWithIt) {
  memory_.largest_commit = 2 * kSmallPage;
  EXPECT_EQ(commit(3).count, 0u);
  EXPECT_EQ(committed(), 0u);
  memory_.largest_commit = SIZE_MAX;
  EXPECT_EQ(commit(3).count, kStep);
  EXPECT_EQ(reserved(), kPiece) << "in the piece that it has";
}

TEST_F(ArenaTest, GivesBackAPieceThatCannotBeBacked) {
  memory_.largest_commit = 0;
  EXPECT_EQ(commit(kPiece).count, 0u);
  EXPECT_EQ(memory_.reserved, 0u);
  memory_.largest_commit = SIZE_MAX;
  memory_.next = {memory_.lowest};
  EXPECT_NE(commit(kPiece).count, 0u) << "in the same place too";
}

TEST_F(ArenaTest, GivesBackTheRestOfAPieceThatCannotBeBacked) {
  ASSERT_EQ(commit(400).count, 400u);
  ASSERT_EQ(commit(401).count, 401u);
  memory_.largest_commit = 0;
  EXPECT_EQ(commit(300).count, 0u);
  EXPECT_EQ(rest_.count, 0u);
  // But for the pages that share a sector with committed ones.
  EXPECT_EQ(reserved(), 2 * kPiece - (kPiece - 801) / kSector * kSector);
}

TEST_F(ArenaTest, RefusesMoreThanAnyAddressSpace) {
  const std::size_t most = std::size_t{1} << 47;  // of PTRDIFF_MAX bytes, and of any alignment
  for (const std::size_t pages : {most, 2 * most - 1, most / 2, most + 1}) {
    EXPECT_EQ(commit(pages).count, 0u);
  }
  EXPECT_EQ(reserved(), 0u);
  EXPECT_NE(commit(1).count, 0u);
  for (const std::size_t pages : {most, 2 * most - 1}) EXPECT_EQ(commit(pages).count, 0u);
}

TEST_F(ArenaTest, CommitsAtItsFrontierAlone) {
  const Pages first = commit(1);
  const std::uintptr_t frontier = first.first + first.count;
  EXPECT_EQ(arena_.commit_at(frontier - 1, 1).count, 0u);
  EXPECT_EQ(arena_.commit_at(frontier + 1, 1).count, 0u);
  EXPECT_EQ(arena_.commit_at(frontier, kPiece - kStep + 1).count, 0u) << "more than it has";
  EXPECT_EQ(committed(), kStep);
  EXPECT_EQ(arena_.commit_at(frontier, kPiece - kStep).count, kPiece - kStep);
}

TEST_F(ArenaTest, LooksElsewhereWhereThePlacesOfItsPagesAreTaken) {
  ASSERT_NE(commit(kPiece).count, 0u);
  const std::uintptr_t piece = newest_piece() * kSmallPage;
  memory_.next = {piece - kWindowBytes, piece + 3 * kWindowBytes};
  const std::size_t tries = memory_.hints.size();
  ASSERT_NE(commit(kPiece).count, 0u);
  ASSERT_EQ(memory_.hints.size(), tries + 3);
  EXPECT_NE(memory_.hints[tries + 1], memory_.hints[tries]) << "not where it was refused";
  EXPECT_NE(memory_.hints[tries + 2], memory_.hints[tries + 1]);
  EXPECT_EQ(memory_.reserved, 2 * Config::kArenaPiece) << "what it refused it gave back";
}

TEST_F(ArenaTest, GivesUpWhereAllPlacesAreTaken) {
  ASSERT_NE(commit(kPiece).count, 0u);
  memory_.next.assign(1000, newest_piece() * kSmallPage - kWindowBytes);
  EXPECT_EQ(commit(kPiece).count, 0u);
  EXPECT_LT(memory_.next.size(), 1000u);
  EXPECT_GT(memory_.next.size(), 900u) << "it does so soon";
  memory_.next.clear();
  EXPECT_NE(commit(kPiece).count, 0u);
}

TEST_F(ArenaTest, PiecesApartAreReservedOnly) {
  const Pages piece = arena_.reserve_apart(kSector + 1);
  EXPECT_EQ(piece.count, 2 * kSector);
  EXPECT_EQ(memory_.committed, 0u);
  EXPECT_EQ(committed(), 2 * kSector) << "but will be backed";
  arena_.give_up(piece, true);
  EXPECT_EQ(reserved(), 0u);
  EXPECT_EQ(committed(), 0u);
  ralloc_test::FakeMemory::release(nullptr, 2 * Config::kSector);  // as the caller does
}

TEST_F(ArenaTest, BeginsANewPieceAfterAFork) {
  ASSERT_NE(commit(1).count, 0u);
  arena_.retire();
  ASSERT_NE(commit(1).count, 0u);
  EXPECT_EQ(rest_.count, 0u);
  EXPECT_EQ(reserved(), 2 * kPiece);
}

}  // namespace
}  // namespace ralloc
