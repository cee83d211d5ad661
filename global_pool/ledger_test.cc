// Runs go out and come back: the right length and place, merged with their neighbours.
// Blocks that grow: ledger_growth_test.cc; the way back to the OS: ledger_return_test.cc.
#include "global_pool/ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "tests/support/ledger_bed.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::FakeMetadata;
using ralloc_test::Random;

class LedgerTest : public ralloc_test::LedgerBed {
 protected:
  // Free dirty runs of these lengths, which cannot merge: taken pages lie between.
  std::vector<Run*> make_holes(std::initializer_list<std::size_t> lengths) {
    std::vector<Run*> holes;
    for (const std::size_t pages : lengths) {
      holes.push_back(take(pages));
      EXPECT_NE(take(1), nullptr);
    }
    for (Run* hole : holes) give(hole);
    return holes;
  }
};

TEST_F(LedgerTest, TakesRunsOfEveryLengthAndAlignment) {
  std::vector<Run*> runs;
  std::size_t pages_out = 0;
  for (const std::size_t pages : {1, 2, 31, 32, 33, 64, 100, 500, 1023}) {
    for (const std::size_t align : {1, 2, 16, 32, 256}) {
      Run* run = take(pages, align);
      ASSERT_NE(run, nullptr) << pages << " at " << align;
      EXPECT_EQ(run->pages_.get(), pages);
      EXPECT_EQ(run->first_page_.get() % align, 0u);
      EXPECT_EQ(run->state_.get(), State::kLarge);
      for (const Run* other : runs) {
        EXPECT_TRUE(run->first_page_.get() >= other->end_page() ||
                    run->end_page() <= other->first_page_.get());
      }
      runs.push_back(run);
      pages_out += pages;
    }
  }
  EXPECT_EQ(clean_pages() + pages_out, committed_pages());
  for (Run* run : runs) give(run);
  EXPECT_EQ(dirty_pages(), pages_out);
}

// However many pieces of the arena that takes.
TEST_F(LedgerTest, TakesAnyNumberOfLongRuns) {
  for (int i = 0; i < 500; ++i) ASSERT_NE(take(kPiecePages + 1), nullptr) << i;
}

TEST_F(LedgerTest, MapKnowsEveryPageOfASpanOfBlocks) {
  Run* span = take(3, 1, State::kBlocks, 0);
  for (std::uintptr_t page = span->first_page_.get(); page < span->end_page(); ++page) {
    EXPECT_EQ(map_.span_at(page), span);
  }
  span->cut(3);
  const std::uintptr_t middle = span->first_page_.get() + 1;
  give(span);
  EXPECT_EQ(map_.span_at(middle), nullptr);
}

TEST_F(LedgerTest, MapKnowsTheFirstPageOfALargeBlockAlone) {
  Run* run = take(3);
  EXPECT_EQ(map_.span_at(run->first_page_.get()), run);
  EXPECT_EQ(map_.span_at(run->first_page_.get() + 1), nullptr);
  EXPECT_EQ(map_.span_at(run->first_page_.get() + 2), nullptr);
}

TEST_F(LedgerTest, UsesFreePagesBeforeItCommitsMore) {
  const std::uintptr_t page = page_of_next(10);
  ASSERT_NE(take(kStepPages - 10), nullptr);  // all that is committed
  give(static_cast<Run*>(map_.span_at(page)));
  EXPECT_EQ(page_of_next(10), page);
  EXPECT_EQ(committed_pages(), kStepPages);
}

TEST_F(LedgerTest, TellsWhetherARunReadsAsZeros) {
  Run* run = take(10);
  EXPECT_TRUE(run->was_clean_.get()) << "fresh from the OS";
  give(run, State::kDirty);
  run = take(10);
  EXPECT_FALSE(run->was_clean_.get());
  give(run, State::kClean);
  EXPECT_TRUE(take(10)->was_clean_.get());
}

TEST_F(LedgerTest, MergesWithBothNeighboursInEveryOrder) {
  std::size_t order[] = {0, 1, 2};
  do {
    Run* runs[3] = {take(3), take(5), take(4)};
    const std::uintptr_t page = runs[0]->first_page_.get();
    Run* after = take(1);
    for (const std::size_t i : order) {
      give(runs[i]);
      ASSERT_TRUE(ledger_.is_valid());
    }
    Run* all = take(12);
    EXPECT_EQ(all->first_page_.get(), page);
    give(all);
    give(after);
  } while (std::next_permutation(std::begin(order), std::end(order)));
}

TEST_F(LedgerTest, KeepsDirtyAndCleanApart) {
  Run* first = take(3);
  Run* second = take(3);
  ASSERT_NE(take(1), nullptr);
  const std::uintptr_t page = first->first_page_.get();
  give(first, State::kDirty);
  give(second, State::kClean);
  EXPECT_NE(page_of_next(6), page);
  EXPECT_EQ(dirty_pages(), 3u);
}

TEST_F(LedgerTest, FindsAnAlignedPlaceInsideARun) {
  ASSERT_NE(take(5), nullptr);
  Run* hole = make_holes({70})[0];
  const std::uintptr_t first = hole->first_page_.get();
  ASSERT_NE(first % 32, 0u);
  Run* run = take(4, 32);
  EXPECT_EQ(run->first_page_.get(), (first + 31) / 32 * 32);
  EXPECT_EQ(dirty_pages(), 66u) << "before and behind it the run stays free";
  EXPECT_TRUE(ledger_.is_valid());
  give(run);
  EXPECT_EQ(page_of_next(70), first) << "and becomes one again";
}

TEST_F(LedgerTest, GivesBitsToThoseThatAskAndTakesThemBack) {
  Run* span = take(1, 1, State::kBlocks, 8);
  EXPECT_NE(span->bits_.get(), nullptr);
  span->cut(0);
  Run* one_word = take(1, 1, State::kBlocks, 0);
  EXPECT_EQ(one_word->bits_.get(), nullptr);
  one_word->cut(1);
  give(span);
  give(one_word);
  EXPECT_EQ(take(1)->bits_.get(), nullptr) << "none are left from earlier";
}

TEST_F(LedgerTest, KeepsNoRecordsOfWhatMerged) {
  std::vector<Run*> runs;
  for (int i = 0; i < 20; ++i) {
    runs.push_back(take(1, 1, State::kBlocks, 8));
    runs.back()->cut(0);
  }
  for (Run* run : runs) give(run);
  EXPECT_EQ(FakeMetadata::outstanding, 2 * sizeof(Run)) << "of one dirty run and one clean";
}

// Each record that a take needs is refused in turn, in a ledger with one hole in a corner.
TEST_F(LedgerTest, NothingIsLostWithoutRecords) {
  for (const std::size_t align : {1, 32}) {
    for (unsigned failing = 1;; ++failing) {
      SCOPED_TRACE(failing);
      Run* hole = make_holes({70})[0];
      ASSERT_NE(hole, nullptr);
      const std::size_t free = dirty_pages() + clean_pages();
      const std::size_t records = FakeMetadata::outstanding;
      FakeMetadata::takes_until_failure = failing;
      Run* run = take(1, align, State::kBlocks, 8);
      const bool failed = FakeMetadata::takes_until_failure == 0;
      FakeMetadata::takes_until_failure = 0;
      ASSERT_TRUE(ledger_.is_valid());
      EXPECT_EQ(run == nullptr, failed);
      if (run == nullptr) {
        EXPECT_EQ(dirty_pages() + clean_pages(), free);
        EXPECT_EQ(FakeMetadata::outstanding, records);
        run = take(1, align, State::kBlocks, 8);
      }
      ASSERT_NE(run, nullptr) << "the next one is served";
      run->cut(0);
      give(run);
      if (!failed) break;
    }
  }
}

TEST_F(LedgerTest, OtherRoomsHaveTheirRecords) {
  void* piece = ledger_.take_metadata(100);
  EXPECT_NE(piece, nullptr);
  EXPECT_EQ(ledger_.counts().metadata_bytes, ralloc::Config::kMetadataChunk);
  ledger_.give_metadata(piece, 100);
  EXPECT_EQ(FakeMetadata::outstanding, 0u);
  FakeMetadata::takes_until_failure = 1;
  EXPECT_EQ(ledger_.take_metadata(100), nullptr);
}

// Pages have one owner: nobody, the ledger, or the holder of a run.
TEST_F(LedgerTest, FollowsTheModelThroughRandomChanges) {
  Random random(ralloc_test::new_seed());
  std::vector<Run*> held;
  std::size_t pages_out = 0;
  const auto lengths = [&] { return 1 + random.below(random.below(2) == 0 ? 8 : 200); };
  for (int step = 0; step < 5000; ++step) {
    std::size_t i = held.empty() ? 0 : random.below(held.size());
    switch (random.below(held.size() < 100 ? 6 : 4)) {
      case 0:
        if (held.empty()) break;
        pages_out -= held[i]->pages_.get();
        give(held[i], random.below(4) == 0 ? State::kClean : State::kDirty, std::uint64_t(step));
        held.erase(held.begin() + std::ptrdiff_t(i));
        break;
      case 1: {
        if (held.empty()) break;
        const std::size_t more = lengths();
        if (ledger_.extend(held[i], held[i]->pages_.get() + more)) pages_out += more;
        break;
      }
      case 2: {
        if (held.empty() || held[i]->pages_.get() == 1) break;
        const std::size_t less = 1 + random.below(held[i]->pages_.get() - 1);
        ASSERT_TRUE(ledger_.shorten(held[i], held[i]->pages_.get() - less, std::uint64_t(step)));
        pages_out -= less;
        break;
      }
      case 3:
        if (Run* run = take_decayed(random.below(std::size_t(step) + 1))) {
          give(run, State::kClean);
        }
        break;
      default: {
        const std::size_t pages = lengths();
        held.push_back(take(pages, std::size_t{1} << random.below(4)));
        ASSERT_NE(held.back(), nullptr);
        pages_out += pages;
      }
    }
    ASSERT_TRUE(ledger_.is_valid());
    ASSERT_EQ(dirty_pages() + clean_pages() + pages_out, committed_pages());
    std::vector<std::pair<std::uintptr_t, std::uintptr_t>> ranges;
    for (const Run* run : held) ranges.emplace_back(run->first_page_.get(), run->end_page());
    std::sort(ranges.begin(), ranges.end());
    for (std::size_t r = 1; r < ranges.size(); ++r) {
      ASSERT_LE(ranges[r - 1].second, ranges[r].first);
    }
  }
}

TEST_F(LedgerTest, ThreadsNeverGetTheSamePages) {
  ralloc_test::in_threads(4, [&](unsigned thread) {
    Random random(thread);
    std::vector<Run*> held;
    for (int step = 0; step < 3000; ++step) {
      if (random.below(2) == 0 && held.size() < 20) {
        held.push_back(take(1 + random.below(30)));
        ASSERT_NE(held.back(), nullptr);
        // What a taken run's holder may write; two holders would be a race, or disagree.
        held.back()->class_.set(thread);
      } else if (!held.empty()) {
        std::swap(held[random.below(held.size())], held.back());
        ASSERT_EQ(held.back()->class_.get(), thread);
        give(held.back(), State::kDirty);
        held.pop_back();
      }
    }
    for (Run* run : held) give(run);
  });
  EXPECT_EQ(dirty_pages() + clean_pages(), committed_pages());
}

}  // namespace
}  // namespace ralloc
