// What platform.h says of closed memory, of each platform.
#include <cerrno>

#include "tests/support/platforms.h"

namespace ralloc_test {
namespace {

template <class P>
class PlatformCloseTest : public testing::Test {};
TYPED_TEST_SUITE(PlatformCloseTest, Platforms, PlatformNames);

TYPED_TEST(PlatformCloseTest, ClosedPagesCannotBeAccessedAndOthersStay) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4);
  std::memset(pages.at(0), 1, pages.bytes());
  ASSERT_TRUE(TypeParam::close(pages.at(1), 2 * page));
  for (const std::size_t i : {1, 2}) {
    EXPECT_FALSE(is_readable(pages.at(i)));
    EXPECT_FALSE(is_writable(pages.at(i)));
  }
  EXPECT_TRUE(is_filled(pages.at(0), page, 1));
  EXPECT_TRUE(is_filled(pages.at(3), page, 1));
  EXPECT_TRUE(is_writable(pages.at(0)));
  EXPECT_TRUE(is_writable(pages.at(3)));
}

TYPED_TEST(PlatformCloseTest, ClosedPagesAreZerosOnceCommitted) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(3);
  for (int round = 0; round < 3; ++round) {
    std::memset(pages.at(0), 1, pages.bytes());
    ASSERT_TRUE(TypeParam::close(pages.at(1), page));
    ASSERT_TRUE(TypeParam::commit(pages.at(1), page));
    EXPECT_TRUE(is_filled(pages.at(0), page, 1));
    EXPECT_TRUE(is_filled(pages.at(1), page, 0));
    EXPECT_TRUE(is_filled(pages.at(2), page, 1));
  }
  ASSERT_TRUE(TypeParam::purge(pages.at(0), pages.bytes()));
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 0));
}

TYPED_TEST(PlatformCloseTest, ClosesWhatWasNeverCommitted) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4, false);
  ASSERT_TRUE(TypeParam::close(pages.at(0), 2 * page));
  ASSERT_TRUE(TypeParam::close(pages.at(0), 2 * page)) << "and what is closed already";
  for (const std::size_t i : {0, 1}) EXPECT_FALSE(is_readable(pages.at(i)));
  ASSERT_TRUE(TypeParam::commit(pages.at(0), pages.bytes()));
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 0));
}

TYPED_TEST(PlatformCloseTest, ClosesCommittedAndReservedPagesAtOnce) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(5, false);
  for (const std::size_t i : {1, 3}) {
    ASSERT_TRUE(TypeParam::commit(pages.at(i), page));
    std::memset(pages.at(i), 1, page);
  }
  ASSERT_TRUE(TypeParam::close(pages.at(0), pages.bytes()));
  for (std::size_t i = 0; i < 5; ++i) EXPECT_FALSE(is_readable(pages.at(i)));
  ASSERT_TRUE(TypeParam::commit(pages.at(0), pages.bytes()));
  EXPECT_TRUE(is_filled(pages.at(0), pages.bytes(), 0));
}

TYPED_TEST(PlatformCloseTest, ClosesZerosThatWereReadable) {
  const std::size_t page = TypeParam::page_size();
  char* p = static_cast<char*>(TypeParam::reserve_zeros(2 * page));
  ASSERT_NE(p, nullptr);
  ASSERT_TRUE(TypeParam::close(p, page));
  EXPECT_FALSE(is_readable(p));
  EXPECT_TRUE(is_filled(p + page, page, 0));
  TypeParam::release(p, 2 * page);
}

// Nobody else gets the addresses.
TYPED_TEST(PlatformCloseTest, ClosedAddressesAreStillOurs) {
  const std::size_t page = TypeParam::page_size();
  Pages<TypeParam> pages(4);
  ASSERT_TRUE(TypeParam::close(pages.at(1), page));
  EXPECT_FALSE(TypeParam::reserve_at(pages.at(1), page));
}

TYPED_TEST(PlatformCloseTest, KeepsErrno) {
  Pages<TypeParam> pages(1);
  errno = 4711;
  const bool closed = TypeParam::close(pages.at(0), pages.bytes());
  const int kept = errno;
  EXPECT_EQ(kept, 4711);
  EXPECT_TRUE(closed);
}

}  // namespace
}  // namespace ralloc_test
