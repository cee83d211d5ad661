// Which of the subject's calls an operation means: its number picks one of those that the
// block's family allows.
//
// Thread safety: pure functions.
#pragma once

#include <algorithm>

#include "model/operation.h"
#include "model/subject.h"

namespace ralloc_test {

template <class Way>
const Way& way_for(std::span<const Way> ways, std::uint8_t number, unsigned family) {
  if (ways.size() == 1) return ways.front();
  const auto allows = [&](const Way& way) { return (way.takes & family) != 0; };
  std::size_t skip = number % std::size_t(std::count_if(ways.begin(), ways.end(), allows));
  auto at = std::find_if(ways.begin(), ways.end(), allows);
  while (skip-- != 0) at = std::find_if(at + 1, ways.end(), allows);
  return *at;
}

inline const AllocateWay& way_to_allocate(std::uint8_t way) {
  return subject.allocate_ways[way % subject.allocate_ways.size()];
}
inline const FreeWay& way_to_free(const Step& step) {
  return way_for(subject.free_ways, step.way, step.family);
}
inline const ResizeWay& way_to_resize(const Step& step) {
  return way_for(subject.resize_ways, step.way, step.family);
}

inline bool is_resizable(Family family) {
  return std::any_of(subject.resize_ways.begin(), subject.resize_ways.end(),
                     [&](const ResizeWay& way) { return (way.takes & family) != 0; });
}

}  // namespace ralloc_test
