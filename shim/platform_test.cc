// What platform.h says of memory, of each platform.
#include "tests/support/platforms.h"

#include <cerrno>

namespace ralloc_test {
namespace {

using os::Moved;

template <class P>
class PlatformMemoryTest : public testing::Test {};
TYPED_TEST_SUITE(PlatformMemoryTest, Platforms, PlatformNames);

TYPED_TEST(PlatformMemoryTest, PagesAreAPowerOfTwo) {
  const std::size_t page = TypeParam::page_size();
  EXPECT_GE(page, 512u);
  EXPECT_EQ(page & (page - 1), 0u);
  EXPECT_EQ(TypeParam::page_size(), page);
}

// --- Reserve ---------------------------------------------------------------------------------

TYPED_TEST(PlatformMemoryTest, ReservesAtAnyAlignment) {
  const std::size_t page = TypeParam::page_size();
  for (std::size_t align = page; align <= std::size_t{1} << 32; align *= 2) {
    void* p = TypeParam::reserve(page, align, nullptr);
    ASSERT_NE(p, nullptr) << align;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(p) % align, 0u) << align;
    TypeParam::release(p, page);
  }
}

TYPED_TEST(PlatformMemoryTest, ReservesWithoutBacking) {
  Pages<TypeParam> pages(2, false);
  for (std::size_t page : {0, 1}) {
    EXPECT_FALSE(is_readable(pages.at(page)));
    EXPECT_FALSE(is_writable(pages.at(page)));
  }
}

TYPED_TEST(PlatformMemoryTest, ReservesAtTheHintIfThereIsRoom) {
  constexpr std::size_t kBytes = 1 << 20;
  void* p = TypeParam::reserve(kBytes, 1 << 16, nullptr);
  ASSERT_NE(p, nullptr);
  TypeParam::release(p, kBytes);
  EXPECT_EQ(TypeParam::reserve(kBytes, 1 << 16, p), p);
  void* elsewhere = TypeParam::reserve(kBytes, 1 << 16, p);
  EXPECT_NE(elsewhere, nullptr);
  EXPECT_NE(elsewhere, p) << "taken already";
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(elsewhere) % (1 << 16), 0u);
  TypeParam::release(p, kBytes);
  TypeParam::release(elsewhere, kBytes);
}

TYPED_TEST(PlatformMemoryTest, ReservesNoMoreThanThereIs) {
  const std::size_t page = TypeParam::page_size();
  EXPECT_EQ(TypeParam::reserve(std::size_t{1} << 50, page, nullptr), nullptr);
  EXPECT_EQ(TypeParam::reserve(page, std::size_t{1} << 50, nullptr), nullptr);
  EXPECT_EQ(TypeParam::reserve_zeros(std::size_t{1} << 50), nullptr);
}

TYPED_TEST(PlatformMemoryTest, ReservedZerosReadAtOnceAndWriteOnceCommitted) {
  const std::size_t page = TypeParam::page_size();
  char* p = static_cast<char*>(TypeParam::reserve_zeros(4 * page));
  ASSERT_NE(p, nullptr);
  EXPECT_TRUE(is_filled(p, 4 * page, 0));
  EXPECT_FALSE(is_writable(p));
  ASSERT_TRUE(TypeParam::commit(p + page, page));
  EXPECT_TRUE(is_filled(p, 4 * page, 0));
  std::memset(p + page, 1, page);
  EXPECT_FALSE(is_writable(p));
  EXPECT_FALSE(is_writable(p + 2 * page));
  TypeParam::release(p, 4 * page);
}

// --- Commit ----------------------------------------------------------------------------------

TYPED_TEST(PlatformMemoryTest, CommitsPartsAsZeros) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(3, false);
  ASSERT_TRUE(TypeParam::commit(pages.at(1), page));
  EXPECT_TRUE(is_filled(pages.at(1), page, 0));
  std::memset(pages.at(1), 1, page);
  EXPECT_FALSE(is_readable(pages.at(0)));
  EXPECT_FALSE(is_readable(pages.at(2)));
  ASSERT_TRUE(TypeParam::commit(pages.at(2), page));
  EXPECT_TRUE(is_filled(pages.at(1), page, 1));
  EXPECT_TRUE(is_filled(pages.at(2), page, 0));
}

TYPED_TEST(PlatformMemoryTest, CommitsNothingThatIsNotReserved) {
  const std::size_t page = TypeParam::page_size();
  char* p = static_cast<char*>(TypeParam::reserve(page, page, nullptr));
  TypeParam::release(p, page);
  EXPECT_FALSE(TypeParam::commit(p, page));
  EXPECT_FALSE(is_readable(p));
}

// --- Purge and release -----------------------------------------------------------------------

TYPED_TEST(PlatformMemoryTest, PurgedPagesAreZerosOrAsBefore) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4);
  for (int round = 0; round < 3; ++round) {
    std::memset(pages.at(0), 1, pages.bytes());
    const bool purged = TypeParam::purge(pages.at(1), 2 * page);
    EXPECT_TRUE(purged) << "nothing stands against it";
    EXPECT_TRUE(is_filled(pages.at(0), page, 1));
    EXPECT_TRUE(is_filled(pages.at(1), 2 * page, purged ? 0 : 1));
    EXPECT_TRUE(is_filled(pages.at(3), page, 1));
  }
  ASSERT_TRUE(TypeParam::purge(pages.at(0), pages.bytes()));
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 0));
  ASSERT_TRUE(TypeParam::purge(pages.at(0), pages.bytes())) << "what is clean already";
  std::memset(pages.at(0), 2, pages.bytes());
}

TYPED_TEST(PlatformMemoryTest, ReleasesParts) {
  const std::size_t page = TypeParam::page_size();
  char* p = static_cast<char*>(TypeParam::reserve(3 * page, page, nullptr));
  ASSERT_TRUE(TypeParam::commit(p, 3 * page));
  std::memset(p, 1, 3 * page);
  TypeParam::release(p + page, page);
  EXPECT_FALSE(is_readable(p + page));
  EXPECT_TRUE(is_filled(p, page, 1));
  EXPECT_TRUE(is_filled(p + 2 * page, page, 1));
  TypeParam::release(p, page);
  TypeParam::release(p + 2 * page, page);
  EXPECT_FALSE(is_readable(p));
  EXPECT_FALSE(is_readable(p + 2 * page));
}

TYPED_TEST(PlatformMemoryTest, ReservesAgainWhatWasReleased) {
  constexpr std::size_t kBytes = 1 << 20;
  void* p = TypeParam::reserve(kBytes, 1 << 16, nullptr);
  ASSERT_TRUE(TypeParam::commit(p, kBytes));
  std::memset(p, 1, kBytes);
  TypeParam::release(p, kBytes);
  ASSERT_EQ(TypeParam::reserve(kBytes, 1 << 16, p), p);
  EXPECT_FALSE(is_readable(p)) << "reserved only";
  ASSERT_TRUE(TypeParam::commit(p, kBytes));
  EXPECT_TRUE(is_filled(p, kBytes, 0));
  TypeParam::release(p, kBytes);
}

// --- Growing in place ------------------------------------------------------------------------

TYPED_TEST(PlatformMemoryTest, GrowsAReservationIntoFreeAddresses) {
  constexpr std::size_t kBytes = 1 << 20;
  char* p = static_cast<char*>(TypeParam::reserve(2 * kBytes, 1 << 16, nullptr));
  TypeParam::release(p, 2 * kBytes);
  ASSERT_EQ(TypeParam::reserve(kBytes, 1 << 16, p), p);
  ASSERT_TRUE(TypeParam::commit(p, kBytes));
  std::memset(p, 1, kBytes);
  ASSERT_TRUE(TypeParam::reserve_at(p + kBytes, kBytes));
  EXPECT_FALSE(is_readable(p + kBytes));
  ASSERT_TRUE(TypeParam::commit(p + kBytes, kBytes));
  EXPECT_TRUE(is_filled(p, kBytes, 1));
  EXPECT_TRUE(is_filled(p + kBytes, kBytes, 0));
  TypeParam::release(p, 2 * kBytes);
}

TYPED_TEST(PlatformMemoryTest, GrowsIntoNothingThatIsTaken) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4);
  std::memset(pages.at(0), 1, pages.bytes());
  EXPECT_FALSE(TypeParam::reserve_at(pages.at(1), page));
  EXPECT_FALSE(TypeParam::reserve_at(pages.at(2), 1 << 20)) << "the first pages of it are";
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 1));
  EXPECT_FALSE(TypeParam::reserve_at(pages.at(4), std::size_t{1} << 50));
}

TYPED_TEST(PlatformMemoryTest, ExtendsWhatIsCommittedIntoFreeAddresses) {
  constexpr std::size_t kBytes = 1 << 20;
  char* p = static_cast<char*>(TypeParam::reserve(2 * kBytes, 1 << 16, nullptr));
  TypeParam::release(p, 2 * kBytes);
  ASSERT_EQ(TypeParam::reserve(kBytes, 1 << 16, p), p);
  ASSERT_TRUE(TypeParam::commit(p, kBytes));
  std::memset(p, 1, kBytes);
  ASSERT_TRUE(TypeParam::extend(p, kBytes, kBytes));
  EXPECT_TRUE(is_filled(p, kBytes, 1));
  EXPECT_TRUE(is_filled(p + kBytes, kBytes, 0));
  TypeParam::release(p, 2 * kBytes);
}

TYPED_TEST(PlatformMemoryTest, ExtendsIntoNothingThatIsTaken) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4);
  std::memset(pages.at(0), 1, pages.bytes());
  EXPECT_FALSE(TypeParam::extend(pages.at(0), page, page));
  EXPECT_FALSE(TypeParam::extend(pages.at(0), 4 * page, std::size_t{1} << 50));
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 1));
}

// --- Moving pages ----------------------------------------------------------------------------

TYPED_TEST(PlatformMemoryTest, MovesContentsAndLeavesZerosOrChangesNothing) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> from(6);
  Pages<TypeParam> to(8, false);
  for (std::size_t i = 0; i < 6; ++i) std::memset(from.at(i), int(i), page);
  const Moved moved = TypeParam::move_pages(from.at(1), 3 * page, to.at(0), 8 * page);
  ASSERT_NE(moved, Moved::kLost);
  if (moved == Moved::kYes) {
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(is_filled(to.at(i), page, static_cast<unsigned char>(i + 1)));
    }
    EXPECT_TRUE(is_filled(to.at(3), 5 * page, 0)) << "the rest of the target is committed";
    EXPECT_TRUE(is_filled(from.at(1), 3 * page, 0));
    std::memset(to.at(0), 7, to.bytes());
  } else {
    for (std::size_t i = 1; i < 4; ++i) {
      EXPECT_TRUE(is_filled(from.at(i), page, static_cast<unsigned char>(i)));
    }
    for (std::size_t i = 0; i < 8; ++i) EXPECT_FALSE(is_readable(to.at(i))) << "reserved only";
  }
  EXPECT_TRUE(is_filled(from.at(0), page, 0));
  EXPECT_TRUE(is_filled(from.at(4), page, 4));
  EXPECT_TRUE(is_filled(from.at(5), page, 5));
  std::memset(from.at(0), 7, from.bytes());
}

// --- errno -----------------------------------------------------------------------------------

TYPED_TEST(PlatformMemoryTest, KeepsErrnoInSuccessAndFailure) {
  const std::size_t page = TypeParam::page_size();
  const std::size_t too_much = std::size_t{1} << 50;
  Pages<TypeParam> target(2, false);
  errno = 4711;
  char* p = static_cast<char*>(TypeParam::reserve(4 * page, 1 << 20, nullptr));
  const bool committed = TypeParam::commit(p, 4 * page);
  (void)TypeParam::purge(p, page);
  (void)TypeParam::move_pages(p, page, target.at(0), 2 * page);
  (void)TypeParam::reserve_at(p, page);
  void* zeros = TypeParam::reserve_zeros(page);
  TypeParam::release(zeros, page);
  TypeParam::release(p, 4 * page);
  const bool failed = !TypeParam::commit(p, page) &&
                      TypeParam::reserve_zeros(too_much) == nullptr &&
                      TypeParam::reserve(too_much, page, nullptr) == nullptr;
  (void)TypeParam::page_size();
  (void)TypeParam::cpu_count();
  (void)TypeParam::address_space_limit();
  (void)TypeParam::environment();
  (void)TypeParam::is_privileged();
  (void)TypeParam::now_ms();
  if (void* wiped = TypeParam::map_wiped_on_fork(page)) TypeParam::release(wiped, page);
  const int kept = errno;
  EXPECT_EQ(kept, 4711);
  EXPECT_TRUE(committed);
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace ralloc_test
