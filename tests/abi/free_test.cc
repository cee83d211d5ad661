// free, in all its names: errno survives, null is nothing, and zero bytes are a block.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include "abi/malloc_family.h"
#include "support/process.h"

namespace {

using ralloc_test::kMiB;
using ralloc_test::opaque;

constexpr int kErrno = 4711;

void expect_free_keeps_errno(void* block) {
  errno = kErrno;
  free(block);
  ASSERT_EQ(errno, kErrno);
}

TEST(FreeTest, KeepsErrnoForEverySize) {
  for (std::size_t size = 0; size < 512 * 1024; size += 1 + size / 7) {
    expect_free_keeps_errno(malloc(size));
  }
  expect_free_keeps_errno(malloc(64 * kMiB));
  expect_free_keeps_errno(memalign(64 * kMiB, 100));
  expect_free_keeps_errno(nullptr);
}

// 100000 frees in a row leave every magazine on the way: flush, give, spans to the ledger.
TEST(FreeTest, KeepsErrnoWhenMagazinesAreFlushed) {
  for (const std::size_t size : {16, 64, 1000, 4096}) {
    std::vector<void*> blocks;
    for (int i = 0; i < 100000 && blocks.size() * size < 100 * kMiB; ++i) {
      blocks.push_back(malloc(size));
    }
    for (void* block : blocks) expect_free_keeps_errno(block);
  }
}

TEST(FreeTest, KeepsErrnoWhenBlocksGoHomeToAnotherThreadsShard) {
  for (const std::size_t size : {64, 20000, 300000}) {
    std::vector<void*> blocks;
    std::thread([&] {
      for (int i = 0; i < 3000 && blocks.size() * size < 100 * kMiB; ++i) {
        blocks.push_back(malloc(size));
      }
    }).join();
    for (void* block : blocks) expect_free_keeps_errno(block);
  }
}

// Long enough for memory freed at the start to be purged inside a later free.
TEST(FreeTest, KeepsErrnoWhenFreeReturnsMemoryToTheSystem) {
  std::vector<void*> blocks;
  for (int i = 0; i < 400; ++i) blocks.push_back(calloc(1, 100000));
  for (void* block : blocks) expect_free_keeps_errno(block);
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while (std::chrono::steady_clock::now() < end) {
    for (void*& block : blocks) block = malloc(50000);
    for (void* block : blocks) expect_free_keeps_errno(block);
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

TEST(FreeTest, EveryNameOfFreeTakesNull) {
  errno = kErrno;
  free(nullptr);
  cfree(nullptr);
  free_sized(nullptr, 0);
  free_sized(nullptr, 100);
  free_aligned_sized(nullptr, 64, 100);
  sdallocx(nullptr, 100, 0);
  __libc_free(nullptr);
  EXPECT_EQ(errno, kErrno);
}

TEST(FreeTest, ZeroBytesGiveDistinctPointers) {
  std::set<void*> seen;
  for (int i = 0; i < 1000; ++i) {
    for (void* block : {malloc(0), calloc(0, 1), calloc(1, 0), realloc(nullptr, 0),
                        aligned_alloc(16, 0), memalign(64, 0), __libc_malloc(0)}) {
      ASSERT_NE(block, nullptr);
      ASSERT_TRUE(seen.insert(block).second) << block << " given out twice";
    }
  }
  for (void* block : seen) free(block);
}

// Under any of its names the memory comes back: a second round needs no more of it.
TEST(FreeTest, EveryNameOfFreeGivesTheBlockBack) {
  const auto round = [] {
    for (int i = 0; i < 2000; ++i) {
      const std::size_t size = std::size_t(1 + i * 37 % 40000);
      free_sized(malloc(size), size);
      cfree(calloc(1, size));
      sdallocx(malloc(size), size, 0);
      sdallocx(malloc(size), size, 4);  // as in jemalloc: MALLOCX_LG_ALIGN(4)
      free_aligned_sized(aligned_alloc(64, (size + 63) / 64 * 64), 64, (size + 63) / 64 * 64);
      free_aligned_sized(aligned_alloc(8192, 8192), 8192, 8192);
      __libc_free(malloc(size));
      free(__libc_malloc(size));
    }
  };
  for (int i = 0; i < 3; ++i) round();
  const std::size_t before = ralloc_test::resident_bytes();
  for (int i = 0; i < 10; ++i) round();
  EXPECT_LT(ralloc_test::resident_bytes(), before + 4 * kMiB);
}

TEST(FreeTest, SizedFreesAcceptEverySizeUpTo100000) {
  for (std::size_t size = 0; size <= 100000; ++size) {
    void* first = malloc(size);
    void* second = malloc(size);
    ASSERT_TRUE(first != nullptr && second != nullptr);
    free_sized(first, size);
    sdallocx(second, size, 0);
  }
}

TEST(FreeTest, NamesOfTheCLibraryAreTheSameHeap) {
  auto* block = static_cast<char*>(__libc_malloc(100));
  ASSERT_NE(block, nullptr);
  block[0] = 'a';
  block = static_cast<char*>(realloc(block, 200000));
  ASSERT_NE(block, nullptr);
  block = static_cast<char*>(__libc_realloc(block, 50));
  ASSERT_NE(block, nullptr);
  EXPECT_EQ(block[0], 'a');
  EXPECT_GE(malloc_usable_size(block), 50u);
  free(block);
  void* const blocks[] = {__libc_calloc(3, 100), __libc_memalign(256, 10), __libc_valloc(10),
                          __libc_pvalloc(10), __libc_realloc(nullptr, 10)};
  for (void* each : blocks) {
    ASSERT_NE(each, nullptr);
    EXPECT_GE(malloc_usable_size(each), 10u);
    __libc_free(each);
  }
}

}  // namespace
