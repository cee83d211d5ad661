// Where a pool's arrays lie: what is handed out, what is used again, and how long chunks are.
#include "local_pool/arrays.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/seed.h"

namespace ralloc {
namespace {

using ralloc_test::Random;

// The words that are handed out, each of them once.
class Handed {
 public:
  void come(void** array, std::size_t words) {
    const auto next = arrays_.lower_bound(array);
    ASSERT_TRUE(next == arrays_.end() || array + words <= next->first) << "it reaches into another";
    if (next != arrays_.begin()) {
      const auto& [before, length] = *std::prev(next);
      ASSERT_LE(before + length, array) << "another reaches into it";
    }
    arrays_[array] = words;
    std::fill_n(array, words, array);
  }
  void go(void** array) {
    EXPECT_EQ(std::count(array, array + arrays_[array], array), std::ptrdiff_t(arrays_[array]))
        << "somebody wrote there";
    arrays_.erase(array);
  }
  bool empty() const { return arrays_.empty(); }
  void** nth(std::size_t n) const { return std::next(arrays_.begin(), std::ptrdiff_t(n))->first; }
  std::size_t words(void** array) const { return arrays_.at(array); }
  std::size_t count() const { return arrays_.size(); }

 private:
  std::map<void**, std::size_t> arrays_;
};

TEST(ArraysTest, NothingIsThereAtFirst) {
  Arrays arrays;
  EXPECT_EQ(arrays.take(1), nullptr);
  EXPECT_EQ(arrays.chunks(), nullptr);
}

TEST(ArraysTest, AllWordsThatAreGivenAreHandedOut) {
  void* words[100];
  Arrays arrays;
  arrays.give(words, 100);
  std::vector<void**> taken;
  while (void** const word = arrays.take(1)) taken.push_back(word);
  std::sort(taken.begin(), taken.end());
  ASSERT_EQ(taken.size(), 100u);
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(taken[i], words + i);
}

TEST(ArraysTest, TheSmallestPieceThatFitsIsUsed) {
  void* words[64 + 16];
  Arrays arrays;
  arrays.give(words, 64);
  arrays.give(words + 64, 16);
  EXPECT_EQ(arrays.take(9), words + 64);
  EXPECT_EQ(arrays.take(64), words) << "which is whole";
  EXPECT_EQ(arrays.take(4), words + 64 + 9 + 0) << "of what was left: 7 words, the longest first";
  EXPECT_EQ(arrays.take(4), nullptr);
  EXPECT_EQ(arrays.take(2), words + 64 + 13);
}

TEST(ArraysTest, WhatIsGivenIsTakenAgain) {
  void* words[32];
  Arrays arrays;
  arrays.give(words, 32);
  void** const array = arrays.take(32);
  EXPECT_EQ(arrays.take(1), nullptr);
  arrays.give(array, 32);
  EXPECT_EQ(arrays.take(32), array);
}

TEST(ArraysTest, ChunksBecomeLonger) {
  alignas(64) static char memory[5][8192];
  Arrays arrays;
  std::size_t i = 0;
  for (const std::size_t bytes : {2048u, 4096u, 8192u, 8192u}) {
    EXPECT_EQ(arrays.next_chunk(1), bytes);
    arrays.add_chunk(memory[i++], bytes);
    EXPECT_EQ(static_cast<void*>(arrays.chunks()), memory[i - 1]);
    EXPECT_EQ(arrays.chunks()->bytes, bytes);
  }
  std::size_t chunks = 0;
  for (const MetadataChain* c = arrays.chunks(); c != nullptr; c = c->next) ++chunks;
  EXPECT_EQ(chunks, 4u);
}

TEST(ArraysTest, TheLongestArrayFitsIntoTheChunkThatIsAskedForIt) {
  alignas(64) static char memory[Metadata::kMost];
  for (std::size_t words = 1; words <= Arrays::kMostWords; ++words) {
    Arrays arrays;
    const std::size_t bytes = arrays.next_chunk(words);
    ASSERT_LE(bytes, Metadata::kMost);
    arrays.add_chunk(memory, bytes);
    EXPECT_NE(arrays.take(words), nullptr) << words << " words of " << bytes << " bytes";
  }
}

TEST(ArraysTest, ArraysAreApartThroughRandomChanges) {
  Random random(ralloc_test::new_seed());
  std::vector<std::unique_ptr<char[]>> memory;
  Arrays arrays;
  Handed handed;
  for (int i = 0; i < 5000; ++i) {
    if (handed.empty() || random.below(5) < 3) {
      const std::size_t words = 1 + random.below(random.below(4) == 0 ? Arrays::kMostWords : 40);
      void** array = arrays.take(words);
      if (array == nullptr) {
        const std::size_t bytes = arrays.next_chunk(words);
        memory.push_back(std::make_unique<char[]>(bytes));
        arrays.add_chunk(memory.back().get(), bytes);
        array = arrays.take(words);
      }
      ASSERT_NE(array, nullptr);
      ASSERT_NO_FATAL_FAILURE(handed.come(array, words));
    } else {
      void** const array = handed.nth(random.below(handed.count()));
      const std::size_t words = handed.words(array);
      handed.go(array);
      arrays.give(array, words);
    }
  }
}

}  // namespace
}  // namespace ralloc
