// How the log draws a span's blocks.
#include "global_pool/span_log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "shim/sync.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::SmallLimits;
using SmallSpan = Span<StdSync, SmallLimits>;

constexpr unsigned kSixBlocks = 3;
constexpr unsigned kManyBlocks = 0;  // 204

class SpanLogTest : public testing::Test {
 protected:
  void cut(unsigned size_class) {
    span_.first_page_.set(0x700000);
    span_.pages_.set(SmallLimits::span_pages(size_class, 0));
    span_.bits_.set(words_);
    span_.cut(size_class);
  }
  void take(std::size_t n) {
    std::vector<void*> room(n);
    ASSERT_EQ(span_.take(room.data() + n, n), n);
  }
  void put(std::uint32_t block) {
    Misuse misuse{};
    ASSERT_TRUE(decltype(span_)::Intake(&span_).put(block * span_.block_size_.get(), misuse));
  }
  std::string picture() {
    Line line("");
    blocks_of(&span_).draw(line);
    return line.c_str();
  }

  SmallSpan span_;
  StdSync::Cell<std::uint64_t> words_[8];
};

TEST_F(SpanLogTest, ShowsWhichBlocksAreInUse) {
  cut(kSixBlocks);
  EXPECT_EQ(picture(), "|______");
  take(4);
  EXPECT_EQ(picture(), "xxxx|__");
  put(1);
  EXPECT_EQ(picture(), "x|_xx__") << "the cursor is before the block that comes next";
  take(3);
  EXPECT_EQ(picture(), "xxxxxx|");
}

TEST_F(SpanLogTest, ShowsTheBlocksAroundTheNextOfMany) {
  cut(kManyBlocks);
  take(204);
  const std::string half(32, 'x');
  EXPECT_EQ(picture(), ".." + half + half + "|");
  put(100);
  EXPECT_EQ(picture(), ".." + half + "|_" + half.substr(1) + "..");
}

TEST_F(SpanLogTest, NamesTheAddresses) {
  cut(kSixBlocks);
  const Extent extent = extent_of(&span_)();
  EXPECT_EQ(extent.begin, span_.begin());
  EXPECT_EQ(extent.size, 3u << SmallLimits::kPageShift);
}

}  // namespace
}  // namespace ralloc
