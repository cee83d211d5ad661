// What cannot be allocated gives null and ENOMEM, from every entry, and spoils nothing.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>

#include "abi/malloc_family.h"
#include "support/process.h"

namespace {

using ralloc_test::opaque;

// Over PTRDIFF_MAX, among them those that overflow when rounded up to a class or a page.
constexpr std::size_t kTooLarge[] = {
    std::size_t{PTRDIFF_MAX} + 1, std::size_t{PTRDIFF_MAX} + 4096, SIZE_MAX / 2 + 65537,
    SIZE_MAX - 65536, SIZE_MAX - 65535, SIZE_MAX - 4095, SIZE_MAX - 15, SIZE_MAX - 1, SIZE_MAX,
};
// Allowed, but more than any machine maps.
constexpr std::size_t kUnobtainable[] = {std::size_t{PTRDIFF_MAX}, std::size_t{PTRDIFF_MAX} - 4096,
                                         std::size_t{1} << 62, std::size_t{1} << 56};

void expect_out_of_memory(const char* what, const std::function<void*()>& allocate) {
  errno = 0;
  EXPECT_EQ(allocate(), nullptr) << what;
  EXPECT_EQ(errno, ENOMEM) << what;
}

void expect_every_entry_fails(std::size_t size) {
  SCOPED_TRACE(size);
  const std::size_t n = opaque(size);
  expect_out_of_memory("malloc", [&] { return malloc(n); });
  expect_out_of_memory("calloc(1, n)", [&] { return calloc(1, n); });
  expect_out_of_memory("calloc(n, 1)", [&] { return calloc(n, 1); });
  expect_out_of_memory("realloc(null)", [&] { return realloc(nullptr, n); });
  expect_out_of_memory("reallocarray(1, n)", [&] { return reallocarray(nullptr, 1, n); });
  expect_out_of_memory("reallocarray(n, 1)", [&] { return reallocarray(nullptr, n, 1); });
  expect_out_of_memory("aligned_alloc", [&] { return aligned_alloc(opaque(64), n); });
  expect_out_of_memory("memalign", [&] { return memalign(4096, n); });
  expect_out_of_memory("valloc", [&] { return valloc(n); });
  expect_out_of_memory("pvalloc", [&] { return pvalloc(n); });
  expect_out_of_memory("__libc_malloc", [&] { return __libc_malloc(n); });
  expect_out_of_memory("__libc_calloc", [&] { return __libc_calloc(1, n); });
  expect_out_of_memory("__libc_realloc", [&] { return __libc_realloc(nullptr, n); });
  expect_out_of_memory("__libc_memalign", [&] { return __libc_memalign(64, n); });
  expect_out_of_memory("__libc_valloc", [&] { return __libc_valloc(n); });
  expect_out_of_memory("__libc_pvalloc", [&] { return __libc_pvalloc(n); });
  int marker = 0;
  void* out = &marker;
  EXPECT_EQ(posix_memalign(&out, 64, n), ENOMEM);
  EXPECT_EQ(out, &marker);
}

TEST(FailureTest, SizesOverPtrdiffMaxFailFromEveryEntry) {
  for (const std::size_t size : kTooLarge) expect_every_entry_fails(size);
}

TEST(FailureTest, SizesThatNoMachineHasFailFromEveryEntry) {
  for (const std::size_t size : kUnobtainable) expect_every_entry_fails(size);
}

TEST(FailureTest, FailedReallocKeepsTheBlock) {
  for (const std::size_t old_size : {10, 5000, 100000}) {
    auto* block = static_cast<char*>(malloc(old_size));
    ASSERT_NE(block, nullptr);
    std::memset(block, 'k', old_size);
    for (const std::size_t size : kTooLarge) {
      expect_out_of_memory("realloc", [&] { return realloc(opaque(block), opaque(size)); });
    }
    for (const std::size_t size : kUnobtainable) {
      expect_out_of_memory("realloc", [&] { return realloc(opaque(block), opaque(size)); });
    }
    expect_out_of_memory("reallocarray", [&] {
      return reallocarray(opaque(block), opaque(SIZE_MAX / 4), opaque(std::size_t{8}));
    });
    for (std::size_t i = 0; i < old_size; ++i) ASSERT_EQ(block[i], 'k') << i;
    free(block);
  }
}

TEST(FailureTest, ProductsThatOverflowFail) {
  const struct {
    std::size_t count, size;
  } products[] = {
      {SIZE_MAX, 2},                        // wraps to SIZE_MAX - 1
      {SIZE_MAX / 2 + 1, 2},                // wraps to 0
      {SIZE_MAX / 16 + 1, 16},              // wraps to 0
      {SIZE_MAX / 16 + 2, 16},              // wraps to 16
      {std::size_t{1} << 32, std::size_t{1} << 32},
      {(std::size_t{1} << 32) + 1, std::size_t{1} << 32},
      {SIZE_MAX, SIZE_MAX},                 // wraps to 1
      {3, SIZE_MAX / 3 * 2},                // both factors large
      {2, SIZE_MAX / 4 + 1},                // no overflow, but over PTRDIFF_MAX
  };
  for (const auto& [count, size] : products) {
    for (int turned = 0; turned < 2; ++turned) {
      const std::size_t a = opaque(turned ? size : count);
      const std::size_t b = opaque(turned ? count : size);
      SCOPED_TRACE(testing::Message() << a << " * " << b);
      expect_out_of_memory("calloc", [&] { return calloc(a, b); });
      expect_out_of_memory("__libc_calloc", [&] { return __libc_calloc(a, b); });
      expect_out_of_memory("reallocarray", [&] { return reallocarray(nullptr, a, b); });
    }
  }
}

TEST(FailureTest, ProductsWithZeroGiveBlocks) {
  for (const auto& [count, size] : {std::pair<std::size_t, std::size_t>{0, SIZE_MAX},
                                    {SIZE_MAX, 0},
                                    {0, 0}}) {
    void* zeroed = calloc(opaque(count), opaque(size));
    void* array = reallocarray(nullptr, opaque(count), opaque(size));
    EXPECT_NE(zeroed, nullptr);
    EXPECT_NE(array, nullptr);
    EXPECT_NE(zeroed, array);
    free(zeroed);
    free(array);
  }
}

TEST(FailureTest, AlignmentsThatNoMachineHasFail) {
  for (const std::size_t align : {std::size_t{1} << 63, std::size_t{1} << 62}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100000}, SIZE_MAX - align}) {
      expect_out_of_memory("memalign", [&] { return memalign(opaque(align), opaque(size)); });
      expect_out_of_memory("aligned_alloc",
                           [&] { return aligned_alloc(opaque(align), opaque(size)); });
      void* out = nullptr;
      EXPECT_EQ(posix_memalign(&out, opaque(align), opaque(size)), ENOMEM);
    }
  }
}

TEST(FailureTest, TheNextCallWorks) {
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(malloc(opaque(kUnobtainable[i % 4])), nullptr);
    ASSERT_EQ(memalign(opaque(std::size_t{1} << 62), 10), nullptr);
    void* small = malloc(100);
    void* large = malloc(100000);
    ASSERT_NE(small, nullptr);
    ASSERT_NE(large, nullptr);
    free(small);
    free(large);
  }
}

}  // namespace
