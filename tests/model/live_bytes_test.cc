// Threads whose bytes share a chunk do not disturb each other's.
#include "model/live_bytes.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace ralloc_test {
namespace {

constexpr std::uintptr_t kChunk = std::uintptr_t{1} << 46;  // only its number matters

TEST(LiveBytesTest, KnowsWhatIsLive) {
  LiveBytes& live = LiveBytes::instance();
  ASSERT_TRUE(live.add(kChunk, 3000));
  EXPECT_TRUE(live.remove(kChunk, 3000));
  EXPECT_FALSE(live.remove(kChunk, 1));
}

TEST(LiveBytesTest, DivisionOfOnesBytesLeavesTheOthersAlone) {
  LiveBytes& live = LiveBytes::instance();
  live.share();
  const std::uintptr_t chunk = kChunk + (1 << 20);
  ASSERT_TRUE(live.add(chunk + 512, 512));
  std::atomic<bool> is_over{false};
  std::thread divider([&] {
    while (!is_over.load(std::memory_order_relaxed)) live.divide(chunk + 768);
  });
  int turns = 0;
  while (turns < 3'000'000 && live.add(chunk, 512) && live.remove(chunk, 512)) ++turns;
  is_over = true;
  divider.join();
  EXPECT_EQ(turns, 3'000'000);
}

}  // namespace
}  // namespace ralloc_test
