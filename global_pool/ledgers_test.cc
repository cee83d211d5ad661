// Several ledgers beside each other: who takes from which, what goes from one to the other, and that
// neighbours in memory are none where two keep them.
#include "global_pool/ledgers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "global_pool/global_pool.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::FakeMemory;
using ralloc_test::FakeMetadata;
using ralloc_test::kSmallPage;
using ralloc_test::Random;

struct ManyLimits : ralloc_test::SmallLimits {
  static constexpr unsigned kLedgers = 3;
  static constexpr std::size_t kLedgerPages = 2 * kSectorPages;
  static inline unsigned in_use = kLedgers;
  static unsigned ledgers(unsigned) { return in_use; }
};

class LedgersTest : public ralloc_test::SmallPoolTest {
 protected:
  using Pool = GlobalPool<StdSync, ManyLimits>;
  using Span = Pool::Span;
  static constexpr std::size_t kSector = ManyLimits::kSectorPages;

  LedgersTest() {
    ManyLimits::in_use = ManyLimits::kLedgers;
    (void)pool_.ledger().attach_pool(64);
  }
  ~LedgersTest() override { EXPECT_TRUE(pool_.is_valid()); }

  Span* take(std::uint32_t shard, std::size_t pages, std::size_t align = 1) {
    return pool_.take_large(pages, align, false, shard);
  }
  // Where that must not fail.
  Span& taken(std::uint32_t shard, std::size_t pages) {
    Span* const span = take(shard, pages);
    if (span == nullptr) throw std::bad_alloc();
    return *span;
  }
  void give(Span* span) { pool_.give_large(span, SpanState::kDirty); }
  unsigned keeper_of(const Span* span) { return pool_.map().keeper_of(span->first_page_.get()); }
  std::size_t committed() { return pool_.counts().ledger.committed_bytes; }
  std::size_t dirty_pages(unsigned ledger) {
    return pool_.ledgers().numbered(ledger)->counts().dirty_bytes / kSmallPage;
  }
  std::size_t clean_pages(unsigned ledger) {
    return pool_.ledgers().numbered(ledger)->counts().clean_bytes / kSmallPage;
  }
  Pool::Shards shards_{};
  Pool pool_{shards_};
};

TEST_F(LedgersTest, EachShardHasItsLedger) {
  for (std::uint32_t shard = 0; shard < 6; ++shard) {
    EXPECT_EQ(keeper_of(take(shard, 1)), shard % 3) << shard;
  }
  ManyLimits::in_use = 2;
  EXPECT_EQ(keeper_of(take(5, 1)), 1u);
  ManyLimits::in_use = 1;
  EXPECT_EQ(keeper_of(take(5, 1)), 0u);
  ManyLimits::in_use = 100;
  EXPECT_EQ(keeper_of(take(5, 1)), 2u) << "there are no more than there is room for";
}

TEST_F(LedgersTest, LedgersAreMadeWhenTheyAreNeeded) {
  EXPECT_NE(take(0, 1), nullptr);
  EXPECT_EQ(pool_.ledgers().numbered(2), nullptr);
  EXPECT_NE(take(2, 1), nullptr);
  EXPECT_NE(pool_.ledgers().numbered(2), nullptr);
  EXPECT_EQ(pool_.ledgers().numbered(1), nullptr);
}

TEST_F(LedgersTest, WithoutMemoryForAnotherTheFirstServes) {
  FakeMetadata::takes_until_failure = 1;
  EXPECT_EQ(keeper_of(take(1, 1)), 0u);
  EXPECT_EQ(pool_.ledgers().numbered(1), nullptr);
  EXPECT_EQ(keeper_of(take(1, 1)), 1u) << "the next time there is some";
}

TEST_F(LedgersTest, RunComesBackToItsKeeperWhoeverGivesIt) {
  Span* const one = take(1, 3);
  Span* const two = take(2, 4);
  ASSERT_NE(take(1, 1), nullptr);
  ASSERT_NE(take(2, 1), nullptr);
  give(one);
  give(two);
  EXPECT_EQ(dirty_pages(0), 0u);
  EXPECT_EQ(dirty_pages(1), 3u);
  EXPECT_EQ(dirty_pages(2), 4u);
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, 7 * kSmallPage);
}

TEST_F(LedgersTest, WholeSectorsGoToWhoAsks) {
  Span* const span = take(1, 3);
  EXPECT_EQ(keeper_of(span), 1u);
  const std::uintptr_t first = span->first_page_.get() / kSector * kSector;
  for (std::uintptr_t page = first; page < first + ManyLimits::kLedgerPages; ++page) {
    EXPECT_EQ(pool_.map().keeper_of(page), 1u) << page - first;
  }
  EXPECT_EQ(pool_.map().keeper_of(first - 1), 0u);
  EXPECT_EQ(pool_.map().keeper_of(first + ManyLimits::kLedgerPages), 0u);
  EXPECT_EQ(clean_pages(1), ManyLimits::kLedgerPages - 3);
  // More than it usually gets.
  EXPECT_EQ(keeper_of(take(1, 5 * kSector)), 1u);
}

TEST_F(LedgersTest, GetsWhatIsNeededWhereMoreIsNotToBeHad) {
  ASSERT_NE(take(0, 1), nullptr);
  for (Span* span = take(0, 1); span != nullptr && clean_pages(0) > 0; span = take(0, 1)) {
  }
  memory_.largest_reserve = memory_.largest_commit = 2 * kSector * kSmallPage;
  memory_.reserve_limit = memory_.reserved + 2 * kSector * kSmallPage;
  Span* const span = take(1, 2);
  ASSERT_NE(span, nullptr);
  EXPECT_EQ(keeper_of(span), 1u);
  EXPECT_EQ(clean_pages(1), kSector - 2);
}

TEST_F(LedgersTest, DirtySectorsOfOthersComeBeforeFreshOnes) {
  for (const std::uint32_t from : {0u, 1u, 2u}) {
    Span* const span = take(from, 4 * kSector);
    const std::uintptr_t page = span->first_page_.get();
    give(span);
    const std::uint32_t to = (from + 1) % 3;
    // Longer than what its own ledger has.
    const std::size_t before = committed();
    Span* const other = take(to, 3 * kSector);
    EXPECT_GE(other->first_page_.get(), page);
    EXPECT_LT(other->first_page_.get(), page + 4 * kSector);
    EXPECT_EQ(keeper_of(other), to);
    EXPECT_EQ(committed(), before) << from;
  }
}

TEST_F(LedgersTest, HalfOfTheDirtySectorsComeAndKeepTheirAge) {
  memory_.now_ms = 50;
  give(take(0, 8 * kSector));
  ASSERT_EQ(dirty_pages(0), 8 * kSector);
  ASSERT_NE(take(1, 1), nullptr);
  EXPECT_EQ(dirty_pages(0), 4 * kSector);
  EXPECT_EQ(dirty_pages(1), 4 * kSector - 1);
  EXPECT_EQ(pool_.purge(49, 60, SIZE_MAX), 0u);
  EXPECT_EQ(pool_.purge(50, 60, SIZE_MAX), (8 * kSector - 1) * kSmallPage);
}

TEST_F(LedgersTest, PurgesOfEachLedgerInTurn) {
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    Span* const held[] = {take(shard, 2), take(shard, 1), take(shard, 2), take(shard, 1)};
    give(held[0]);
    give(held[2]);
  }
  // One run in one go: after as many as there are, none is left that is always passed over.
  for (std::uint64_t ms = 10; ms < 16; ++ms) {
    EXPECT_EQ(pool_.purge(ms, ms, 1), 2 * kSmallPage);
  }
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, 0u);
}

TEST_F(LedgersTest, CleanSectorsOfOthersStay) {
  ASSERT_NE(take(1, 1), nullptr);
  const std::size_t clean = clean_pages(1);
  Span* const span = take(2, kSector);
  EXPECT_EQ(keeper_of(span), 2u);
  EXPECT_EQ(clean_pages(1), clean);
}

TEST_F(LedgersTest, ForWantOfMemoryAnyRunWillDo) {
  Span* const span = take(1, 2);
  memory_.largest_reserve = memory_.largest_commit = 0;
  for (const std::uint32_t shard : {0u, 2u}) {
    while (take(shard, 1) != nullptr) {
    }
  }
  give(span);
  Span* const other = take(2, 2);
  EXPECT_EQ(other, span);
  EXPECT_EQ(keeper_of(other), 1u) << "it is no whole sector";
}

TEST_F(LedgersTest, NeighboursOfAnotherLedgerAreNotMerged) {
  // Two blocks that meet where the sectors of two ledgers do.
  std::vector<Span*> all;
  for (int i = 0; i < 300; ++i) {
    for (std::uint32_t shard = 0; shard < 3; ++shard) all.push_back(&taken(shard, 1));
  }
  std::sort(all.begin(), all.end(), [](const Span* a, const Span* b) {
    return a->first_page_.get() < b->first_page_.get();
  });
  unsigned borders = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    const bool meet = all[i - 1]->end_page() == all[i]->first_page_.get();
    if (!meet || keeper_of(all[i - 1]) == keeper_of(all[i])) continue;
    ++borders;
    EXPECT_FALSE(pool_.extend_large(all[i - 1], 2));
  }
  EXPECT_GT(borders, 3u);
  for (std::size_t i = 1; i < all.size(); i += 2) give(all[i]);
  EXPECT_TRUE(pool_.is_valid());
  for (std::size_t i = 0; i < all.size(); i += 2) give(all[i]);
  EXPECT_TRUE(pool_.is_valid());
  const auto counts = pool_.counts().ledger;
  EXPECT_EQ(counts.dirty_bytes, 900 * kSmallPage);
  EXPECT_EQ(counts.dirty_bytes + counts.clean_bytes, counts.committed_bytes);
}

TEST_F(LedgersTest, DecayAndTrimReachAll) {
  std::vector<Span*> spans;
  for (std::uint32_t shard = 0; shard < 3; ++shard) spans.push_back(take(shard, 2 + shard));
  memory_.now_ms = 10;
  for (Span* span : spans) give(span);
  EXPECT_EQ(pool_.purge(20, 20, SIZE_MAX), 9 * kSmallPage);
  EXPECT_EQ(pool_.counts().ledger.dirty_bytes, 0u);
  give(take(1, 3));
  EXPECT_EQ(pool_.trim(), 3 * kSmallPage);
}

TEST_F(LedgersTest, SectorsThatAreReleasedAreNobodys) {
  Span* const span = take(1, 1);
  const std::uintptr_t first = span->first_page_.get() / kSector * kSector;
  give(span);
  EXPECT_EQ(pool_.trim(), kSmallPage);
  const std::size_t reserved = pool_.counts().ledger.reserved_bytes;
  pool_.release_sectors();
  EXPECT_LT(pool_.counts().ledger.reserved_bytes, reserved);
  EXPECT_EQ(clean_pages(1), 0u);
  EXPECT_EQ(pool_.map().keeper_of(first), 0u);
  EXPECT_EQ(memory_.reserved, pool_.counts().ledger.reserved_bytes);
  EXPECT_EQ(keeper_of(take(1, 1)), 1u) << "it may have others";
}

TEST_F(LedgersTest, PartsAreFreedWhereTheBlockIsKept) {
  Span* const span = take(2, 4);
  char* const begin = span->begin();
  span->ask_for(4 * kSmallPage);
  EXPECT_EQ(pool_.whole_large(begin, 4 * kSmallPage), span);
  EXPECT_TRUE(pool_.give_large_part(begin + kSmallPage, 2 * kSmallPage, false));
  EXPECT_EQ(dirty_pages(2), 2u);
  EXPECT_EQ(pool_.extend_large_part(begin, kSmallPage, 2 * kSmallPage, 3 * kSmallPage),
            3 * kSmallPage);
  EXPECT_TRUE(pool_.give_large_part(begin, 3 * kSmallPage, false));
  EXPECT_TRUE(pool_.give_large_part(begin + 3 * kSmallPage, kSmallPage, false));
  EXPECT_EQ(dirty_pages(2), 4u);
}

TEST_F(LedgersTest, AddressThatSharesAPlaceWithAKeptPageIsForeign) {
  Span* const span = take(1, 4);
  const std::size_t window = pool_.map().window_pages() << ManyLimits::kPageShift;
  for (char* const alias : {span->begin() + window, span->begin() - window}) {
    for (std::size_t page = 0; page < 4; ++page) {
      EXPECT_EQ(pool_.whole_large(alias + page * kSmallPage, kSmallPage), nullptr);
      EXPECT_EQ(pool_.empty_large(alias + page * kSmallPage), nullptr);
    }
  }
}

TEST_F(LedgersTest, LargeBlocksOfAllAreListed) {
  std::size_t expected = 0;
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    for (std::size_t pages = 1; pages < 20; ++pages) {
      ASSERT_NE(take(shard, pages), nullptr);
      expected += pages;
    }
  }
  using Ledger = Pool::Ledger;
  auto bytes = std::make_unique<std::size_t[][Ledger::kRunsAtOnce]>(1);
  std::size_t blocks = 0, pages = 0;
  for (std::size_t place = 0;;) {
    const std::size_t found = pool_.ledgers().large_runs(place, bytes[0]);
    if (found == 0) break;
    blocks += found;
    for (std::size_t i = 0; i < found; ++i) pages += bytes[0][i] / kSmallPage;
  }
  EXPECT_EQ(blocks, 3u * 19);
  EXPECT_EQ(pages, expected);
}

TEST_F(LedgersTest, FollowTheModelThroughRandomChanges) {
  Random random(ralloc_test::new_seed());
  std::vector<Span*> held;
  std::size_t pages_out = 0;
  for (unsigned step = 0; step < 5000; ++step) {
    memory_.now_ms = step;
    const std::size_t i = held.empty() ? 0 : random.below(held.size());
    switch (held.empty() ? 6 : random.below(held.size() < 100 ? 8 : 5)) {
      case 0:
      case 1:
        pages_out -= held[i]->pages_.get();
        give(held[i]);
        held.erase(held.begin() + std::ptrdiff_t(i));
        break;
      case 2: {
        const std::size_t more = 1 + random.below(20);
        if (pool_.extend_large(held[i], held[i]->pages_.get() + more)) pages_out += more;
        break;
      }
      case 3: {
        if (held[i]->pages_.get() == 1) break;
        const std::size_t less = 1 + random.below(held[i]->pages_.get() - 1);
        pool_.shorten_large(held[i], held[i]->pages_.get() - less);
        pages_out -= less;
        break;
      }
      case 4:
        if (random.below(20) == 0) (void)pool_.trim();
        if (random.below(20) == 0) pool_.release_sectors();
        break;
      default: {
        ManyLimits::in_use = 1 + unsigned(random.below(3));
        const std::size_t pages = 1 + random.below(random.below(2) == 0 ? 8 : 100);
        held.push_back(take(std::uint32_t(random.below(3)), pages, std::size_t{1} << random.below(4)));
        ASSERT_NE(held.back(), nullptr);
        pages_out += pages;
      }
    }
    ASSERT_TRUE(pool_.is_valid());
    const auto counts = pool_.counts().ledger;
    ASSERT_EQ(counts.dirty_bytes + counts.clean_bytes + pages_out * kSmallPage,
              counts.committed_bytes);
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> ranges;
    for (const Span* run : held) {
      ranges.emplace_back(run->first_page_.get(), run->end_page());
      for (std::uintptr_t p = run->first_page_.get(); p < run->end_page(); p += kSector) {
        ASSERT_EQ(pool_.map().keeper_of(p), keeper_of(run));
      }
    }
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t r = 1; r < ranges.size(); ++r) ASSERT_LE(ranges[r - 1].second, ranges[r].first);
  }
}

}  // namespace
}  // namespace ralloc
