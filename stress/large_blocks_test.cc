// Large blocks grow into their neighbours, shrink, move by pages, and change hands.
#include <gtest/gtest.h>

#include <array>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

constexpr std::size_t kLargest = 1 << 20;
// From 2 MiB on they move into mappings of their own.
constexpr std::size_t kHuge = 6 << 20;

std::size_t large_size(Random& random) {
  return random.one_in(8) ? random.size(kLargest, kHuge) : random.size(33'000, kLargest);
}

TEST(StressTest, LargeBlocks) {
  Slots<16> slots;
  work_in_threads(ralloc_test::new_seed(), 4, [&](Worker& self, unsigned) {
    std::array<StampedBlock, 6> blocks;
    while (self.goes_on()) {
      StampedBlock& block = blocks[self.random.below(blocks.size())];
      if (!block) {
        block = self.random.one_in(2) ? slots.take(self.random.below(slots.count()))
                                      : StampedBlock(self.random, large_size(self.random));
      } else if (self.random.one_in(4)) {
        slots.put(self.random.below(slots.count()), block);
      } else if (self.random.one_in(4)) {
        block.reset();
      } else {
        block.resize(self.random, large_size(self.random));
      }
    }
  });
}

// No block changes hands; small steps, so that most find room in a free neighbour.
TEST(StressTest, GrowAndShrink) {
  work_in_threads(ralloc_test::new_seed(), 4, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      StampedBlock block(self.random, large_size(self.random));
      for (std::size_t turns = self.random.below(6); turns-- != 0;) {
        const std::size_t size = block.size();
        const std::size_t step = self.random.size(33'000, 400'000);
        const bool grow = size < 33'000 + step || (size < kHuge && self.random.one_in(2));
        block.resize(self.random, grow ? size + step : size - step);
      }
    }
  });
}

// What grows here moves by its pages from one mapping of its own to the next.
TEST(StressTest, HugeBlocks) {
  work_in_threads(ralloc_test::new_seed(), 4, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      StampedBlock block(self.random, 2 << 20);
      for (std::size_t turns = self.random.below(6); turns-- != 0;) {
        block.resize(self.random, self.random.size(2 << 20, kHuge));
      }
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
