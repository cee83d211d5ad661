// Free memory goes back to the OS, by age, on demand, and before anybody goes without.
#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "global_pool/global_pool.h"
#include "tests/support/global_pool_bed.h"

namespace ralloc {
namespace {

using ralloc_test::kManyBlocks;
using ralloc_test::kSmallPage;
using ralloc_test::SmallLimits;

class GlobalPoolMemoryTest : public ralloc_test::GlobalPoolBed {
 protected:
  // Dirty runs of so many pages that do not merge, the first free since then, each other
  // one for 10 ms less.
  void free_runs_since(std::uint64_t ms, std::initializer_list<std::size_t> lengths) {
    std::vector<Span*> runs;
    for (const std::size_t pages : lengths) {
      runs.push_back(pool_.take_large(pages, 1));
      ASSERT_NE(pool_.take_large(1, 1), nullptr);
    }
    for (Span* run : runs) {
      memory_.now_ms = ms;
      ms += 10;
      pool_.give_large(run, SpanState::kDirty);
    }
  }
  // As often as a part of the longest run needs.
  void decay_wholly() {
    for (int i = 0; i < 20; ++i) {
      memory_.now_ms += 2 * Config::kDecayMs;
      pool_.decay(memory_.now_ms);
    }
  }
};

// --- Returning memory --------------------------------------------------------------------------

TEST_F(GlobalPoolMemoryTest, PurgesWhatIsFreeLongEnough) {
  free_runs_since(10, {3, 4});
  EXPECT_EQ(pool_.purge(15, 100, SIZE_MAX), 3 * kSmallPage);
  EXPECT_EQ(dirty_pages(), 4u);
  EXPECT_EQ(memory_.purged, 3 * kSmallPage);
  EXPECT_EQ(pool_.purge(15, 100, SIZE_MAX), 0u);
}

TEST_F(GlobalPoolMemoryTest, PurgesNoMoreRunsThanAsked) {
  free_runs_since(10, {4, 5, 6});
  EXPECT_EQ(pool_.purge(100, 100, 1), 4 * kSmallPage);
  EXPECT_EQ(pool_.purge(100, 100, 5 * kSmallPage + 1), 11 * kSmallPage);
}

TEST_F(GlobalPoolMemoryTest, TrimPurgesEverythingOnce) {
  free_runs_since(10, {3, 4});
  EXPECT_EQ(pool_.trim(), 7 * kSmallPage);
  EXPECT_EQ(dirty_pages(), 0u);
  EXPECT_EQ(pool_.trim(), 0u);
  EXPECT_EQ(memory_.purged, 7 * kSmallPage);
}

TEST_F(GlobalPoolMemoryTest, MemoryThatTheSystemDoesNotTakeStaysDirty) {
  free_runs_since(10, {3});
  memory_.refuse_purges = true;
  EXPECT_EQ(pool_.trim(), 0u);
  EXPECT_EQ(dirty_pages(), 3u);
  memory_.refuse_purges = false;
  EXPECT_EQ(pool_.trim(), 0u) << "young again";
  memory_.now_ms = 10 + 2 * Config::kDecayMs;
  EXPECT_EQ(pool_.trim(), 3 * kSmallPage);
}

TEST_F(GlobalPoolMemoryTest, LeavesRunsThatAreNotWorthIt) {
  free_runs_since(10, {3, 4, 2});
  EXPECT_EQ(pool_.purge(100, 100, SIZE_MAX, 4 * kSmallPage), 4 * kSmallPage);
  EXPECT_EQ(dirty_pages(), 5u);
  EXPECT_EQ(pool_.purge(100, 100, SIZE_MAX), 0u) << "they are young again";
  EXPECT_EQ(pool_.purge(101, 101, SIZE_MAX), 5 * kSmallPage);
}

TEST_F(GlobalPoolMemoryTest, TooMuchDirtyMemoryGoesAtOnceTheOldestFirst) {
  memory_.dirty_bytes = 20 * kSmallPage;
  free_runs_since(10, {6, 7, 7});
  EXPECT_EQ(dirty_pages(), 20u) << "as much as may be";
  EXPECT_EQ(memory_.purged, 0u);
  free_runs_since(100, {9});  // of the six pages one is taken to keep it apart
  EXPECT_LE(dirty_pages(), Config::dirty_kept(20 * kSmallPage) / kSmallPage);
  EXPECT_EQ(dirty_pages(), 9u) << "the newest";
  EXPECT_EQ(memory_.purged, 19 * kSmallPage);
}

TEST_F(GlobalPoolMemoryTest, LockedMemoryBeyondTheLimitStops) {
  memory_.dirty_bytes = kSmallPage;
  memory_.refuse_purges = true;
  free_runs_since(10, {3, 2});
  EXPECT_EQ(dirty_pages(), 5u);
}

TEST_F(GlobalPoolMemoryTest, FreeMemoryDecays) {
  free_runs_since(5000, {3});
  pool_.decay(5000 + Config::kDecayMs - 1);
  EXPECT_EQ(dirty_pages(), 3u);
  pool_.decay(5000 + 2 * Config::kDecayMs);
  EXPECT_EQ(dirty_pages(), 0u);
}

TEST_F(GlobalPoolMemoryTest, DecayReturnsABoundedAmountAtATime) {
  constexpr std::size_t kPages = Config::kDecayBytes / 4 / kSmallPage;
  free_runs_since(10, {kPages, kPages, kPages, kPages, kPages, kPages});
  pool_.decay(100 * Config::kDecayMs);
  EXPECT_EQ(dirty_pages(), 2 * kPages);
}

TEST_F(GlobalPoolMemoryTest, NothingDecaysInTheFirstMoments) {
  free_runs_since(0, {3});
  pool_.decay(Config::kDecayMs);
  EXPECT_EQ(dirty_pages(), 3u);
}

// --- When memory is short ----------------------------------------------------------------------

TEST_F(GlobalPoolMemoryTest, PurgesFreeRunsSoThatTheyMakeOneThatIsLongEnough) {
  memory_.reserve_limit = Config::kArenaPiece;
  Span* dirty = pool_.take_large(kPiecePages / 2, 1);
  Span* clean = pool_.take_large(kPiecePages / 2, 1);
  pool_.give_large(dirty, SpanState::kDirty);
  pool_.give_large(clean, SpanState::kClean);
  EXPECT_NE(pool_.take_large(kPiecePages, 1), nullptr);
}

TEST_F(GlobalPoolMemoryTest, ReleasesFreeAddressesForOthers) {
  memory_.reserve_limit = memory_.address_limit = 2 * Config::kArenaPiece;
  pool_.give_large(pool_.take_large(kPiecePages, 1), SpanState::kDirty);
  Span* run = pool_.take_large(2 * kPiecePages, 1);
  ASSERT_NE(run, nullptr);
  EXPECT_EQ(memory_.reserved, 2 * Config::kArenaPiece);
  EXPECT_EQ(pool_.counts().ledger.reserved_bytes, 2 * Config::kArenaPiece);
}

TEST_F(GlobalPoolMemoryTest, ReleasesAddressesOnlyWhereTheyAreShort) {
  free_runs_since(10, {3 * kPiecePages});
  pool_.trim();
  EXPECT_EQ(memory_.reserved, 4 * Config::kArenaPiece);
  memory_.address_limit = 8 * Config::kArenaPiece;
  pool_.trim();
  EXPECT_LE(memory_.reserved, 2 * Config::kArenaPiece);
}

TEST_F(GlobalPoolMemoryTest, AddressesDecayOnlyWhereTheyAreShort) {
  free_runs_since(5000, {3 * kPiecePages});
  decay_wholly();
  EXPECT_EQ(dirty_pages(), 0u);
  EXPECT_EQ(memory_.reserved, 4 * Config::kArenaPiece);
  memory_.address_limit = 8 * Config::kArenaPiece;
  decay_wholly();
  EXPECT_LE(memory_.reserved, 2 * Config::kArenaPiece);
}

TEST_F(GlobalPoolMemoryTest, ALongRunDecaysByParts) {
  free_runs_since(5000, {kPiecePages});
  const std::size_t dirty = dirty_pages();
  pool_.decay(5000 + 2 * Config::kDecayMs);
  EXPECT_EQ(dirty_pages(), dirty - Config::kDecayBytes / kSmallPage);
  EXPECT_NE(pool_.take_large(dirty_pages(), 1), nullptr) << "the others are there";
}

TEST_F(GlobalPoolMemoryTest, WhatIsLockedKeepsNoOtherFromDecay) {
  constexpr std::size_t kPart = Config::kDecayBytes / kSmallPage;
  Span* locked = pool_.take_large(3 * kPart, 1);
  ASSERT_NE(pool_.take_large(1, 1), nullptr);  // between
  Span* other = pool_.take_large(4 * kPart, 1);
  ASSERT_NE(pool_.take_large(1, 1), nullptr);
  memory_.locked = reinterpret_cast<char*>(locked->end()) - 1;
  memory_.now_ms = 5000;
  pool_.give_large(locked, SpanState::kDirty);
  memory_.now_ms = 5010;
  pool_.give_large(other, SpanState::kDirty);
  decay_wholly();
  EXPECT_LE(dirty_pages(), 3 * kPart);
}

TEST_F(GlobalPoolMemoryTest, PartsAreWorthASystemCall) {
  free_runs_since(10, {kPiecePages});
  const std::size_t least = 2 * Config::kDecayBytes;
  EXPECT_EQ(pool_.purge(100, 100, 1, least, Config::kDecayBytes), least);
}

TEST_F(GlobalPoolMemoryTest, WhatTheOsDoesNotTakeIsOfferedOnce) {
  free_runs_since(10, {kPiecePages});
  memory_.refuse_purges = true;
  EXPECT_EQ(pool_.purge(100, 100, SIZE_MAX, 0, Config::kDecayBytes), 0u);
  EXPECT_EQ(dirty_pages(), kPiecePages);
  memory_.refuse_purges = false;
  EXPECT_EQ(pool_.purge(100, 100, SIZE_MAX, 0, Config::kDecayBytes), 0u) << "it is young again";
  EXPECT_EQ(pool_.purge(101, 101, SIZE_MAX, 0, Config::kDecayBytes), kPiecePages * kSmallPage);
}

TEST_F(GlobalPoolMemoryTest, HopelessRequestsCostTheOthersNothing) {
  free_runs_since(10, {3});
  memory_.reserve_limit = 0;
  EXPECT_EQ(pool_.take_large(2 * kPiecePages, 1), nullptr);
  EXPECT_EQ(memory_.purged, 0u);
}

// --- Blocks apart ------------------------------------------------------------------------------

TEST_F(GlobalPoolMemoryTest, BlockApartIsALargeBlock) {
  Span* span = pool_.take_apart(20);
  ASSERT_NE(span, nullptr);
  EXPECT_TRUE(is_live(key_of(span->begin())) && is_large(key_of(span->begin())));
  EXPECT_EQ(pool_.large_at(span->begin()), span);
  EXPECT_EQ(memory_.reserved, span->bytes());
  char* const begin = span->begin();
  pool_.give_large(span, SpanState::kDirty);
  EXPECT_FALSE(is_live(key_of(begin)));
  EXPECT_EQ(memory_.reserved, 0u) << "released at once";
}

TEST_F(GlobalPoolMemoryTest, BlockApartShortensByWholeSectors) {
  constexpr std::size_t kSector = SmallLimits::kSectorPages;
  Span* span = pool_.take_apart(4 * kSector);
  pool_.shorten_large(span, 2 * kSector - 1);
  EXPECT_EQ(span->pages_.get(), 2 * kSector);
  EXPECT_EQ(memory_.reserved, 2 * Config::kSector);
  pool_.shorten_large(span, kSector + 1);
  EXPECT_EQ(span->pages_.get(), 2 * kSector);
}

TEST_F(GlobalPoolMemoryTest, LostBlockApartIsForgottenNotReleased) {
  Span* span = pool_.take_apart(20);
  char* const begin = span->begin();
  const std::size_t bytes = span->bytes();
  pool_.lose_large(span);
  EXPECT_FALSE(is_live(key_of(begin)));
  EXPECT_EQ(memory_.reserved, bytes) << "whose they are now nobody knows";
  EXPECT_EQ(pool_.counts().ledger.reserved_bytes, 0u);
}

TEST_F(GlobalPoolMemoryTest, NoBlockApartWithoutAddresses) {
  EXPECT_EQ(pool_.take_apart(std::size_t{1} << 47), nullptr);
  memory_.reserve_limit = 0;
  EXPECT_EQ(pool_.take_apart(20), nullptr);
}

// --- And when there is none --------------------------------------------------------------------

TEST_F(GlobalPoolMemoryTest, TakesNothingWithoutMemoryAndServesAgainWithIt) {
  memory_.reserve_limit = 0;
  EXPECT_TRUE(take(0, kManyBlocks, 5).empty());
  EXPECT_EQ(pool_.take_large(1, 1), nullptr);
  EXPECT_TRUE(pool_.is_valid());
  memory_.reserve_limit = SIZE_MAX;
  EXPECT_EQ(take(0, kManyBlocks, 5).size(), 5u);
  EXPECT_NE(pool_.take_large(1, 1), nullptr);
}

}  // namespace
}  // namespace ralloc
