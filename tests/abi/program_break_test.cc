// The drop-in's sbrk and brk: what libc's do, but for any number of threads. Linked with
// libralloc.so, and with libralloc.a, where the C++ API's sbrk is there beside them.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "support/process.h"
#include "support/seed.h"
#include "support/threads.h"

namespace {

using ralloc_test::in_threads;
using ralloc_test::is_filled;
using ralloc_test::new_seed;
using ralloc_test::opaque;
using ralloc_test::Random;

void* const kFailed = reinterpret_cast<void*>(-1);

char* kernels_break() { return reinterpret_cast<char*>(syscall(SYS_brk, nullptr)); }
// libc's own, which the library's is to keep up to date.
char* libcs_break() {
  auto* libc_sbrk = reinterpret_cast<void* (*)(std::intptr_t)>(dlsym(RTLD_DEFAULT, "__sbrk"));
  return libc_sbrk != nullptr ? static_cast<char*>(libc_sbrk(0)) : kernels_break();
}
void expect_break_at(void* address) {
  EXPECT_EQ(sbrk(0), address);
  EXPECT_EQ(kernels_break(), address);
  EXPECT_EQ(libcs_break(), address);
}

TEST(ProgramBreakTest, IsNotLibcs) {
  EXPECT_EQ(ralloc_test::object_of(reinterpret_cast<void*>(&sbrk)),
            ralloc_test::object_of(reinterpret_cast<void*>(&malloc)));
  EXPECT_EQ(ralloc_test::object_of(reinterpret_cast<void*>(&brk)),
            ralloc_test::object_of(reinterpret_cast<void*>(&malloc)));
}

TEST(ProgramBreakTest, MovesByBytesAndToAddresses) {
  char* const start = static_cast<char*>(sbrk(5000));
  ASSERT_NE(start, kFailed);
  std::memset(start, 1, 5000);
  expect_break_at(start + 5000);
  EXPECT_EQ(brk(start + 100), 0);
  expect_break_at(start + 100);
  EXPECT_EQ(sbrk(-100), start + 100);
  expect_break_at(start);
}

TEST(ProgramBreakTest, FailsWithEnomem) {
  void* const start = sbrk(0);
  for (const std::intptr_t bytes : {INTPTR_MAX, INTPTR_MIN, std::intptr_t{1} << 47,
                                    -(std::intptr_t{1} << 40)}) {
    errno = 0;
    EXPECT_EQ(sbrk(opaque(bytes)), kFailed);
    EXPECT_EQ(errno, ENOMEM);
  }
  for (const std::uintptr_t address : {std::uintptr_t{1} << 47, UINTPTR_MAX}) {
    errno = 0;
    EXPECT_EQ(brk(reinterpret_cast<void*>(opaque(address))), -1);
    EXPECT_EQ(errno, ENOMEM);
  }
  expect_break_at(start);
}

TEST(ProgramBreakTest, StaysWhereItIsBelowItsBegin) {
  void* const start = sbrk(0);
  for (const std::uintptr_t address : {std::uintptr_t{0}, std::uintptr_t{1}, std::uintptr_t{4096}}) {
    errno = 7;
    EXPECT_EQ(brk(reinterpret_cast<void*>(opaque(address))), 0) << "as glibc's";
    EXPECT_EQ(errno, 7);
  }
  expect_break_at(start);
}

TEST(ProgramBreakTest, ThreadsThatAllocateGetMemoryOfTheirOwn) {
  struct Part {
    char* begin;
    std::size_t size;
  };
  const std::uint64_t seed = new_seed();
  std::vector<std::vector<Part>> parts(4);
  std::atomic<unsigned> failures{0};
  in_threads(4, [&](unsigned thread) {
    Random random(seed + thread);
    std::vector<void*> blocks;
    for (int i = 0; i < 2500; ++i) {
      const std::size_t size = 1 + random.below(random.below(8) == 0 ? 100'000 : 1000);
      void* block = malloc(size);
      std::memset(block, 0x5a, size);
      blocks.push_back(block);
      if (random.below(2) == 0) {
        std::swap(blocks[random.below(blocks.size())], blocks.back());
        free(blocks.back());
        blocks.pop_back();
      }
      const std::size_t bytes = 1 + random.below(3000);
      void* grown = sbrk(std::intptr_t(bytes));
      if (grown == kFailed) {
        ++failures;
        continue;
      }
      std::memset(grown, int(thread + 1), bytes);
      parts[thread].push_back({static_cast<char*>(grown), bytes});
    }
    for (void* block : blocks) free(block);
  });
  EXPECT_EQ(failures.load(), 0u);
  std::vector<Part> all;
  for (unsigned thread = 0; thread < 4; ++thread) {
    for (const Part& part : parts[thread]) {
      EXPECT_TRUE(is_filled(part.begin, part.size, static_cast<unsigned char>(thread + 1)));
      all.push_back(part);
    }
  }
  std::sort(all.begin(), all.end(),
            [](const Part& a, const Part& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < all.size(); ++i) {
    ASSERT_LE(all[i - 1].begin + all[i - 1].size, all[i].begin);
  }
  expect_break_at(sbrk(0));
}

// Our memory is none of the break's: however much is allocated, it stays.
TEST(ProgramBreakTest, MallocDoesNotMoveIt) {
  char* const start = kernels_break();
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(malloc(100'000));
  EXPECT_EQ(kernels_break(), start);
  for (void* block : blocks) free(block);
  EXPECT_EQ(kernels_break(), start);
}

}  // namespace
