// Pictures of a pool's state within a line of the log: x_|x_ are four places, of which the first
// and the third are in use, and the line is about the third.
//
// Thread safety: as what is drawn.
#pragma once

#include <cstddef>

#include "shim/line.h"

namespace ralloc {

// The state that a line is about, drawn into it.
template <class T>
concept LogPicture = requires(const T& picture, Line& line) { picture.draw(line); };

// At most so many places are drawn; what lies before or behind them is two dots.
inline constexpr std::size_t kPictureMost = 64;

// Draws `places` places: x if in use, else _, and | before the one at `cursor`, or behind all.
template <class IsUsed>
void draw_places(Line& line, std::size_t places, std::size_t cursor, IsUsed is_used) {
  if (cursor > places) cursor = places;
  std::size_t first = 0;
  if (places > kPictureMost && cursor > kPictureMost / 2) {
    first = cursor - kPictureMost / 2;
    if (first > places - kPictureMost) first = places - kPictureMost;
  }
  const std::size_t end = places - first > kPictureMost ? first + kPictureMost : places;
  if (first != 0) line.text("..");
  for (std::size_t i = first; i < end; ++i) {
    if (i == cursor) line.put('|');
    line.put(is_used(i) ? 'x' : '_');
  }
  if (end != places) {
    line.text("..");
  } else if (cursor == places) {
    line.put('|');
  }
}

}  // namespace ralloc
