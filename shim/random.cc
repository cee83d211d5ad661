// Seeds and refills of a generator.
#include "shim/random.h"

namespace ralloc {

void Random::refill() noexcept {
  Cipher::Key key;
  static_assert(sizeof key == kKeyBytes);
  std::memcpy(key, blocks_, kKeyBytes);
  if (const std::uint32_t now = os::generation(); generation_ != now) {
    // Else a child that is forked before this library's constructors have run would not be told.
    os::set_up_generation();
    // Added to the old: where the system has but weak bytes, what was secret stays so.
    Cipher::Key fresh;
    (void)os::fill_random(fresh, sizeof fresh);
    for (std::size_t i = 0; i < Cipher::kKeyWords; ++i) key[i] ^= fresh[i];
    generation_ = now;
  }
  for (std::size_t i = 0; i < kBlocks; ++i) Cipher::block(key, std::uint32_t(i), {}, blocks_[i]);
  left_ = kMost;
}

void Random::seed_for_test(std::uint64_t seed) noexcept {
  std::memset(blocks_, 0, sizeof blocks_);
  std::memcpy(blocks_, &seed, sizeof seed);
  generation_ = os::generation();
  left_ = 0;
}

}  // namespace ralloc
