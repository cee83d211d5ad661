// The free runs: the one that fits is found, the oldest is known, neighbours see each other.
#include "global_pool/free_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <initializer_list>
#include <vector>

#include "shim/sync.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::SmallLimits;

class FreeRunsTest : public ralloc_test::SmallPoolTest {
 protected:
  using Runs = FreeRuns<StdSync, SmallLimits>;
  using Run = Runs::Span;
  using State = SpanState;
  static constexpr std::uintptr_t kFirst = 0x1000;
  static constexpr std::size_t kPages = 64 * 1024;

  FreeRunsTest() { EXPECT_TRUE(map_.cover(kFirst, kPages)); }
  ~FreeRunsTest() override { EXPECT_TRUE(runs_.is_valid()); }

  Run* make(std::uintptr_t page, std::size_t pages, std::uint64_t freed_ms = 0) {
    Run& run = records_.emplace_back();
    run.first_page_.set(kFirst + page);
    run.pages_.set(pages);
    run.freed_ms_.set(freed_ms);
    return &run;
  }
  Run* insert(std::uintptr_t page, std::size_t pages, State state = State::kDirty) {
    Run* run = make(page, pages);
    runs_.insert(run, state);
    return run;
  }

  PageMap<StdSync, SmallLimits> map_;
  Runs runs_{map_, 0};
  std::deque<Run> records_;
};

TEST_F(FreeRunsTest, StartsEmpty) {
  EXPECT_EQ(runs_.find(1, 1), nullptr);
  EXPECT_EQ(runs_.oldest_dirty(), nullptr);
  EXPECT_EQ(runs_.pages(State::kDirty) + runs_.pages(State::kClean), 0u);
}

TEST_F(FreeRunsTest, FindsTheRunThatFitsBest) {
  std::uintptr_t page = 0;
  std::vector<Run*> runs;
  for (const std::size_t pages : {20, 3, 8, 32, 5, 1000, 40, 300}) {
    runs.push_back(insert(page, pages));
    page += pages + 1;
  }
  std::sort(runs.begin(), runs.end(),
            [](Run* a, Run* b) { return a->pages_.get() < b->pages_.get(); });
  for (std::size_t pages = 1; pages <= 1000; ++pages) {
    const auto fits = [&](Run* run) { return run->pages_.get() >= pages; };
    EXPECT_EQ(runs_.find(pages, 1), *std::find_if(runs.begin(), runs.end(), fits)) << pages;
  }
  EXPECT_EQ(runs_.find(1001, 1), nullptr);
}

TEST_F(FreeRunsTest, FindsLongEnoughRunsAmongThoseOfOneBin) {
  insert(0, 33);  // to 39 pages they share a bin
  Run* longest = insert(100, 39);
  insert(200, 34);
  insert(300, 35);
  EXPECT_EQ(runs_.find(38, 1), longest);
}

TEST_F(FreeRunsTest, KnowsTheLongest) {
  EXPECT_EQ(runs_.longest(State::kDirty, true), nullptr);
  insert(0, 3);
  Run* longest = insert(10, 1000);
  Run* second = insert(2000, 40);
  EXPECT_EQ(runs_.longest(State::kDirty, false), longest);
  EXPECT_EQ(runs_.longest(State::kClean, true), nullptr);
  longest->is_room_.set(true);
  EXPECT_EQ(runs_.longest(State::kDirty, false), second) << "that is no room";
  EXPECT_EQ(runs_.longest(State::kDirty, true), longest);
}

TEST_F(FreeRunsTest, LooksOnlyAtSoManyRoomsForTheLongestOther) {
  for (std::uintptr_t i = 0; i < 100; ++i) insert(100 * i, 50)->is_room_.set(true);
  insert(20'000, 2);
  EXPECT_EQ(runs_.longest(State::kDirty, false), nullptr);
}

TEST_F(FreeRunsTest, PrefersRunsWithBacking) {
  Run* clean = insert(0, 3, State::kClean);
  EXPECT_EQ(runs_.find(3, 1), clean);
  Run* dirty = insert(100, 9, State::kDirty);
  EXPECT_EQ(runs_.find(3, 1), dirty) << "though the clean one fits better";
}

TEST_F(FreeRunsTest, FindsRunsWithAnAlignedPlace) {
  insert(1, 18);  // 16 to 19: too short for 4 at a multiple of 16
  EXPECT_EQ(runs_.find(4, 16), nullptr);
  Run* fits = insert(33, 19);  // 48 to 52
  EXPECT_EQ(runs_.find(4, 16), fits);
  EXPECT_EQ(Runs::front_waste(fits, 16), 15u);
  EXPECT_EQ(Runs::front_waste(fits, 1), 0u);
}

TEST_F(FreeRunsTest, FindsWholeSectorsAmongCleanRuns) {
  insert(0, 64, State::kDirty);
  insert(65, 30, State::kClean);  // 80 to 95: not quite
  EXPECT_EQ(runs_.find_clean_aligned(16), nullptr);
  Run* fits = insert(97, 31, State::kClean);  // 112 to 128
  EXPECT_EQ(runs_.find_clean_aligned(16), fits);
}

TEST_F(FreeRunsTest, MapHasTheEndsOfARun) {
  Run* run = insert(10, 5, State::kClean);
  EXPECT_EQ(runs_.neighbour(kFirst + 10, State::kClean), run);
  EXPECT_EQ(runs_.neighbour(kFirst + 14, State::kClean), run);
  EXPECT_EQ(runs_.neighbour(kFirst + 10, State::kDirty), nullptr) << "in another state";
  for (const std::uintptr_t page : {9, 11, 15}) {
    EXPECT_EQ(runs_.neighbour(kFirst + page, State::kClean), nullptr) << page;
  }
  runs_.remove(run);
  EXPECT_EQ(map_.span_at(kFirst + 10), nullptr);
  EXPECT_EQ(map_.span_at(kFirst + 14), nullptr);
}

TEST_F(FreeRunsTest, RunOfAnotherPageInTheSamePlaceIsNoNeighbour) {
  insert(0, 5);
  EXPECT_EQ(runs_.neighbour(kFirst + map_.window_pages(), State::kDirty), nullptr);
}

TEST_F(FreeRunsTest, CountsThePagesOfEachState) {
  Run* dirty = insert(0, 5);
  insert(10, 7, State::kClean);
  EXPECT_EQ(runs_.pages(State::kDirty), 5u);
  EXPECT_EQ(runs_.pages(State::kClean), 7u);
  runs_.resize(dirty, kFirst, 9);
  EXPECT_EQ(runs_.pages(State::kDirty), 9u);
  runs_.resize(dirty, kFirst + 1, 500);
  EXPECT_EQ(runs_.pages(State::kDirty), 500u);
  runs_.remove(dirty);
  EXPECT_EQ(runs_.pages(State::kDirty), 0u);
}

TEST_F(FreeRunsTest, ResizedRunIsFoundByItsNewLengthAndEnds) {
  Run* run = insert(0, 33);
  for (const std::size_t pages : {34, 39, 40, 3, 1000}) {
    runs_.resize(run, kFirst + 100, pages);
    EXPECT_EQ(runs_.find(pages, 1), run);
    EXPECT_EQ(runs_.find(pages + 1, 1), nullptr);
    EXPECT_EQ(runs_.neighbour(kFirst + 100, State::kDirty), run);
    EXPECT_EQ(runs_.neighbour(kFirst + 99 + pages, State::kDirty), run);
    EXPECT_EQ(map_.span_at(kFirst), nullptr);
    EXPECT_TRUE(runs_.is_valid());
  }
}

TEST_F(FreeRunsTest, KnowsTheOldestDirtyRun) {
  Run* first = insert(0, 5);
  Run* second = insert(10, 5);
  insert(20, 5, State::kClean);
  EXPECT_EQ(runs_.oldest_dirty(), first);
  runs_.resize(first, kFirst, 6);
  EXPECT_EQ(runs_.oldest_dirty(), first) << "it keeps its age";
  runs_.remove(first);
  EXPECT_EQ(runs_.oldest_dirty(), second);
}

TEST_F(FreeRunsTest, PartOfARunIsAsOldAsTheRun) {
  Run* old = make(0, 5, 10);
  runs_.insert(old, State::kDirty);
  runs_.insert(make(100, 5, 20), State::kDirty);
  Run* part = make(50, 3);
  runs_.insert_beside(part, old);
  EXPECT_EQ(part->freed_ms_.get(), 10u);
  runs_.remove(old);
  EXPECT_EQ(runs_.oldest_dirty(), part);
}

TEST_F(FreeRunsTest, ForgetsEverythingAfterAFork) {
  Run* run = insert(0, 5);
  runs_.retire();
  EXPECT_EQ(runs_.find(1, 1), nullptr);
  EXPECT_EQ(runs_.oldest_dirty(), nullptr);
  EXPECT_EQ(runs_.pages(State::kDirty), 0u);
  EXPECT_EQ(map_.span_at(kFirst), run) << "the map still has it";
  EXPECT_EQ(runs_.neighbour(kFirst, State::kDirty), nullptr) << "but it is known to be given up";
}

TEST_F(FreeRunsTest, ValidatorSeesWhatIsWrong) {
  Run* run = insert(0, 5);
  run->pages_.set(6);
  EXPECT_FALSE(runs_.is_valid()) << "another length";
  run->pages_.set(5);
  map_.set_span(kFirst, 1, nullptr);
  EXPECT_FALSE(runs_.is_valid()) << "not in the map";
  map_.set_span(kFirst, 1, run);
  Run* next = insert(5, 3);
  EXPECT_FALSE(runs_.is_valid()) << "a neighbour that should be merged";
  runs_.remove(next);
}

}  // namespace
}  // namespace ralloc
