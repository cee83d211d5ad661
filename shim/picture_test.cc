// Each picture, to the letter.
#include "shim/picture.h"

#include <gtest/gtest.h>

#include <string>

namespace ralloc {
namespace {

const std::string kHalf(32, 'x');

std::string picture(std::size_t places, std::size_t cursor, const std::string& used) {
  Line line("");
  draw_places(line, places, cursor,
              [&](std::size_t i) { return i < used.size() && used[i] == 'x'; });
  return line.c_str();
}

TEST(PictureTest, ShowsPlacesAndTheCursorBeforeOne) {
  EXPECT_EQ(picture(4, 2, "x_x_"), "x_|x_");
  EXPECT_EQ(picture(4, 0, "x_x_"), "|x_x_");
  EXPECT_EQ(picture(1, 0, "_"), "|_");
}

TEST(PictureTest, HasTheCursorBehindAllPlaces) {
  EXPECT_EQ(picture(3, 3, "xxx"), "xxx|");
  EXPECT_EQ(picture(3, 100, "xxx"), "xxx|");
  EXPECT_EQ(picture(0, 0, ""), "|");
}

TEST(PictureTest, ShowsAllOfAsManyPlacesAsItMay) {
  const std::string all = kHalf + kHalf;
  EXPECT_EQ(picture(kPictureMost, 0, all), "|" + all);
  EXPECT_EQ(picture(kPictureMost, kPictureMost, all), all + "|");
}

TEST(PictureTest, ShowsAWindowAroundTheCursor) {
  const std::string used(1000, 'x');
  EXPECT_EQ(picture(1000, 0, used), "|" + kHalf + kHalf + "..");
  EXPECT_EQ(picture(1000, 32, used), kHalf + "|" + kHalf + "..");
  EXPECT_EQ(picture(1000, 500, used), ".." + kHalf + "|" + kHalf + "..");
  EXPECT_EQ(picture(1000, 999, used), ".." + kHalf + kHalf.substr(1) + "|x");
  EXPECT_EQ(picture(1000, 1000, used), ".." + kHalf + kHalf + "|");
}

}  // namespace
}  // namespace ralloc
