#include "global_pool/block_states.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

#include "global_pool/canary.h"

namespace ralloc {
namespace {

constexpr std::size_t kPageBytes = std::size_t{1} << Config::kPageShift;
constexpr std::size_t kWindow = 4;  // pages

// Of the heap, and wholly writable.
struct HeapMemory {
  static inline std::vector<std::uint64_t> words;
  static inline unsigned refused_commits = 0;
  static void* reserve_zeros(std::size_t bytes) {
    words.assign(bytes / sizeof(std::uint64_t), 0);
    return words.data();
  }
  static bool commit(void*, std::size_t) { return refused_commits == 0 || refused_commits-- == 0; }
  static std::size_t granule() { return 4096; }
  static void clear(void* bytes, std::size_t count) { StatesMemory::clear(bytes, count); }
};
using States = BlockStates<StdSync, HeapMemory>;

void* block(std::uintptr_t page, std::size_t offset) {
  return reinterpret_cast<void*>(page * kPageBytes + offset);
}

class BlockStatesTest : public testing::Test {
 protected:
  BlockStatesTest() { EXPECT_TRUE(states_.open(kWindow) && states_.cover(7, 2)); }
  States states_;
};

TEST_F(BlockStatesTest, KeepsEverySlack) {
  for (std::size_t slack = 0; slack <= kSmallMost; ++slack) {
    states_.set(block(7, 128), BlockState::kLive, slack);
    ASSERT_EQ(states_.slack_of(block(7, 128)), slack);
    ASSERT_EQ(states_.state_of(block(7, 128)).kind(), BlockState::kLive);
  }
}

TEST_F(BlockStatesTest, TakesNothingInsideABlockForABlock) {
  for (std::size_t slack = 0; slack <= kSmallMost; ++slack) {
    states_.set(block(7, 128), BlockState::kLive, slack);
    for (std::size_t offset = 16; offset < 128; offset += 16) {
      ASSERT_EQ(states_.state_of(block(7, 128 + offset)).kind(), BlockState::kNothing);
    }
  }
}

TEST_F(BlockStatesTest, TouchesNoNeighbourForAShortSlack) {
  states_.set(block(7, 16), BlockState::kLive, 3);
  states_.set(block(7, 0), BlockState::kLive, 16);
  EXPECT_EQ(states_.slack_of(block(7, 16)), 3u);
}

TEST_F(BlockStatesTest, ChangesTheKindAndKeepsTheSlack) {
  for (const std::size_t slack : {0u, 7u, 62u, 63u, 30000u}) {
    states_.set(block(8, 512), BlockState::kLive, slack);
    states_.set_kind(block(8, 512), BlockState::kBroken);
    EXPECT_EQ(states_.state_of(block(8, 512)).kind(), BlockState::kBroken);
    EXPECT_EQ(states_.slack_of(block(8, 512)), slack);
  }
}

TEST_F(BlockStatesTest, TellsOnceThatABlockWasLive) {
  states_.set(block(7, 0), BlockState::kLive, 100);
  const BlockState was = states_.take_back<true>(block(7, 0));
  EXPECT_EQ(was.kind(), BlockState::kLive);
  EXPECT_EQ(states_.slack_of(block(7, 0), was), 100u);
  EXPECT_EQ(states_.take_back<true>(block(7, 0)).kind(), BlockState::kFree);
  EXPECT_EQ(states_.take_back<false>(block(7, 0)).kind(), BlockState::kFree);
  states_.restore(block(7, 0), was);
  EXPECT_EQ(states_.take_back<false>(block(7, 0)).kind(), BlockState::kLive);
}

TEST_F(BlockStatesTest, ForgetsWhatWasInItsPages) {
  states_.set(block(7, 16), BlockState::kFree, 0);
  states_.set(block(8, 16), BlockState::kFree, 0);
  states_.begin_pages(7, 1, 1);
  EXPECT_EQ(states_.state_of(block(7, 16)).kind(), BlockState::kNothing);
  EXPECT_EQ(states_.state_of(block(8, 16)).kind(), BlockState::kFree);
}

TEST_F(BlockStatesTest, HasADifferentCanaryForEachBlock) {
  states_.begin_pages(7, 2, 4711);
  std::set<std::uint64_t> canaries;
  for (std::size_t offset = 0; offset < kPageBytes; offset += 16) {
    canaries.insert(states_.canary_of(block(7, offset)));
    canaries.insert(states_.canary_of(block(8, offset)));
  }
  // Of 2^64, two may be the same by chance.
  EXPECT_GE(canaries.size(), 2 * kPageBytes / 16 - 1);
  const std::uint64_t before = states_.canary_of(block(7, 0));
  states_.begin_pages(7, 2, 4712);
  EXPECT_NE(states_.canary_of(block(7, 0)), before);
}

TEST(BlockStatesMemoryTest, IsRefusedWhereThereIsNone) {
  States states;
  ASSERT_TRUE(states.open(kWindow));
  HeapMemory::refused_commits = 1;
  EXPECT_FALSE(states.cover(7, 2));
  EXPECT_TRUE(states.cover(7, 2));
}

// --- Canaries ------------------------------------------------------------------------------------

constexpr std::uint64_t kCanary = 0x8877665544332211;

// The first eight bytes behind what was asked for, and the last eight.
bool is_canary(std::size_t offset, std::size_t asked, std::size_t room) {
  return offset >= asked && (offset < asked + 8 || offset >= room - 8);
}

TEST(CanaryTest, ChangesNoByteOfTheProgramsAndSeesEveryOther) {
  for (const std::size_t room : {16u, 32u, 1024u}) {
    for (std::size_t asked = 0; asked <= room - kCanaryBytes; ++asked) {
      std::vector<unsigned char> bytes(room, 0x5a);
      const CanaryPlace place(bytes.data(), asked, room);
      place.write(kCanary);
      ASSERT_TRUE(place.has(kCanary));
      for (std::size_t i = 0; i < room; ++i) {
        if (i < asked) {
          ASSERT_EQ(bytes[i], 0x5a);
        }
        bytes[i] ^= 0x40;
        ASSERT_EQ(place.has(kCanary), !is_canary(i, asked, room)) << asked << ", byte " << i;
        bytes[i] ^= 0x40;
      }
      ASSERT_EQ(bytes[asked], 0);
      for (std::size_t i = 1; i < 8; ++i) ASSERT_NE(bytes[asked + i], 0);
      place.clear();
      for (std::size_t i = 0; i < 8; ++i) ASSERT_EQ(bytes[asked + i] | bytes[room - 1 - i], 0);
    }
  }
}

}  // namespace
}  // namespace ralloc
