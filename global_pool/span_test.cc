// The bits of a span: every block comes and goes once.
#include "global_pool/span.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <vector>

#include "global_pool/limits.h"
#include "shim/sync.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::SmallLimits;

// A span with its bits; its blocks are mere addresses.
template <class Limits>
class CutSpan : public Span<StdSync, Limits> {
 public:
  explicit CutSpan(unsigned size_class, std::size_t spans = 0) {
    const std::uint32_t pages = Limits::span_pages(size_class, spans);
    words_.resize(this->more_words_for(this->capacity_of(Limits::size_class(size_class), pages)));
    this->first_page_.set(0x700000);
    this->pages_.set(pages);
    if (!words_.empty()) this->bits_.set(words_.data());
    this->cut(size_class);
  }

  char* block(std::size_t i) const { return this->begin() + i * this->block_size_.get(); }

  // Takes up to `n` blocks, in the order in which a magazine gives them out.
  std::vector<void*> pop(std::size_t n) {
    std::vector<void*> room(n);
    const std::size_t taken = this->take(room.data() + n, n);
    room.erase(room.begin(), room.end() - std::ptrdiff_t(taken));
    std::reverse(room.begin(), room.end());
    return room;
  }
  void push(const void* p) {
    Misuse misuse{};
    typename CutSpan::Intake intake(this);
    ASSERT_TRUE(intake.has_block_at(intake.offset_of(p))) << p;
    ASSERT_TRUE(intake.put(intake.offset_of(p), misuse)) << p;
  }
  bool refuses(const void* p, Misuse expected) {
    const std::uint32_t free_before = this->free_.get();
    Misuse misuse = Misuse::kNotABlock;
    typename CutSpan::Intake intake(this);
    const bool is_refused = !intake.has_block_at(intake.offset_of(p)) ||
                            !intake.put(intake.offset_of(p), misuse);
    return is_refused && misuse == expected && this->free_.get() == free_before && this->is_valid();
  }

 private:
  std::vector<StdSync::Cell<std::uint64_t>> words_;
};

struct ShuffledLimits : SmallLimits {
  struct Defences : NoDefences {
    static constexpr bool kShufflesBlocks = true;
  };
};
// The tests of order below are of spans without defences.
struct OrderedLimits : ShippedLimits {
  using Defences = NoDefences;
};

using SmallSpan = CutSpan<SmallLimits>;
using ShippedSpan = CutSpan<OrderedLimits>;

constexpr unsigned kManyBlocks = 0;  // 204 of 320 bytes
constexpr unsigned kTwoBlocks = 2;

TEST(SpanTest, IsWhollyFreeWhenCut) {
  for (unsigned c = 0; c < kClasses; ++c) {
    ShippedSpan span(c);
    EXPECT_TRUE(span.is_wholly_free()) << c;
    EXPECT_TRUE(span.is_valid()) << c;
    EXPECT_EQ(span.home_.get(), ShippedSpan::kNobody);
  }
}

TEST(SpanTest, GivesOutEveryBlockOnceLowestFirst) {
  for (unsigned c = 0; c < kClasses; ++c) {
    ShippedSpan span(c, c);
    const std::size_t capacity = span.capacity_.get();
    const std::vector<void*> blocks = span.pop(capacity + 1);
    ASSERT_EQ(blocks.size(), capacity) << c;
    ASSERT_LE(span.block(capacity), span.begin() + span.bytes());
    ASSERT_GT(span.block(capacity + 1), span.begin() + span.bytes());
    for (std::size_t i = 0; i < capacity; ++i) ASSERT_EQ(blocks[i], span.block(i)) << c;
    EXPECT_EQ(span.free_.get(), 0u);
    EXPECT_TRUE(span.is_valid());
    EXPECT_TRUE(span.pop(1).empty());
  }
}

TEST(SpanTest, TakesNoMoreThanAsked) {
  SmallSpan span(kManyBlocks);
  EXPECT_TRUE(span.pop(0).empty());
  EXPECT_EQ(span.pop(3), (std::vector<void*>{span.block(0), span.block(1), span.block(2)}));
  EXPECT_EQ(span.pop(1), (std::vector<void*>{span.block(3)}));
  EXPECT_EQ(span.free_.get(), 200u);
  EXPECT_TRUE(span.is_valid());
}

TEST(SpanTest, WritesDownwardsFromTheEndAndNoFurther) {
  SmallSpan span(kTwoBlocks);
  void* room[4] = {};
  EXPECT_EQ(span.take(room + 4, 3), 2u);
  EXPECT_EQ(room[3], span.block(0));
  EXPECT_EQ(room[2], span.block(1));
  EXPECT_EQ(room[1], nullptr);
}

TEST(SpanTest, FillsTheLowestHolesFirst) {
  SmallSpan span(kManyBlocks);
  span.pop(204);
  for (const std::size_t i : {203, 130, 64, 63, 7}) span.push(span.block(i));
  EXPECT_EQ(span.pop(2), (std::vector<void*>{span.block(7), span.block(63)}));
  span.push(span.block(0));
  EXPECT_EQ(span.pop(9), (std::vector<void*>{span.block(0), span.block(64), span.block(130),
                                             span.block(203)}));
}

TEST(SpanTest, TakesBackEveryBlockOnce) {
  SmallSpan span(kManyBlocks);
  for (void* block : span.pop(204)) {
    EXPECT_FALSE(span.is_wholly_free());
    span.push(block);
    EXPECT_TRUE(span.refuses(block, Misuse::kDoubleFree));
  }
  EXPECT_TRUE(span.is_wholly_free());
}

TEST(SpanTest, RefusesABlockThatItNeverGaveOut) {
  SmallSpan span(kTwoBlocks);
  EXPECT_TRUE(span.refuses(span.block(0), Misuse::kDoubleFree));
  span.pop(1);
  EXPECT_TRUE(span.refuses(span.block(1), Misuse::kDoubleFree));
}

TEST(SpanTest, RefusesWhatIsNotTheStartOfABlock) {
  for (unsigned c = 0; c < kClasses; ++c) {
    ShippedSpan span(c);
    span.pop(span.capacity_.get());
    const std::size_t size = span.block_size_.get();
    for (const std::size_t offset : {std::size_t{1}, std::size_t{8}, size - 1, size + 1}) {
      EXPECT_TRUE(span.refuses(span.block(0) + offset, Misuse::kNotABlock)) << c << "+" << offset;
      EXPECT_TRUE(span.refuses(span.block(6) + offset, Misuse::kNotABlock)) << c << "+" << offset;
    }
    if (size > kGrain) {
      EXPECT_TRUE(span.refuses(span.block(1) + kGrain, Misuse::kNotABlock)) << c;
      EXPECT_TRUE(span.refuses(span.block(1) - kGrain, Misuse::kNotABlock)) << c;
    }
  }
}

TEST(SpanTest, RefusesWhatLiesBehindTheLastBlock) {
  SmallSpan span(kManyBlocks);
  span.pop(204);
  EXPECT_TRUE(span.refuses(span.block(204), Misuse::kNotABlock));
  EXPECT_TRUE(span.refuses(span.begin() + span.bytes() - 16, Misuse::kNotABlock));
}

TEST(SpanTest, StaysInItsBinUpToTheMostFreeBlocksThere) {
  for (unsigned c = 0; c < kClasses; ++c) {
    ShippedSpan span(c);
    const std::uint32_t capacity = span.capacity_.get();
    std::uint32_t bin = 0;
    for (std::uint32_t free = 1; free < capacity; ++free) {
      if (free > span.most_free_in(bin)) ++bin;
      span.free_.set(free);
      ASSERT_EQ(span.bin_for_free(), bin) << free << " of " << capacity;
      ASSERT_LT(bin, ShippedSpan::kFullnessBins);
    }
    EXPECT_EQ(span.most_free_in(ShippedSpan::kFullnessBins - 1), capacity - 1);
  }
}

TEST(SpanTest, KnowsWhenItsCountIsWrong) {
  SmallSpan span(kManyBlocks);
  span.pop(5);
  ASSERT_TRUE(span.is_valid());
  span.free_.set(span.free_.get() + 1);
  EXPECT_FALSE(span.is_valid());
}

TEST(SpanTest, KnowsWhenItWouldOverlookABlock) {
  SmallSpan span(kManyBlocks);
  span.pop(100);
  span.push(span.block(0));
  ASSERT_TRUE(span.is_valid());
  span.low_word_.set(1);
  EXPECT_FALSE(span.is_valid());
}

TEST(SpanTest, FollowsTheModelThroughRandomChanges) {
  ralloc_test::Random random(ralloc_test::new_seed());
  for (unsigned c = 0; c < SmallLimits::kClasses; ++c) {
    SmallSpan span(c);
    std::set<void*> free;
    for (std::size_t i = 0; i < span.capacity_.get(); ++i) free.insert(span.block(i));
    std::vector<void*> held;
    for (int step = 0; step < 3000; ++step) {
      if (random.below(2) == 0) {
        for (void* block : span.pop(random.below(9))) {
          ASSERT_EQ(block, *free.begin()) << "not the lowest";
          free.erase(free.begin());
          held.push_back(block);
        }
      } else if (!held.empty()) {
        std::swap(held[random.below(held.size())], held.back());
        span.push(held.back());
        free.insert(held.back());
        held.pop_back();
      }
      ASSERT_EQ(span.free_.get(), free.size());
      ASSERT_TRUE(span.is_valid());
    }
  }
}

// What a take with this seed gives, in order.
std::vector<void*> scattered(CutSpan<ShuffledLimits>& span, std::size_t n, std::uint64_t seed) {
  std::vector<void*> blocks(n);
  blocks.erase(blocks.begin(),
               blocks.end() - std::ptrdiff_t(span.take(blocks.data() + n, n, seed)));
  return blocks;
}

TEST(ShuffledSpanTest, GivesOutEveryBlockOnce) {
  ralloc_test::Random random(ralloc_test::new_seed());
  for (unsigned c = 0; c < SmallLimits::kClasses; ++c) {
    CutSpan<ShuffledLimits> span(c);
    std::set<void*> held;
    for (int step = 0; step < 3000; ++step) {
      if (random.below(2) == 0) {
        const std::size_t free = span.free_.get();
        const std::size_t n = random.below(random.below(8) == 0 ? 200 : 9);
        const std::vector<void*> blocks = scattered(span, n, random.below(1000));
        ASSERT_EQ(blocks.size(), std::min(n, free));
        for (void* block : blocks) ASSERT_TRUE(held.insert(block).second);
      } else if (!held.empty()) {
        const auto block = std::next(held.begin(), std::ptrdiff_t(random.below(held.size())));
        span.push(*block);
        held.erase(block);
      }
      ASSERT_EQ(span.free_.get() + held.size(), span.capacity_.get());
      ASSERT_TRUE(span.is_valid());
    }
  }
}

TEST(ShuffledSpanTest, TakesFromAllOverTheSpan) {
  std::set<std::size_t> places;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    CutSpan<ShuffledLimits> span(kManyBlocks);
    for (const void* block : scattered(span, 4, seed * 0x9E3779B97F4A7C15)) {
      places.insert(std::size_t(static_cast<const char*>(block) - span.begin()) / 320);
    }
  }
  EXPECT_EQ(places.size(), 204u) << "some block is never among the first";
}

TEST(ShuffledSpanTest, AnotherSeedIsAnotherOrder) {
  CutSpan<ShuffledLimits> one(kManyBlocks);
  CutSpan<ShuffledLimits> same(kManyBlocks);
  CutSpan<ShuffledLimits> other(kManyBlocks);
  const std::vector<void*> blocks = scattered(one, 20, 1);
  EXPECT_EQ(scattered(same, 20, 1), blocks);
  EXPECT_NE(scattered(other, 20, 2), blocks);
}

}  // namespace
}  // namespace ralloc
