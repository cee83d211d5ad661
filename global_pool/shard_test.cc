// take and give: fullest spans first, each block home once, the blocks of others kept.
#include "global_pool/shard.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "shim/sync.h"
#include "tests/support/lossy_sync.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::is_lost_at;
using ralloc_test::kSmallPage;
using ralloc_test::LossyLimits;
using ralloc_test::LossySync;
using ralloc_test::SmallLimits;
using ralloc_test::SmallPoolTest;
using Blocks = std::vector<void*>;

constexpr unsigned kManyBlocks = 1;  // 64 in a span
constexpr unsigned kTwoBlocks = 2;

// A shard with a page map, and spans for it.
template <class Sync, class Limits>
class ShardBed {
 public:
  using Shard = ralloc::Shard<Sync, Limits>;
  using Span = typename Shard::Span;

  Span* make_span(unsigned size_class) {
    Span& span = spans_.emplace_back();
    span.first_page_.set(next_page_);
    span.pages_.set(Limits::size_class(size_class).pages);
    span.cut(size_class);
    next_page_ += Limits::kSectorPages;
    EXPECT_TRUE(map.cover(span.first_page_.get(), Limits::kSectorPages));
    map.set_span(span.first_page_.get(), span.pages_.get(), &span);
    return &span;
  }

  // Blocks in the order in which a magazine would give them out.
  Blocks take(unsigned size_class, std::size_t n) {
    return popped(n, [&](void** end) { return shard.take(size_class, end, n).count; });
  }
  Blocks adopt(Span* span, std::size_t n) {
    return popped(n, [&](void** end) {
      return shard.adopt(kIndex, typename Shard::LooseRun(*span), end, n);
    });
  }
  // A fresh span whose last `free` blocks are in it; those before them are out.
  Span* adopt_with_free(unsigned size_class, std::size_t free) {
    Blocks others = take(size_class, 1000);
    Span* span = make_span(size_class);
    Blocks blocks = adopt(span, 1000);
    EXPECT_EQ(blocks.size(), span->capacity_.get());
    blocks.erase(blocks.begin(), blocks.end() - std::ptrdiff_t(free));
    give(blocks);
    give(others);
    return span;
  }
  typename Shard::Given give(Blocks& blocks) {
    return shard.give(kIndex, map, blocks.data(), blocks.size());
  }
  typename Shard::Given give(void* block) { return shard.give(kIndex, map, &block, 1); }

  static constexpr std::uint32_t kIndex = 1;
  Shard shard;
  PageMap<Sync, Limits> map;

 private:
  template <class Take>
  static Blocks popped(std::size_t n, Take take) {
    Blocks room(n);
    const std::size_t taken = take(room.data() + n);
    room.erase(room.begin(), room.end() - std::ptrdiff_t(taken));
    std::reverse(room.begin(), room.end());
    return room;
  }

  std::deque<Span> spans_;
  std::uintptr_t next_page_ = 0x1000;
};

class ShardTest : public SmallPoolTest {
 protected:
  using Bed = ShardBed<StdSync, SmallLimits>;
  using Span = Bed::Span;

  ~ShardTest() override { EXPECT_TRUE(bed_.shard.is_valid()); }

  static char* block(const Span* span, std::size_t i) {
    return span->begin() + i * span->block_size_.get();
  }

  Bed bed_;
};

TEST_F(ShardTest, HasNothingBeforeItAdoptsASpan) {
  EXPECT_TRUE(bed_.take(kTwoBlocks, 3).empty());
  EXPECT_EQ(bed_.shard.counts().spans_bytes, 0u);
}

TEST_F(ShardTest, GivesOutTheSpanThatItAdopted) {
  Span* span = bed_.make_span(kTwoBlocks);
  EXPECT_EQ(bed_.adopt(span, 1), (Blocks{block(span, 0)}));
  EXPECT_EQ(bed_.take(kTwoBlocks, 5), (Blocks{block(span, 1)}));
  EXPECT_TRUE(bed_.take(kTwoBlocks, 1).empty());
}

TEST_F(ShardTest, GivesOutBlocksOfTheClassAlone) {
  bed_.adopt_with_free(kTwoBlocks, 1);
  EXPECT_TRUE(bed_.take(kManyBlocks, 1).empty());
  EXPECT_TRUE(bed_.take(3, 1).empty());
}

TEST_F(ShardTest, SaysHowManySpansOfTheClassItHas) {
  for (std::size_t spans = 0; spans < 3; ++spans) {
    void* room[1];
    EXPECT_EQ(bed_.shard.take(kTwoBlocks, room + 1, 0).spans, spans);
    EXPECT_EQ(bed_.shard.take(kManyBlocks, room + 1, 0).spans, 0u);
    bed_.adopt_with_free(kTwoBlocks, 1);
  }
}

// Others may give blocks home between the miss and the adoption: then the fresh span must not
// stay wholly free in the shard, where its last block never comes home.
TEST_F(ShardTest, AlwaysTakesFromTheSpanThatItAdopts) {
  bed_.adopt_with_free(kManyBlocks, 5);
  Span* fresh = bed_.make_span(kManyBlocks);
  ASSERT_EQ(bed_.adopt(fresh, 3).size(), 3u);
  EXPECT_FALSE(fresh->is_wholly_free());
  EXPECT_TRUE(bed_.shard.is_valid());
}

TEST_F(ShardTest, TakesFromTheFullestSpanFirst) {
  Span* half = bed_.adopt_with_free(kManyBlocks, 32);
  Span* full = bed_.adopt_with_free(kManyBlocks, 2);
  Span* empty = bed_.adopt_with_free(kManyBlocks, 63);
  EXPECT_EQ(bed_.take(kManyBlocks, 1), (Blocks{block(full, 62)}));
  EXPECT_EQ(bed_.take(kManyBlocks, 1), (Blocks{block(full, 63)}));
  EXPECT_EQ(bed_.take(kManyBlocks, 1), (Blocks{block(half, 32)}));
  // A block that comes home makes its span the fullest that has one.
  EXPECT_EQ(bed_.give(block(full, 7)).kept, 0u);
  EXPECT_EQ(bed_.take(kManyBlocks, 1), (Blocks{block(full, 7)}));
  // One batch takes from as many as it needs.
  const Blocks rest = bed_.take(kManyBlocks, 1000);
  EXPECT_EQ(rest.size(), 31u + 63u);
  EXPECT_EQ(rest.front(), block(half, 33));
  EXPECT_EQ(rest.back(), block(empty, 63));
}

TEST_F(ShardTest, KeepsTheBlocksOfOthers) {
  Span* span = bed_.adopt_with_free(kManyBlocks, 1);
  Span* foreign = bed_.make_span(kManyBlocks);
  foreign->home_.set(2);
  Blocks blocks{block(span, 0), block(foreign, 3), block(span, 1), block(foreign, 1),
                block(foreign, 2)};
  const auto given = bed_.give(blocks);
  EXPECT_EQ(given.kept, 3u);
  EXPECT_EQ(given.culprit, nullptr);
  EXPECT_EQ(given.emptied.first(), nullptr);
  EXPECT_EQ(Blocks(blocks.begin(), blocks.begin() + 3),
            (Blocks{block(foreign, 3), block(foreign, 1), block(foreign, 2)}));
  EXPECT_EQ(span->free_.get(), 3u);
  EXPECT_TRUE(foreign->is_wholly_free()) << "untouched";
}

TEST_F(ShardTest, HandsOverEmptiedSpansOnce) {
  Span* first = bed_.adopt_with_free(kTwoBlocks, 1);
  Span* second = bed_.adopt_with_free(kTwoBlocks, 0);
  Span* third = bed_.adopt_with_free(kTwoBlocks, 0);
  Blocks blocks{block(second, 1), block(first, 0), block(third, 0), block(second, 0)};
  auto given = bed_.give(blocks);
  EXPECT_EQ(given.culprit, nullptr);
  std::vector<Span*> emptied;
  while (given.emptied.first() != nullptr) {
    emptied.push_back(ralloc_test::span_of(given.emptied.pop()));
  }
  EXPECT_EQ(emptied, (std::vector<Span*>{second, first}));
  EXPECT_EQ(first->home_.get(), Span::kNobody);
  EXPECT_EQ(second->home_.get(), Span::kNobody);
  EXPECT_EQ(bed_.take(kTwoBlocks, 9), (Blocks{block(third, 0)})) << "theirs are out of reach";
}

TEST_F(ShardTest, StopsAtABlockThatIsFreeAlready) {
  Span* span = bed_.adopt_with_free(kManyBlocks, 1);
  Blocks blocks{block(span, 0), block(span, 1), block(span, 0), block(span, 2)};
  const auto given = bed_.give(blocks);
  EXPECT_EQ(given.culprit, block(span, 0));
  EXPECT_EQ(given.misuse, Misuse::kDoubleFree);
  EXPECT_EQ(span->free_.get(), 3u) << "those before it came home, those behind did not";
}

TEST_F(ShardTest, StopsAtWhatIsNoBlock) {
  Span* span = bed_.adopt_with_free(kManyBlocks, 1);
  const auto given = bed_.give(block(span, 0) + 16);
  EXPECT_EQ(given.culprit, block(span, 0) + 16);
  EXPECT_EQ(given.misuse, Misuse::kNotABlock);
}

// Wherever it stands among its neighbours.
TEST_F(ShardTest, StopsAtABlockOfWhichAPartIsFree) {
  Span* span = bed_.adopt_with_free(kManyBlocks, 1);
  alignas(64) static char record[1024];  // the shard has it until it has gone
  const auto part = bed_.shard.give_part(Bed::kIndex, bed_.map, block(span, 2), 16, record);
  ASSERT_TRUE(part.took_memory);
  Blocks blocks{block(span, 0), block(span, 1), block(span, 2), block(span, 3)};
  const auto given = bed_.give(blocks);
  EXPECT_EQ(given.culprit, block(span, 2));
  EXPECT_EQ(given.misuse, Misuse::kPartFreed);
  EXPECT_EQ(span->free_.get(), 3u) << "those before it came home";
}

TEST_F(ShardTest, StopsAtABlockOfASpanThatHasGone) {
  Span* span = bed_.adopt_with_free(kTwoBlocks, 0);
  Blocks blocks{block(span, 0), block(span, 1), block(span, 0)};
  const auto given = bed_.give(blocks);
  EXPECT_EQ(given.emptied.first(), span);
  EXPECT_EQ(given.culprit, block(span, 0));
  EXPECT_EQ(given.misuse, Misuse::kDoubleFree);
}

TEST_F(ShardTest, StopsAtABlockOfNoSpan) {
  Span* span = bed_.adopt_with_free(kTwoBlocks, 0);
  bed_.map.set_span(span->first_page_.get(), 1, nullptr);
  const auto given = bed_.give(block(span, 1));
  EXPECT_EQ(given.culprit, block(span, 1));
  EXPECT_EQ(given.misuse, Misuse::kDoubleFree);
}

TEST_F(ShardTest, CountsWhatIsOut) {
  bed_.adopt_with_free(kManyBlocks, 60);
  Span* two = bed_.adopt_with_free(kTwoBlocks, 0);
  auto counts = bed_.shard.counts();
  EXPECT_EQ(counts.blocks_bytes, 4 * 1024 + 2 * 32768u);
  EXPECT_EQ(counts.spans_bytes, 2 * kSmallPage);
  bed_.give(block(two, 0));
  EXPECT_EQ(bed_.shard.counts().blocks_bytes, 4 * 1024 + 32768u);
  bed_.give(block(two, 1));
  counts = bed_.shard.counts();
  EXPECT_EQ(counts.blocks_bytes, 4 * 1024u);
  EXPECT_EQ(counts.spans_bytes, kSmallPage);
}

TEST_F(ShardTest, KnowsASpanInTheWrongBin) {
  Span* span = bed_.adopt_with_free(kManyBlocks, 60);
  ASSERT_TRUE(bed_.shard.is_valid());
  const std::uint32_t bin = span->bin_.get();
  span->bin_.set(bin - 1);
  EXPECT_FALSE(bed_.shard.is_valid());
  span->bin_.set(bin);
  span->free_.set(0);
  EXPECT_FALSE(bed_.shard.is_valid());
  span->free_.set(60);
}

// --- After a fork in which a thread was lost that held the mutex -------------------------------

class LostShardTest : public SmallPoolTest {
 protected:
  using Bed = ShardBed<LossySync, LossyLimits>;
  static char* block(const Bed::Span* span, std::size_t i) {
    return span->begin() + i * span->block_size_.get();
  }
  // A thread is lost at its first write under the mutex.
  static bool lose_thread(Bed& bed) {
    return is_lost_at(2, [&] { (void)bed.take(kTwoBlocks, 1); });
  }
};

TEST_F(LostShardTest, BlocksOfGivenUpSpansMayComeHomeAndAreIgnored) {
  Bed bed;
  Bed::Span* span = bed.adopt_with_free(kTwoBlocks, 1);
  ASSERT_TRUE(lose_thread(bed));
  Blocks blocks{block(span, 0)};
  const auto given = bed.give(blocks);
  EXPECT_EQ(given.kept, 0u);
  EXPECT_EQ(given.emptied.first(), nullptr);
  EXPECT_EQ(given.culprit, nullptr);
  EXPECT_TRUE(bed.take(kTwoBlocks, 9).empty()) << "its free memory is given up";
  EXPECT_TRUE(bed.shard.is_valid());
}

TEST_F(LostShardTest, ServesFromFreshSpans) {
  Bed bed;
  bed.adopt_with_free(kTwoBlocks, 1);
  ASSERT_TRUE(lose_thread(bed));
  Bed::Span* fresh = bed.make_span(kTwoBlocks);
  EXPECT_EQ(bed.adopt(fresh, 1), (Blocks{block(fresh, 0)}));
  EXPECT_EQ(bed.give(block(fresh, 0)).emptied.first(), fresh);
  EXPECT_TRUE(bed.shard.is_valid());
}

TEST_F(LostShardTest, KeepsItsSpansIfTheLostThreadHeldNothing) {
  Bed bed;
  Bed::Span* span = bed.adopt_with_free(kTwoBlocks, 1);
  ASSERT_TRUE(is_lost_at(1, [&] { (void)bed.take(kTwoBlocks, 1); })) << "before it had the mutex";
  EXPECT_EQ(bed.take(kTwoBlocks, 1), (Blocks{block(span, 1)}));
}

}  // namespace
}  // namespace ralloc
