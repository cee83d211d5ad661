// Every block lies at a multiple of 16, or of what was asked for.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "abi/malloc_family.h"
#include "support/process.h"

namespace {

using ralloc_test::kMiB;
using ralloc_test::opaque;
using ralloc_test::Random;

constexpr std::uint64_t kSeed = 20240611;

bool is_multiple(const void* ptr, std::size_t align) {
  return reinterpret_cast<std::uintptr_t>(ptr) % align == 0;
}

// Keeps the latest blocks alive, so that new ones are not always the same place.
class Window {
 public:
  ~Window() {
    for (void* block : blocks_) free(block);
  }
  void keep(void* block) {
    free(blocks_[next_]);
    blocks_[next_] = block;
    next_ = (next_ + 1) % blocks_.size();
  }

 private:
  std::array<void*, 61> blocks_ = {};
  std::size_t next_ = 0;
};

// Touches both ends of the block, so that memory that is not there is noticed.
void touch(void* block, std::size_t size) {
  if (size == 0) return;
  static_cast<volatile char*>(block)[0] = 1;
  static_cast<volatile char*>(block)[size - 1] = 1;
}

TEST(AlignmentTest, EverySizeUpTo100000IsAMultipleOf16) {
  Window window;
  for (std::size_t size = 0; size <= 100000; ++size) {
    void* block = malloc(size);
    ASSERT_NE(block, nullptr) << size;
    ASSERT_TRUE(is_multiple(block, 16)) << size << " bytes at " << block;
    touch(block, size);
    window.keep(block);
  }
}

TEST(AlignmentTest, EveryEntryGivesMultiplesOf16AtRandomSizes) {
  Random random(kSeed);
  Window window;
  for (int i = 0; i < 20000; ++i) {
    const std::size_t size = random.below(std::size_t{1} << (4 + random.below(17)));
    void* const blocks[] = {malloc(size), calloc(1, size), realloc(nullptr, size),
                            reallocarray(nullptr, 1, size), ::operator new(size)};
    for (void* block : blocks) {
      ASSERT_NE(block, nullptr) << size;
      ASSERT_TRUE(is_multiple(block, 16)) << size << " bytes at " << block << ", seed " << kSeed;
      touch(block, size);
      window.keep(block);
    }
  }
}

TEST(AlignmentTest, AlignedEntriesHonourEveryPowerOfTwoUpToOneMiB) {
  Random random(kSeed);
  Window window;
  for (std::size_t align = 16; align <= kMiB; align *= 2) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, align - 1, align, align + 1, 3 * align / 2,
          random.below(100000)}) {
      void* posix = nullptr;
      ASSERT_EQ(posix_memalign(&posix, align, size), 0) << align << ' ' << size;
      void* const blocks[] = {posix, aligned_alloc(align, size), memalign(align, size),
                              ::operator new(size, std::align_val_t(align))};
      for (void* block : blocks) {
        ASSERT_NE(block, nullptr) << align << ' ' << size;
        ASSERT_TRUE(is_multiple(block, align)) << size << " bytes at " << block;
        ASSERT_GE(malloc_usable_size(block), size);
        touch(block, size);
        window.keep(block);
      }
    }
  }
}

TEST(AlignmentTest, AlignmentsFarBeyondTheBlockWork) {
  for (const std::size_t align : {2 * kMiB, 4 * kMiB, 64 * kMiB, 1024 * kMiB}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{100}, 3 * kMiB}) {
      void* first = aligned_alloc(align, size);
      void* second = aligned_alloc(align, size);
      ASSERT_NE(first, nullptr) << align << ' ' << size;
      ASSERT_NE(second, nullptr) << align << ' ' << size;
      EXPECT_NE(first, second);
      EXPECT_TRUE(is_multiple(first, align)) << first;
      EXPECT_TRUE(is_multiple(second, align)) << second;
      touch(first, malloc_usable_size(first));
      touch(second, malloc_usable_size(second));
      free(first);
      free(second);
    }
  }
}

TEST(AlignmentTest, SmallAlignedBlocksDoNotOverlap) {
  std::vector<unsigned char*> blocks;
  for (std::size_t i = 0; i < 500; ++i) {
    const std::size_t align = std::size_t{16} << (i % 9);
    auto* block = static_cast<unsigned char*>(memalign(align, 40));
    ASSERT_NE(block, nullptr);
    ASSERT_TRUE(is_multiple(block, align));
    std::memset(block, int(i % 251), malloc_usable_size(block));
    blocks.push_back(block);
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    for (std::size_t j = 0; j < malloc_usable_size(blocks[i]); ++j) {
      ASSERT_EQ(blocks[i][j], i % 251) << "block " << i << " at " << j;
    }
    free(blocks[i]);
  }
}

TEST(AlignmentTest, VallocAndPvallocGiveOsPages) {
  const auto os_page = std::size_t(sysconf(_SC_PAGESIZE));
  Window window;
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, os_page, os_page + 1,
                                 std::size_t{40000}, std::size_t{300000}}) {
    void* plain = valloc(size);
    void* whole = pvalloc(size);
    ASSERT_TRUE(plain != nullptr && is_multiple(plain, os_page)) << size;
    ASSERT_TRUE(whole != nullptr && is_multiple(whole, os_page)) << size;
    EXPECT_GE(malloc_usable_size(plain), size);
    EXPECT_GE(malloc_usable_size(whole), (size + os_page - 1) / os_page * os_page);
    touch(plain, malloc_usable_size(plain));
    touch(whole, malloc_usable_size(whole));
    window.keep(plain);
    window.keep(whole);
  }
}

TEST(AlignmentTest, PosixMemalignRefusesOtherAlignmentsAndTouchesNothing) {
  for (const std::size_t align :
       {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{3},
        std::size_t{12}, std::size_t{24}, std::size_t{48}, std::size_t{4097}, SIZE_MAX}) {
    int marker = 0;
    void* out = &marker;
    errno = 77;
    EXPECT_EQ(posix_memalign(&out, opaque(align), 100), EINVAL) << align;
    EXPECT_EQ(errno, 77) << align;
    EXPECT_EQ(out, &marker) << align;
  }
}

TEST(AlignmentTest, PosixMemalignTakesTheSizeOfAPointer) {
  void* block = nullptr;
  errno = 77;
  ASSERT_EQ(posix_memalign(&block, sizeof(void*), 10), 0);
  EXPECT_EQ(errno, 77);
  EXPECT_TRUE(is_multiple(block, 16));
  free(block);
}

}  // namespace
