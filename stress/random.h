// Random numbers that cost less than what they choose.
//
// Thread safety: one thread for each object.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ralloc_stress {

// Spreads a number over all bits.
constexpr std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(mixed(seed + 1)) {}

  std::uint64_t next() { return mixed(state_ += 0x9e3779b97f4a7c15); }
  // 0 <= number < n.
  std::size_t below(std::size_t n) { return std::size_t(next() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }
  // least <= size <= most, each power of two as likely as any other.
  std::size_t size(std::size_t least, std::size_t most) {
    std::size_t bound = least;
    std::size_t doublings = 0;
    for (std::size_t s = least; s < most; s *= 2) ++doublings;
    if (doublings != 0) bound = least << (below(doublings) + 1);
    const std::size_t from = bound / 2 > least ? bound / 2 : least;
    return from + below((bound < most ? bound : most) - from + 1);
  }

 private:
  std::uint64_t state_;
};

// Small ones most often, and one in eight beyond 33'000.
inline std::size_t any_size(Random& random, std::size_t least, std::size_t most) {
  switch (random.below(8)) {
    case 0:
      return random.size(33'000, most);
    case 1:
    case 2:
      return random.size(1024, 33'000);
    default:
      return random.size(least, 1024);
  }
}

}  // namespace ralloc_stress
