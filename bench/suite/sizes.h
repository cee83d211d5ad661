#pragma once
// What sizes the programs of the world ask for, by published measurements.
//
// Thread safety: a table is constant once it is made.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/suite/random.h"

namespace ralloc::bench {

// Sizes drawn beforehand: in the loop a draw is one load.
class Sizes {
 public:
  // Values of Facebook's largest memcached pool, ETC: a generalised Pareto distribution of scale
  // 214.476 and shape 0.348238 (Atikoglu et al., SIGMETRICS 2012, table 5), 1 byte to 1 MiB.
  static const Sizes& etc();
  // Blocks over Google's fleet, fitted by pieces that are uniform in the logarithm to these shares
  // (Zhou et al., ASPLOS 2024): below 1 KiB are 98 of 100 blocks and 28 of 100 bytes; above 8 KiB
  // 50 of 100 bytes, above 256 KiB 22. At most 4 MiB.
  static const Sizes& fleet();
  // 16 to 1024 bytes, each as likely: what many published benchmarks use.
  static const Sizes& even();

  std::size_t draw(QuickRandom& random) const { return sizes_[random.next() >> (64 - kBits)]; }

 private:
  static constexpr unsigned kBits = 16;

  template <class Draw>
  explicit Sizes(Draw draw);

  std::vector<std::uint32_t> sizes_;
};

}  // namespace ralloc::bench
