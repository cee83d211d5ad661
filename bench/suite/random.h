#pragma once
// Random numbers that cost next to nothing, the same in every run.
//
// Thread safety: none; each thread has its own.
#include <cstddef>
#include <cstdint>

namespace ralloc::bench {

// Marsaglia's xorshift64 (Journal of Statistical Software 8, 2003).
class QuickRandom {
 public:
  explicit QuickRandom(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u | 1) {}

  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  // 0 to `count` - 1, by a multiplication: a division would cost as much as a malloc.
  std::size_t below(std::size_t count) {
    return std::size_t((next() >> 32) * std::uint64_t{count} >> 32);
  }
  // 0 to 1, 1 excluded.
  double fraction() { return double(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace ralloc::bench
