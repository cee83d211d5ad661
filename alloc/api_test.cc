// The public C++ API, to the letter of ralloc.h.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "ralloc/ralloc.h"
#include "shim/debugger.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/threads.h"

namespace {

using ralloc_test::hex;
using ralloc_test::is_filled;
using ralloc_test::opaque;

// What the compiler must not reason about.
void* alloc(std::size_t size) { return opaque(ralloc::alloc(opaque(size))); }
std::string not_live(const char* call, const void* p) {
  return std::string("ralloc: ") + call + " of " + hex(p) +
         ", which is not a live block of this allocator";
}

constexpr std::size_t kSizes[] = {1, 16, 100, 1024, 1025, 32768, 32769, 1'000'000};

TEST(ApiTest, AllocGivesAlignedMemory) {
  for (const std::size_t size : kSizes) {
    for (std::size_t align = 1; align <= 1 << 20; align *= 4) {
      void* block = ralloc::alloc(size, align);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % align, 0u);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % ralloc::kDefaultAlignment, 0u);
      std::memset(block, 1, size);
      ralloc::free(block, size);
    }
  }
}

TEST(ApiTest, BlocksOfNoBytesAreDistinctAndFreed) {
  void* a = alloc(0);
  void* b = alloc(0);
  EXPECT_NE(a, b);
  ralloc::free(a, 0);
  ralloc::free(b, 0);
}

TEST(ApiTest, TryAllocIsNullForWhatCannotBe) {
  EXPECT_EQ(ralloc::try_alloc(opaque(SIZE_MAX)), nullptr);
  EXPECT_EQ(ralloc::try_alloc(opaque(std::size_t{PTRDIFF_MAX} + 1)), nullptr);
  EXPECT_EQ(ralloc::try_alloc(opaque(std::size_t{1} << 47)), nullptr);
  for (const std::size_t align : {std::size_t{1} << 47, std::size_t{PTRDIFF_MAX}, SIZE_MAX}) {
    EXPECT_EQ(ralloc::try_alloc(100, opaque(align)), nullptr) << align;
  }
  void* block = ralloc::try_alloc(100);
  EXPECT_NE(block, nullptr);
  ralloc::free(block, 100);
}

TEST(ApiTest, FreeTakesTheSizeThatWasAskedFor) {
  for (std::size_t size = 0; size <= 5000; ++size) ralloc::free(alloc(size), size);
  for (const std::size_t size : kSizes) ralloc::free(alloc(size), size);
}

TEST(ApiTest, FreedBlocksAreUsedAgain) {
  if constexpr (ralloc::kSecure) return;  // others first
  for (const std::size_t size : {16, 1000, 5000, 32768}) {
    void* block = alloc(size);
    ralloc::free(block, size);
    EXPECT_EQ(alloc(size), block);
    ralloc::free(block, size);
  }
}

TEST(ApiTest, FreeOfNullDoesNothing) {
  for (const std::size_t size : {0, 1, 5000, 1'000'000}) ralloc::free(nullptr, size);
}

TEST(ApiTest, ReallocKeepsContents) {
  for (const std::size_t from : kSizes) {
    for (const std::size_t to : kSizes) {
      void* block = alloc(from);
      std::memset(block, 0x5a, from);
      block = ralloc::realloc(block, from, to);
      EXPECT_TRUE(is_filled(block, std::min(from, to), 0x5a)) << from << " to " << to;
      ralloc::free(block, to);
    }
  }
}

TEST(ApiTest, ReallocOfNullAllocates) {
  void* block = ralloc::realloc(nullptr, 0, 100, 256);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 256, 0u);
  ralloc::free(block, 100);
}

TEST(ApiTest, ReallocToNoBytesKeepsABlock) {
  void* block = ralloc::realloc(alloc(100), 100, opaque(std::size_t{0}));
  EXPECT_NE(block, nullptr);
  ralloc::free(block, 0);
}

// A buffer that is appended to by eighths of it, to 1 MiB: copies of all of it are few, and the room that
// it has meanwhile is nobody's business: each size is what was asked for, to the byte.
TEST(ApiTest, ReallocLeavesRoomToWhatGrows) {
  for (const std::size_t last : {1'000, 5'000, 30'000, 1'000'000}) {
    int moves = 0;
    std::size_t size = 64;
    auto* block = static_cast<unsigned char*>(alloc(size));
    std::memset(block, 1, size);
    while (size < last) {
      const std::size_t larger = size + size / 8;
      auto* const moved = static_cast<unsigned char*>(ralloc::realloc(block, size, larger));
      std::memset(moved + size, 1, larger - size);
      moves += moved != block;
      block = moved;
      size = larger;
    }
    EXPECT_TRUE(is_filled(block, size, 1));
    if (!ralloc_test::kExactSizes) {
      EXPECT_LE(moves, 12) << last;
    }
    // Back, by as many steps; then all parts of what is left.
    for (; size > 3'000; size -= size / 8) {
      block = static_cast<unsigned char*>(ralloc::realloc(block, size, size - size / 8));
    }
    EXPECT_TRUE(is_filled(block, size, 1));
    const std::size_t middle = size / 2 / 16 * 16;
    ralloc::free(block, 16);
    ralloc::free(block + middle, size - middle);
    ralloc::free(block + 16, middle - 16);
  }
}

TEST(ApiTest, ReallocAligns) {
  void* block = ralloc::realloc(alloc(100), 100, 200, 4096);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 4096, 0u);
  ralloc::free(block, 200);
}

TEST(ApiTest, AnyThreadFreesAnyBlock) {
  std::vector<void*> blocks(1000);
  for (void*& block : blocks) block = alloc(50);
  ralloc_test::in_threads(4, [&](unsigned thread) {
    for (std::size_t i = thread; i < blocks.size(); i += 4) ralloc::free(blocks[i], 50);
  });
}

TEST(ApiDeathTest, AllocDiesWhereItCannotServe) {
  ralloc::set_oom_handler(nullptr);  // the configuration may have set one
  EXPECT_DEATH_SAYING(alloc(std::size_t{1} << 47),
                      "ralloc: out of memory: no block of 140737488355328 bytes can be had");
  EXPECT_DEATH_SAYING((void)ralloc::alloc(100, opaque(std::size_t{0})),
                      "ralloc: alignment 0 asked for a block of 100 bytes, but the least is 1");
}

TEST(ApiDeathTest, ReallocDiesWhereItCannotServe) {
  ralloc::set_oom_handler(nullptr);
  void* block = alloc(100);
  EXPECT_DEATH_SAYING((void)ralloc::realloc(block, 100, opaque(std::size_t{1} << 47)),
                      "ralloc: out of memory: no block of 140737488355328 bytes can be had");
  EXPECT_DEATH_SAYING((void)ralloc::realloc(block, 100, 200, opaque(std::size_t{0})),
                      "ralloc: alignment 0 asked for a block of 200 bytes, but the least is 1");
  ralloc::free(block, 100);
}

TEST(ApiDeathTest, ForeignPointersAreFatal) {
  int local = 0;
  void* p = opaque(static_cast<void*>(&local));
  for (const std::size_t size : {0, 4, 16, 5000, 100'000}) {
    if (size != 0) {
      EXPECT_DEATH_SAYING(ralloc::free(p, size), not_live("free", p));
    }
    EXPECT_DEATH_SAYING((void)ralloc::realloc(p, size, 10), not_live("realloc", p));
  }
}

// No bytes behind a large block are no block, though one of no bytes may begin there.
TEST(ApiDeathTest, NoBytesOfOthersAreFatal) {
  if (ralloc_test::kExactSizes) GTEST_SKIP() << "no block lies so near another";
  constexpr std::size_t kPage = 65536;
  char* before = nullptr;
  std::vector<std::pair<char*, char*>> pairs;
  for (int tries = 0; before == nullptr && tries < 100; ++tries) {
    auto* const block = static_cast<char*>(alloc(kPage));
    auto* const empty = static_cast<char*>(ralloc::alloc(0, kPage));  // inside its block
    pairs.emplace_back(block, empty);
    if (empty == block + 2 * kPage) before = block;
  }
  ASSERT_NE(before, nullptr) << "they never lay so";
  EXPECT_DEATH_SAYING((void)ralloc::realloc(before + kPage, 0, 40'000),
                      not_live("realloc", before + kPage));
  for (const auto& [block, empty] : pairs) {
    ralloc::free(block, kPage);
    ralloc::free(empty, 0);
  }
}

TEST(ApiDeathTest, SizesLargerThanTheBlockAreFatal) {
  for (const std::size_t size : kSizes) {
    void* block = alloc(size);
    const std::size_t too_large = size + size / 2 + 70'000;
    EXPECT_DEATH_SAYING(ralloc::free(block, too_large),
                        "ralloc: free of " + hex(block) + " with a size larger than the block");
    EXPECT_DEATH_SAYING(
        (void)ralloc::realloc(block, too_large, 10),
        "ralloc: realloc of " + hex(block) + " with an old size larger than the block");
    ralloc::free(block, size);
  }
}

TEST(ApiDeathTest, ImmediateDoubleFreeIsFatal) {
  for (const std::size_t size : {16, 1024, 5000, 32768 - int(ralloc::kRedZone)}) {
    void* block = alloc(size);
    ralloc::free(block, size);
    EXPECT_DEATH_SAYING(ralloc::free(block, size),
                        "ralloc: double free of " + hex(block) + ", which is free already");
  }
}

}  // namespace
