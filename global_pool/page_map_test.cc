// The map knows the pages that it was told of, and takes no other address for one of them.
#include "global_pool/page_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

#include "shim/sync.h"
#include "tests/support/lossy_sync.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::kSmallPage;
using ralloc_test::LossySync;
using ralloc_test::SmallLimits;
using ralloc_test::SmallPoolTest;

using Map = PageMap<StdSync, SmallLimits>;

// Pages whose numbers differ by this have the same place.
constexpr std::uintptr_t kWindow = std::uintptr_t{1} << Config::kWindowBitsLeast;
constexpr std::uintptr_t kSector = SmallLimits::kSectorPages;
constexpr std::uintptr_t kPage = 0x70001000;  // the first of a sector

const void* address(std::uintptr_t page, std::size_t offset = 0) {
  return reinterpret_cast<const void*>(page * kSmallPage + offset);
}

class PageMapTest : public SmallPoolTest {
 protected:
  using Config = SmallLimits::Config;
  PageMapTest() { memory_.address_limit = kWindow * kSmallPage - 1; }  // for a small window

  bool knows(std::uintptr_t page) const { return is_live(map_.key_of(address(page))); }

  Map map_;
};

TEST(KeyTest, HoldsShardAndClass) {
  for (unsigned shard = 0; shard < 128; ++shard) {
    for (unsigned c = 0; c <= class_of(kLargeClass); ++c) {
      const Key key = home_key(shard) | c * 16;
      ASSERT_TRUE(is_live(key));
      ASSERT_EQ(shard_of(key), shard);
      ASSERT_EQ(class_of(key), c);
      ASSERT_EQ(is_large(key), c == class_of(kLargeClass));
    }
  }
  EXPECT_GT(class_of(kLargeClass), kClasses);
}

TEST_F(PageMapTest, KnowsNothingBeforeItIsOpen) {
  for (const std::uintptr_t page : {std::uintptr_t{0}, kPage, UINTPTR_MAX / kSmallPage}) {
    EXPECT_FALSE(knows(page));
    EXPECT_EQ(map_.span_at(page), nullptr);
  }
}

TEST_F(PageMapTest, KnowsTheKeyOfEveryByteOfAPage) {
  ASSERT_TRUE(map_.cover(kPage, kSector));
  const Key key = home_key(2) | 5 * 16;
  map_.set_key(kPage + 3, 2, key);
  for (const std::size_t offset : {std::size_t{0}, std::size_t{1}, kSmallPage - 1}) {
    EXPECT_EQ(map_.key_of(address(kPage + 3, offset)), key);
    EXPECT_EQ(map_.key_of(address(kPage + 4, offset)), key);
    EXPECT_FALSE(is_live(map_.key_of(address(kPage + 2, offset))));
    EXPECT_FALSE(is_live(map_.key_of(address(kPage + 5, offset))));
  }
}

TEST_F(PageMapTest, ForgetsClearedKeys) {
  ASSERT_TRUE(map_.cover(kPage, kSector));
  map_.set_key(kPage, 4, home_key(0));
  map_.clear_key(kPage + 1, 2);
  EXPECT_TRUE(knows(kPage));
  EXPECT_FALSE(knows(kPage + 1));
  EXPECT_FALSE(knows(kPage + 2));
  EXPECT_TRUE(knows(kPage + 3));
}

TEST_F(PageMapTest, KnowsTheSpanOfAPage) {
  ASSERT_TRUE(map_.cover(kPage, kSector));
  int span = 0;
  map_.set_span(kPage + 1, 2, &span);
  EXPECT_EQ(map_.span_at(kPage), nullptr);
  EXPECT_EQ(map_.span_at(kPage + 1), &span);
  EXPECT_EQ(map_.span_at(kPage + 2), &span);
  EXPECT_EQ(map_.span_at(kPage + 3), nullptr);
  map_.set_span(kPage + 1, 1, nullptr);
  EXPECT_EQ(map_.span_at(kPage + 1), nullptr);
}

TEST_F(PageMapTest, TakesNoOtherPageForOneOfTheSamePlace) {
  ASSERT_TRUE(map_.cover(kPage, kSector));
  for (const Key key : {home_key(0), home_key(127) | kLargeClass, home_key(17) | 83 * 16}) {
    map_.set_key(kPage, 1, key);
    // Every page number of 48 bits with that place, each bit of it by itself and at random.
    for (std::uintptr_t bit = kWindow; bit < std::uintptr_t{1} << 48; bit *= 2) {
      EXPECT_FALSE(knows(kPage ^ bit));
    }
    ralloc_test::Random random(ralloc_test::new_seed());
    for (int i = 0; i < 10000; ++i) {
      const std::uintptr_t other = random.next() % kWindow * kWindow + kPage % kWindow;
      ASSERT_TRUE(other == kPage || !knows(other)) << other;
    }
  }
}

TEST_F(PageMapTest, KnowsNoWildPointer) {
  ASSERT_TRUE(map_.cover(kWindow * 5, kSector));  // the places of null and of many others
  ASSERT_TRUE(map_.cover(kWindow * 5 - kSector, kSector));
  for (const std::uintptr_t p : {std::uintptr_t{0}, std::uintptr_t{8}, UINTPTR_MAX,
                                 UINTPTR_MAX - kSmallPage, std::uintptr_t{1} << 63,
                                 std::uintptr_t{1} << 47, 0xdeadbeefdeadbeefu}) {
    EXPECT_FALSE(is_live(map_.key_of(reinterpret_cast<void*>(p)))) << p;
  }
}

TEST_F(PageMapTest, ReadsPagesThatWereNeverCovered) {
  ASSERT_TRUE(map_.cover(kPage, kSector));
  for (std::uintptr_t page = 0; page < kWindow; page += 1000) {
    EXPECT_FALSE(knows(page));
    EXPECT_EQ(map_.span_at(page), nullptr);
  }
}

TEST_F(PageMapTest, RefusesSectorsWhosePlacesAreTaken) {
  ASSERT_TRUE(map_.cover(kPage, 2 * kSector));
  map_.set_key(kPage, 2 * kSector, home_key(1));
  const std::uintptr_t other = kPage + kWindow;
  EXPECT_FALSE(map_.cover(other, kSector));
  EXPECT_FALSE(map_.cover(other + kSector, kSector));
  EXPECT_FALSE(map_.cover(other - kSector, 2 * kSector)) << "its last sector";
  EXPECT_FALSE(map_.cover(other - 5 * kSector, 10 * kSector)) << "some in its middle";
  EXPECT_FALSE(map_.cover(kPage + 7 * kWindow, kSector));
  EXPECT_TRUE(map_.cover(other + 2 * kSector, kSector)) << "just behind";
  EXPECT_TRUE(map_.cover(other - kSector, kSector)) << "just before, refused above as a part";
  for (std::uintptr_t page = kPage; page < kPage + 2 * kSector; ++page) EXPECT_TRUE(knows(page));
}

TEST_F(PageMapTest, CoversAnyNumberOfPieces) {
  for (std::uintptr_t i = 0; i < 1000; ++i) {
    ASSERT_TRUE(map_.cover(kPage + 2 * i * kSector, kSector));
  }
  for (std::uintptr_t i = 0; i < 1000; ++i) {
    ASSERT_FALSE(map_.cover(kPage + 2 * i * kSector + kWindow, kSector));
    ASSERT_TRUE(map_.cover(kPage + (2 * i + 1) * kSector + kWindow, kSector));
  }
}

TEST_F(PageMapTest, PieceGoesOverTheEndOfTheWindow) {
  const std::uintptr_t page = 9 * kWindow - kSector;
  ASSERT_TRUE(map_.cover(page, 2 * kSector));
  map_.set_key(page, 2 * kSector, home_key(1));
  int span = 0;
  map_.set_span(page, 2 * kSector, &span);
  for (std::uintptr_t p = page; p < page + 2 * kSector; ++p) {
    EXPECT_TRUE(knows(p));
    EXPECT_EQ(map_.span_at(p), &span);
  }
  map_.clear_key(page, 2 * kSector);
  EXPECT_FALSE(knows(page) || knows(page + kSector));
  EXPECT_FALSE(map_.cover(kWindow - kSector, kSector));
  EXPECT_FALSE(map_.cover(3 * kWindow, kSector));
  EXPECT_TRUE(map_.cover(3 * kWindow + kSector, kSector));
}

TEST_F(PageMapTest, UncoveredSectorsLeaveTheirPlaces) {
  ASSERT_TRUE(map_.cover(kPage, 4 * kSector));
  map_.uncover(kPage + kSector, 2 * kSector);
  EXPECT_FALSE(map_.cover(kPage + kWindow, kSector));
  EXPECT_TRUE(map_.cover(kPage + kWindow + kSector, 2 * kSector));
  EXPECT_FALSE(map_.cover(kPage + kWindow + 3 * kSector, kSector));
  EXPECT_FALSE(map_.cover(kPage + kSector, 2 * kSector)) << "they have others now";
  map_.uncover(kPage, kSector);
  EXPECT_TRUE(map_.cover(kPage, kSector)) << "and may come back";
}

TEST_F(PageMapTest, RefusesAPieceLargerThanTheWindow) {
  EXPECT_EQ(map_.window_pages(), SIZE_MAX) << "not known yet";
  EXPECT_FALSE(map_.cover(kPage, 2 * kWindow));
  EXPECT_EQ(map_.window_pages(), kWindow);
  EXPECT_TRUE(map_.cover(kPage, kWindow)) << "all of it";
}

TEST_F(PageMapTest, WindowIsAsLargeAsTheLimit) {
  // Never so small that keys would not tell pages apart.
  const std::size_t least = std::size_t{1} << Config::kWindowBitsLeast;
  const std::size_t most = std::size_t{1} << Config::kWindowBits;
  for (const std::size_t pages : {std::size_t{1}, least / 2, least, 3 * least, most, SIZE_MAX}) {
    memory_.address_limit = pages == SIZE_MAX ? SIZE_MAX : pages * kSmallPage;
    Map map;
    ASSERT_TRUE(map.cover(kPage, kSector));
    EXPECT_GE(map.window_pages(), std::min(pages, most));
    EXPECT_GE(map.window_pages(), least);
    EXPECT_LE(map.window_pages(), std::max(least, 2 * std::min(pages, most / 2)));
  }
}

TEST_F(PageMapTest, WindowIsAsLargeAsCanBeHad) {
  memory_.address_limit = SIZE_MAX;
  memory_.refuse_maps = 2;
  ASSERT_TRUE(map_.cover(kPage, kSector));
  EXPECT_EQ(map_.window_pages(), std::size_t{1} << (Config::kWindowBits - 2));
}

TEST_F(PageMapTest, CoversNothingWithoutAWindow) {
  memory_.refuse_maps = 1;
  EXPECT_FALSE(map_.cover(kPage, kSector));
  EXPECT_FALSE(knows(kPage));
  EXPECT_TRUE(map_.cover(kPage, kSector)) << "the next try has one";
}

TEST_F(PageMapTest, TakesNoPlacesThatItCouldNotBack) {
  ASSERT_TRUE(map_.cover(kPage, kSector));
  memory_.refuse_map_commits = true;
  EXPECT_FALSE(map_.cover(kPage + 4 * kSector, kSector));
  memory_.refuse_map_commits = false;
  EXPECT_TRUE(map_.cover(kPage + 4 * kSector + kWindow, kSector));
}

// A thread that changes what is covered may be lost to a fork at any moment.
class LostPageMapTest : public SmallPoolTest {
 protected:
  using Map = PageMap<LossySync, SmallLimits>;
  LostPageMapTest() { memory_.address_limit = kWindow * kSmallPage - 1; }

  // Whichever step of `change` was the last, the places of these pages stay taken.
  template <class Change>
  static void expect_taken(std::uintptr_t page, std::size_t pages, Change change) {
    for (unsigned step = 1;; ++step) {
      Map map;
      ASSERT_TRUE(map.cover(kPage, 4 * kSector));
      const bool lost = ralloc_test::is_lost_at(step, [&] { change(map); });
      for (std::uintptr_t p = page; p < page + pages; p += kSector) {
        ASSERT_FALSE(map.cover(p + kWindow, kSector)) << p - kPage << " after step " << step;
      }
      if (!lost) break;
    }
  }
};

TEST_F(LostPageMapTest, RefusesTakenPlacesWhereverACoverWasLost) {
  for (const std::uintptr_t next : {kPage - 3 * kSector, kPage + 4 * kSector}) {
    expect_taken(kPage, 4 * kSector, [&](Map& map) { EXPECT_TRUE(map.cover(next, 3 * kSector)); });
  }
}

TEST_F(LostPageMapTest, RefusesTakenPlacesWhereverAnUncoverWasLost) {
  expect_taken(kPage + 2 * kSector, 2 * kSector,
               [](Map& map) { map.uncover(kPage, 2 * kSector); });
  expect_taken(kPage, 2 * kSector,
               [](Map& map) { map.uncover(kPage + 2 * kSector, 2 * kSector); });
}

}  // namespace
}  // namespace ralloc
