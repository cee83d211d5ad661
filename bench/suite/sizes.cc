#include "bench/suite/sizes.h"

#include <algorithm>
#include <cmath>

namespace ralloc::bench {
namespace {

constexpr double kLargest = 1 << 20;

double etc_size(double fraction) {
  constexpr double kScale = 214.476, kShape = 0.348238;
  const double size = kScale / kShape * (std::pow(1 - fraction, -kShape) - 1);
  return std::clamp(size, 1.0, kLargest);
}

struct Piece {
  double share, least, most;  // of the blocks; their sizes
};
// The shares of blocks that give the published shares of bytes.
constexpr Piece kFleet[] = {{0.98, 8, 320},
                            {0.01883, 1 << 10, 1 << 13},
                            {0.00112, 1 << 13, 1 << 18},
                            {0.00005, 1 << 18, 1 << 22}};

double fleet_size(double fraction) {
  double from = 0;
  for (const Piece& piece : kFleet) {
    if (fraction < from + piece.share) {
      return piece.least * std::pow(piece.most / piece.least, (fraction - from) / piece.share);
    }
    from += piece.share;
  }
  return kFleet[0].least;
}

}  // namespace

// Quantiles at even distances rather than draws: the table has the distribution's shares exactly,
// those of its rare large sizes too.
template <class Draw>
Sizes::Sizes(Draw draw) : sizes_(std::size_t{1} << kBits) {
  for (std::size_t i = 0; i < sizes_.size(); ++i) {
    sizes_[i] = std::uint32_t(draw((double(i) + 0.5) / double(sizes_.size())));
  }
}

const Sizes& Sizes::etc() {
  static const Sizes sizes(etc_size);
  return sizes;
}

const Sizes& Sizes::fleet() {
  static const Sizes sizes(fleet_size);
  return sizes;
}

const Sizes& Sizes::even() {
  static const Sizes sizes([](double fraction) { return 16 + fraction * 1009; });
  return sizes;
}

}  // namespace ralloc::bench
