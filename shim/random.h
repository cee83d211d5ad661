// Numbers that nobody can guess, for one owner: ChaCha8, seeded by the system.
//
// Thread safety: none; each owner has its own, or a mutex over it. Constant-initialised, so it may
// lie in static storage and works before main. Nothing here allocates or takes a lock.
// Invariants: no two generators, and no process and its forked child, give the same numbers, as
// far as os.h tells a child (docs/platforms.md). Who reads the state learns nothing of the numbers
// that were given: those are wiped, and the key that made them has been replaced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "shim/chacha.h"
#include "shim/os.h"

namespace ralloc {

class Random {
 public:
  constexpr Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;

  // All 64 bits.
  std::uint64_t next() noexcept { return draw<std::uint64_t>(); }

  // The lowest n bits, 1 to 32; a constant n costs the bytes that it needs.
  std::uint32_t bits(unsigned n) noexcept {
    const std::uint32_t mask = ~std::uint32_t{0} >> (32 - n);
    if (n <= 8) return draw<std::uint8_t>() & mask;
    if (n <= 16) return draw<std::uint16_t>() & mask;
    return draw<std::uint32_t>() & mask;
  }

  // 0 to n - 1, for n of 1 at least. Each comes up with probability 1/n, give or take 2^-32:
  // exactly so for powers of two.
  std::uint32_t below(std::uint32_t n) noexcept {
    return std::uint32_t(std::uint64_t{draw<std::uint32_t>()} * n >> 32);
  }

  // From here on the same numbers in each run, but for a forked child.
  void seed_for_test(std::uint64_t seed) noexcept;

 private:
  // Eight rounds: the cheapest that no attack is known of.
  using Cipher = ChaCha<8>;
  static constexpr std::size_t kBlocks = 2;
  static constexpr std::size_t kKeyBytes = sizeof(Cipher::Key);
  static constexpr std::size_t kMost = kBlocks * sizeof(Cipher::Block) - kKeyBytes;

  template <class T>
  T draw() noexcept {
    if (__builtin_expect(!os::is_generation(generation_) || left_ < sizeof(T), 0)) refill();
    left_ -= std::uint32_t(sizeof(T));
    unsigned char* const from = reinterpret_cast<unsigned char*>(blocks_) + kKeyBytes + left_;
    T value;
    std::memcpy(&value, from, sizeof value);
    std::memset(from, 0, sizeof value);
    return value;
  }

  // Seeds it if this process has not; then makes the next key and numbers.
  void refill() noexcept;

  std::uint32_t generation_ = 0;  // of the process that seeded it; 0 before
  std::uint32_t left_ = 0;        // bytes behind the key that were not given
  Cipher::Block blocks_[kBlocks] = {};  // the next key, and then bytes to give
};

}  // namespace ralloc
