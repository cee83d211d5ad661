// A thread is lost to a fork at any step of its work, and those that are left go on: what
// they hold stays theirs, and nothing is handed out twice.
#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "global_pool/global_pool.h"
#include "tests/support/lossy_sync.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::FakeKernel;
using ralloc_test::is_lost_at;
using ralloc_test::kSmallPage;
using ralloc_test::LossyLimits;
using ralloc_test::LossySync;
using Pool = GlobalPool<LossySync, LossyLimits>;
using Span = Pool::Span;
using Blocks = std::vector<void*>;

// What the remaining threads hold: no two of them overlap.
class Holdings {
 public:
  void add(void* begin, std::size_t bytes) {
    const auto at = reinterpret_cast<std::uintptr_t>(begin);
    const auto next = ranges_.lower_bound(at);
    ASSERT_TRUE(next == ranges_.end() || at + bytes <= next->first) << begin;
    ASSERT_TRUE(next == ranges_.begin() || std::prev(next)->second <= at) << begin;
    ranges_[at] = at + bytes;
  }

 private:
  std::map<std::uintptr_t, std::uintptr_t> ranges_;  // begin, end
};

// A pool in the middle of its life, its remaining threads, and the thread that will be lost.
class Scene {
 public:
  Scene() {
    kernel_.state().address_limit = (std::size_t{1} << 35) - 1;  // page maps are small then
    for (std::uint32_t shard = 0; shard < LossyLimits::kShards; ++shard) {
      for (std::uint32_t c = 0; c < LossyLimits::kClasses; ++c) {
        doomed_blocks_ = joined(doomed_blocks_, take(shard, c, 1));
        hold(take(shard, c, 1), c);
        doomed_blocks_ = joined(doomed_blocks_, take(shard, c, 2));
      }
    }
    for (const std::size_t pages : {1, 40, 3}) {
      hold_large(pool.take_large(pages, 1));
      doomed_runs_.push_back(pool.take_large(pages, 1));
    }
    pool.give_large(pool.take_large(7, 1), SpanState::kDirty);
    pool.give_large(pool.take_large(5, 1), SpanState::kClean);
  }

  // The work of the lost thread. Each touches what the others hold a part of.
  void take_blocks() {
    for (std::uint32_t c = 0; c < LossyLimits::kClasses; ++c) (void)take(0, c, 70);
  }
  void give_blocks() { pool.give(doomed_blocks_.data(), doomed_blocks_.size()); }
  void take_runs() {
    (void)pool.take_large(6, 4);
    (void)pool.take_large(Config::kArenaPiece / kSmallPage, 1);
  }
  void give_runs() {
    for (Span* run : doomed_runs_) pool.give_large(run, SpanState::kDirty);
  }
  void resize_runs() {
    pool.shorten_large(doomed_runs_[1], 10);
    ASSERT_TRUE(pool.ledger().extend(doomed_runs_[1], 20));
  }
  void move_apart() {
    Span* apart = pool.take_apart(60);
    pool.give_large(doomed_runs_[0], SpanState::kClean);
    pool.shorten_large(apart, 30);
    pool.give_large(apart, SpanState::kDirty);
  }
  void return_memory() { (void)pool.trim(); }

  // The others, after that.
  void go_on() {
    ASSERT_TRUE(pool.is_valid());
    for (const auto& [block, key] : held_) ASSERT_EQ(pool.map().key_of(block), key);
    for (Span* run : held_runs_) ASSERT_EQ(pool.large_at(run->begin()), run);
    for (std::uint32_t shard = 0; shard < LossyLimits::kShards; ++shard) {
      for (std::uint32_t c = 0; c < LossyLimits::kClasses; ++c) {
        const Blocks blocks = take(shard, c, 100);
        ASSERT_FALSE(blocks.empty());
        hold(blocks, c);
      }
    }
    for (const std::size_t pages : {1, 5, 100}) hold_large(pool.take_large(pages, 1));
    ASSERT_TRUE(pool.is_valid());
    give_all();
    ASSERT_TRUE(pool.is_valid());
    (void)pool.trim();
    hold_large(pool.take_large(200, 1));
  }

  Pool::Shards shards{};
  Pool pool{shards};

 private:
  static Blocks joined(Blocks a, const Blocks& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }
  Blocks take(std::uint32_t shard, std::uint32_t size_class, std::size_t n) {
    Blocks blocks(n);
    blocks.resize(pool.take(shard, size_class, blocks.data(), n));
    return blocks;
  }
  void hold(const Blocks& blocks, std::uint32_t size_class) {
    for (void* block : blocks) {
      holdings_.add(block, LossyLimits::size_class(size_class).block_size);
      held_.emplace_back(block, pool.map().key_of(block));
    }
  }
  void hold_large(Span* run) {
    ASSERT_NE(run, nullptr);
    holdings_.add(run->begin(), run->bytes());
    held_runs_.push_back(run);
  }
  void give_all() {
    for (Span* run : held_runs_) pool.give_large(run, SpanState::kDirty);
    Blocks blocks;
    for (const auto& [block, key] : held_) blocks.push_back(block);
    pool.give(blocks.data(), blocks.size());
    holdings_ = {};
  }

  FakeKernel kernel_;
  Holdings holdings_;
  std::vector<std::pair<void*, Key>> held_;
  std::vector<Span*> held_runs_;
  Blocks doomed_blocks_;
  std::vector<Span*> doomed_runs_;
};

// Loses the thread at its first step, its second, ... until it gets through.
void lose_at_every_step(void (Scene::*work)()) {
  for (unsigned step = 1;; ++step) {
    SCOPED_TRACE(step);
    Scene scene;
    const bool lost = is_lost_at(step, [&] { (scene.*work)(); });
    scene.go_on();
    if (testing::Test::HasFatalFailure()) return;
    if (lost) continue;
    EXPECT_GT(step, 10u) << "the work has few steps";
    return;
  }
}

TEST(LostThreadTest, MayHaveBeenTakingBlocks) { lose_at_every_step(&Scene::take_blocks); }
TEST(LostThreadTest, MayHaveBeenGivingBlocks) { lose_at_every_step(&Scene::give_blocks); }
TEST(LostThreadTest, MayHaveBeenTakingRuns) { lose_at_every_step(&Scene::take_runs); }
TEST(LostThreadTest, MayHaveBeenGivingRuns) { lose_at_every_step(&Scene::give_runs); }
TEST(LostThreadTest, MayHaveBeenResizingRuns) { lose_at_every_step(&Scene::resize_runs); }
TEST(LostThreadTest, MayHaveBeenMovingABlockApart) { lose_at_every_step(&Scene::move_apart); }
TEST(LostThreadTest, MayHaveBeenReturningMemory) { lose_at_every_step(&Scene::return_memory); }

}  // namespace
}  // namespace ralloc
