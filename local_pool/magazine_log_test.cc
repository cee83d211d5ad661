// How the log draws a local pool.
#include "local_pool/magazine_log.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/small_pool.h"

namespace ralloc {
namespace {

using ralloc_test::SmallLimits;

// Of four classes.
class MagazineLogTest : public testing::Test {
 protected:
  void fill(unsigned size_class) { rack_.magazines[size_class].top = block_; }
  std::string picture(std::size_t size_class) {
    Line line("");
    MagazinesPicture<MagazineRack<SmallLimits>>{&rack_, size_class}.draw(line);
    return line.c_str();
  }

  void* block_[1] = {this};
  MagazineRack<SmallLimits> rack_ = rack_without_room<SmallLimits>();
};

TEST_F(MagazineLogTest, ShowsWhichMagazinesHaveBlocks) {
  fill(0);
  fill(2);
  fill(3);
  EXPECT_EQ(picture(2), "x_|xx");
  EXPECT_EQ(picture(0), "|x_xx");
}

TEST_F(MagazineLogTest, LeavesOutEmptyOnesAtTheEnd) {
  EXPECT_EQ(picture(0), "|_");
  EXPECT_EQ(picture(2), "__|_") << "but not the one that the line is about";
  fill(0);
  EXPECT_EQ(picture(1), "x|_");
  fill(2);
  EXPECT_EQ(picture(1), "x|_x");
}

}  // namespace
}  // namespace ralloc
