// Blocks are cut into parts, which threads exchange, resize, cut again and free.
#include <gtest/gtest.h>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

// Anywhere, so that both parts can hold a stamp.
std::size_t any_cut(Random& random, std::size_t size) {
  return random.size(StampedBlock::kLeast, size - StampedBlock::kLeast) / 8 * 8;
}

TEST(StressTest, Parts) {
  Slots<64> slots;
  work_in_threads(ralloc_test::new_seed(), 8, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      const std::size_t slot = self.random.below(slots.count());
      StampedBlock block = slots.take(slot);
      if (!block) block = {self.random, any_size(self.random, 32, 1 << 20)};
      switch (self.random.below(4)) {
        case 0:
          break;
        case 1:
          block.resize(self.random, any_size(self.random, 32, 1 << 20));
          [[fallthrough]];
        default:
          for (unsigned parts = unsigned(self.random.below(4)); parts != 0; --parts) {
            if (block.size() < 2 * StampedBlock::kLeast + 8) break;
            StampedBlock rest = block.split(self.random, any_cut(self.random, block.size()));
            slots.put(self.random.below(slots.count()), rest);
          }
          slots.put(slot, block);
      }
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
