// What the kernel makes of guard pages: they cannot be accessed, and a process that has no mapping
// left does without.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <vector>

#include "global_pool/global_pool.h"
#include "shim/debugger.h"
#include "shim/sanitizer.h"
#include "tests/support/guarded_limits.h"
#include "tests/support/memory_access.h"

namespace ralloc {
namespace {

using ralloc_test::is_filled;
using ralloc_test::is_readable;
using ralloc_test::is_writable;

struct Limits : ShippedLimits {
  using Defences = ralloc_test::RandomDefences;
};
using Pool = GlobalPool<StdSync, Limits>;
using Span = Pool::Span;

constexpr std::size_t kPageBytes = std::size_t{1} << Limits::kPageShift;

class GuardedOsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kDebugger && os::kSanitized) GTEST_SKIP() << "what is no block is poisoned";
  }
  static constexpr std::size_t kSize = 100'000;
  const std::size_t os_page_ = os::page_size();

  Span* take(std::size_t bytes = kSize) {
    Span* const span = pool_.take_guarded(bytes, 1);
    if (span == nullptr) throw std::bad_alloc();
    return span;
  }
  static std::size_t pages_for(std::size_t bytes) { return (bytes + kPageBytes - 1) / kPageBytes; }
  bool is_between_inaccessible_pages(Span* span, std::size_t bytes) const {
    char* const begin = span->begin();
    const std::size_t open = (bytes + os_page_ - 1) / os_page_ * os_page_;
    return is_writable(begin) && is_writable(begin + open - 1) && !is_readable(begin - 1) &&
           !is_readable(begin - kPageBytes) && !is_readable(begin + open) &&
           !is_readable(begin + span->bytes() - 1);
  }

  static inline Pool::Shards shards_{};
  Pool pool_{shards_};
};

TEST_F(GuardedOsTest, NobodyCanAccessWhatLiesAround) {
  Span* span = take();
  EXPECT_TRUE(is_filled(span->begin(), kSize, 0));
  EXPECT_TRUE(is_between_inaccessible_pages(span, kSize));
  std::memset(span->begin(), 1, kSize);
  ASSERT_TRUE(pool_.resize_guarded(span, 2 * kSize));
  EXPECT_TRUE(is_between_inaccessible_pages(span, 2 * kSize));
  EXPECT_TRUE(is_filled(span->begin() + 1, kSize - 1, 1)) << "all but what was tried";
  ASSERT_TRUE(pool_.resize_guarded(span, 1));
  EXPECT_TRUE(is_between_inaccessible_pages(span, 1));
  ASSERT_TRUE(pool_.resize_guarded(span, kSize));
  EXPECT_TRUE(is_filled(span->begin() + os_page_, kSize - os_page_, 0));
}

TEST_F(GuardedOsTest, NobodyCanAccessWhatWasFreed) {
  char* const begin = take()->begin();
  pool_.give_large(pool_.large_at(begin), SpanState::kDirty);
  EXPECT_FALSE(is_readable(begin));
  EXPECT_TRUE(pool_.map().was_freed(begin));
  pool_.release_quarantined();
}

TEST_F(GuardedOsTest, PagesAroundAreMemoryWhenItFellIntoParts) {
  Span* span = take();
  char* const begin = span->begin();
  ASSERT_TRUE(pool_.give_large_part(begin, 100, true));
  EXPECT_TRUE(is_writable(begin - kPageBytes) && is_writable(begin + span->bytes() - 1));
}

TEST_F(GuardedOsTest, ThereIsAGuardBeforeEachStepAndPiece) {
  void* block = nullptr;
  ASSERT_EQ(pool_.take(0, 0, &block, 1), 1u);
  char* const begin = pool_.span_of(block)->begin();
  EXPECT_FALSE(is_readable(begin - 1));
  const std::size_t interval = Limits::Defences::kGuardInterval;
  EXPECT_TRUE(is_readable(begin + interval - kPageBytes - 1));
  EXPECT_FALSE(is_readable(begin + interval - kPageBytes));
}

// Reserves addresses, and makes mappings of them until the process may have no more.
class AllMappings {
 public:
  AllMappings() {
    begin_ = static_cast<char*>(mmap(nullptr, kBytes, PROT_NONE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    const std::size_t page = os::page_size();
    for (std::size_t at = page; at < kBytes && !is_out_; at += 2 * page) {
      is_out_ = mprotect(begin_ + at, page, PROT_READ) != 0;
    }
  }
  ~AllMappings() { munmap(begin_, kBytes); }
  // So many for others.
  void leave(std::size_t n) const { (void)mprotect(begin_, n * os::page_size(), PROT_READ); }
  bool is_out() const { return is_out_; }

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 30;
  char* begin_;
  bool is_out_ = false;
};

// Blocks with guards take all that a program has left, and yet others get memory.
TEST_F(GuardedOsTest, GuardsDoNotTakeTheLastMappings) {
  if (os::kSanitized) GTEST_SKIP() << "it needs mappings itself";
  AllMappings all;
  if (!all.is_out()) GTEST_SKIP() << "this kernel allows more";
  all.leave(2000);
  std::size_t guarded = 0, refused = 0;
  std::size_t ordinary = 0;
  for (std::size_t i = 0; i < 6000; ++i) {
    Span* span = pool_.take_guarded(kSize, 1);
    if (span != nullptr) {
      ++guarded;
      span->begin()[0] = 1;
    } else {
      span = pool_.take_large(pages_for(kSize), 1);
      ++(span != nullptr ? ordinary : refused);
    }
  }
  all.leave(60'000);
  EXPECT_GT(guarded, 500u);
  EXPECT_EQ(ordinary, 6000 - guarded);
  EXPECT_EQ(refused, 0u);
}

TEST_F(GuardedOsTest, WithoutMappingsBlocksAreOrdinary) {
  if (os::kSanitized) GTEST_SKIP() << "it needs mappings itself";
  Span* live = take();
  Span* shrinks = take();
  ASSERT_NE(pool_.take_large(1, 1), nullptr);  // the arena has a piece
  std::vector<Span*> blocks;
  blocks.reserve(100);
  bool is_out = false, was_guarded = true, closed = true;
  {
    AllMappings all;
    is_out = all.is_out();
    was_guarded = pool_.take_guarded(kSize, 1) != nullptr;
    for (Span* span; blocks.size() < 100 && (span = pool_.take_large(8, 1)) != nullptr;) {
      blocks.push_back(span);
    }
    closed = pool_.resize_guarded(shrinks, 1);
    pool_.give_large(live, SpanState::kDirty);
  }
  if (!is_out) GTEST_SKIP() << "this kernel allows more";
  EXPECT_FALSE(was_guarded);
  EXPECT_EQ(blocks.size(), 100u);
  for (Span* span : blocks) std::memset(span->begin(), 1, span->bytes());
  EXPECT_TRUE(is_between_inaccessible_pages(shrinks, closed ? 1 : kSize));
}

}  // namespace
}  // namespace ralloc
