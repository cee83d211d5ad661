// What a thread keeps that is not at home in its shard's magazines: large blocks that it freed, and
// foreign blocks with cache lines of their own.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "local_pool/this_pool.h"
#include "shim/debugger.h"
#include "tests/support/pool_user.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::Blocks;
using ralloc_test::bytes_out;
using ralloc_test::give_block;
using ralloc_test::give_blocks;
using ralloc_test::in_fresh_thread;
using ralloc_test::take_block;
using ralloc_test::take_blocks;

using Span = Bookkeeper::Span;

constexpr std::size_t kPage = std::size_t{1} << Config::kPageShift;
const unsigned k48 = size_class_of(48);
const unsigned k64 = size_class_of(64);

class KeptTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kDebugger && debugger::is_memcheck()) GTEST_SKIP() << "no thread has a pool";
  }
  ~KeptTest() override {
    flush_this_pool();
    EXPECT_EQ(bytes_out(), bytes_before_);
    EXPECT_EQ(large_out(), large_before_);
    EXPECT_TRUE(bookkeeper.is_valid());
  }

  // Bytes that are neither free nor in spans, nor kept by a shard.
  static std::size_t large_out() { return bookkeeper.counts().large_bytes(); }
  static Span* take_large(std::size_t pages) {
    Span* const span = take_kept(pages, false);
    return span != nullptr ? span : bookkeeper.take_large(pages, 1);
  }
  static void give_large(Span* span) {
    if (!keep_large(span)) bookkeeper.give_large(span, SpanState::kDirty);
  }
  static bool is_block(const Span* span) {
    return is_live(bookkeeper.map().key_of(span->begin())) && !span->is_aside();
  }

 private:
  const std::size_t bytes_before_ = bytes_out();
  const std::size_t large_before_ = large_out();
};

// Here this thread has no magazine that could grow.
class KeptLargeTest : public KeptTest {
 protected:
  ~KeptLargeTest() override { EXPECT_EQ(bookkeeper.budget().drawn(), drawn_before_); }
  void SetUp() override {
    KeptTest::SetUp();
    if (!ThisPool::kKeepsLarge) GTEST_SKIP() << "no large block is kept in this build";
    if (Config::kLargeKeptBytes > Config::kPoolBytes) GTEST_SKIP() << "no thread has room for one";
  }

 private:
  const std::size_t drawn_before_ = bookkeeper.budget().drawn();
};

TEST_F(KeptLargeTest, IsHandedOutAgain) {
  in_fresh_thread([] {
    Span* const span = take_large(2);
    span->ahead_.set(1);
    ASSERT_TRUE(keep_large(span));
    EXPECT_EQ(span->ahead_.get(), 0u) << "who has it next took none of it ahead";
    EXPECT_FALSE(is_block(span)) << "who frees it again is told";
    EXPECT_EQ(large_bytes_in_this_pool(), 2 * kPage);
    EXPECT_EQ(take_kept(1, false), nullptr) << "its length is another";
    EXPECT_EQ(take_kept(3, true), nullptr);
    EXPECT_EQ(take_kept(2, false), span);
    EXPECT_TRUE(is_block(span));
    EXPECT_FALSE(span->was_clean_.get()) << "it holds what it held";
    EXPECT_EQ(large_bytes_in_this_pool(), 0u);
    give_large(span);
  });
}

TEST_F(KeptLargeTest, LastComesFirst) {
  in_fresh_thread([] {
    Span* const one = take_large(1);
    Span* const other = take_large(1);
    give_large(one);
    give_large(other);
    EXPECT_EQ(take_kept(1, false), other);
    EXPECT_EQ(take_kept(1, false), one);
    give_large(one);
    give_large(other);
    EXPECT_TRUE(attach_this_pool()->is_valid());
  });
}

TEST_F(KeptLargeTest, BlockThatWillGrowIsCutOffALongerOne) {
  in_fresh_thread([] {
    Span* const span = take_large(4);
    give_large(span);
    EXPECT_EQ(take_kept(1, true), span);
    EXPECT_EQ(span->pages_.get(), 1u);
    EXPECT_TRUE(bookkeeper.ledger().extend(span, 4)) << "the rest is room to grow";
    give_large(span);
  });
}

TEST_F(KeptLargeTest, NoMoreThanThereIsRoomFor) {
  in_fresh_thread([] {
    const std::size_t drawn = bookkeeper.budget().drawn();
    const std::size_t pages = Config::kLargeKeptMost / kPage / 2;
    std::vector<Span*> spans;
    for (std::size_t bytes = 0; bytes <= 2 * Config::kLargeKeptBytes; bytes += pages * kPage) {
      spans.push_back(take_large(pages));
    }
    for (Span* span : spans) {
      EXPECT_TRUE(keep_large(span));
      EXPECT_LE(large_bytes_in_this_pool(), Config::kLargeKeptBytes);
    }
    EXPECT_EQ(bookkeeper.budget().drawn() - drawn, Config::kLargeKeptBytes);
    EXPECT_TRUE(attach_this_pool()->is_valid());
  });
}

TEST_F(KeptLargeTest, LongerOnesStayWithTheShard) {
  constexpr std::size_t kPages = Config::kLargeKeptMost / kPage + 1;
  in_fresh_thread([] {
    Span* span = nullptr;
    bool may_leave = false;
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(take_large_spare(kPages, 1, false), nullptr);
      span = bookkeeper.take_large(kPages, 1);
      may_leave = bookkeeper.may_leave_large(span);
      const bool is_left = keep_large(span);
      EXPECT_EQ(is_left, may_leave);
      if (!is_left) bookkeeper.free_large(span);
    }
    EXPECT_EQ(large_bytes_in_this_pool(), 0u);
    if (!may_leave) return;  // as configured
    EXPECT_FALSE(is_block(span));
    EXPECT_EQ(take_large_spare(kPages, 1, false), span);
    EXPECT_TRUE(is_block(span));
    EXPECT_TRUE(keep_large(span));
  });
  bookkeeper.give_up_spares(true);
}

TEST_F(KeptLargeTest, NoneWhereOthersHaveDrawnTheBudget) {
  const std::size_t all = Config::kAllPoolsBytes - bookkeeper.budget().drawn();
  ASSERT_TRUE(bookkeeper.budget().draw(all, Config::kAllPoolsBytes));
  in_fresh_thread([] {
    Span* const span = take_large(1);
    EXPECT_FALSE(keep_large(span));
    give_large(span);
  });
  bookkeeper.budget().put_back(all);
}

TEST_F(KeptLargeTest, FlushGivesAllOfThemAndTheRoomBack) {
  in_fresh_thread([] {
    const std::size_t before = large_out();
    const std::size_t drawn = bookkeeper.budget().drawn();
    for (std::size_t pages : {1, 2, 3}) give_large(take_large(pages));
    EXPECT_EQ(large_out() - before, 6 * kPage) << "to the ledger they are taken";
    flush_this_pool();
    EXPECT_EQ(large_out(), before);
    EXPECT_EQ(large_bytes_in_this_pool(), 0u);
    EXPECT_EQ(bookkeeper.budget().drawn(), drawn);
  });
}

TEST_F(KeptLargeTest, UnusedOnesGoHome) {
  in_fresh_thread([] {
    give_large(take_large(1));
    Blocks blocks;
    ralloc_test::miss(0, Config::kIdleScanEvents / 2, blocks);
    EXPECT_EQ(large_bytes_in_this_pool(), kPage) << "not yet";
    ralloc_test::miss(0, 2 * Config::kIdleScanEvents, blocks);
    EXPECT_EQ(large_bytes_in_this_pool(), 0u);
    give_blocks(blocks);
  });
}

TEST_F(KeptLargeTest, AreNotInTheListOfLargeBlocks) {
  in_fresh_thread([] {
    const auto listed = [] {
      std::size_t bytes[Bookkeeper::Ledger::kRunsAtOnce];
      std::size_t sum = 0;
      for (std::size_t sector = 0;;) {
        const std::size_t found = bookkeeper.ledgers().large_runs(sector, bytes);
        if (found == 0) return sum;
        for (std::size_t i = 0; i < found; ++i) sum += bytes[i];
      }
    };
    const std::size_t before = listed();
    Span* const span = take_large(3);
    EXPECT_EQ(listed() - before, 3 * kPage);
    give_large(span);
    EXPECT_EQ(listed(), before);
  });
}

// Blocks of another thread's shard, freed by a thread that has a magazine of their class.
void free_in_another_thread(unsigned size_class, std::size_t count, std::size_t reused) {
  ASSERT_NE(attach_this_pool(), nullptr);
  const Key home = this_rack->home;
  const Blocks blocks = take_blocks(size_class, count);
  in_fresh_thread([&] {
    void* const own = take_block(size_class);
    ASSERT_NE(this_rack->home, home) << "the least used shard is another one";
    Blocks all{own};
    ralloc_test::take_rest(size_class, all);
    give_blocks(blocks);
    std::size_t found = 0;
    while (void* block = ralloc_test::hit_block(size_class)) {
      found += shard_of(bookkeeper.map().key_of(block)) == shard_of(home);
      all.push_back(block);
    }
    EXPECT_EQ(found, reused);
    EXPECT_TRUE(attach_this_pool()->is_valid());
    for (void* block : blocks) {
      // Those that were sent are the bookkeeper's.
      if (std::find(all.begin(), all.end(), block) == all.end()) continue;
      std::erase(all, block);
      give_block(block);
    }
    EXPECT_TRUE(attach_this_pool()->is_valid());
    give_blocks(all);
  });
}

TEST_F(KeptTest, ForeignBlocksWithLinesOfTheirOwnAreUsedAgain) {
  if (kHasQuarantine<ShippedLimits>) GTEST_SKIP() << "they lie in the quarantine first";
  free_in_another_thread(k64, 10, 10);
}

TEST_F(KeptTest, OnlyAsManyAsThereIsRoomFor) {
  if (kHasQuarantine<ShippedLimits>) GTEST_SKIP() << "they lie in the quarantine first";
  const std::size_t room = size_class_info(k64).first_room;
  free_in_another_thread(k64, 10 * room, room);
}

TEST_F(KeptTest, ForeignBlocksThatShareALineAreNot) { free_in_another_thread(k48, 10, 0); }

}  // namespace
}  // namespace ralloc
