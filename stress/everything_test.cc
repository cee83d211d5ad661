// All of it at once: sizes of every kind, blocks that change hands, threads that come and go,
// spans that change their class, decay.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

void do_something(Worker& self, Slots<128>& slots, std::array<StampedBlock, 64>& blocks) {
  StampedBlock& block = blocks[self.random.below(blocks.size())];
  const std::size_t slot = self.random.below(slots.count());
  switch (self.random.below(7)) {
    case 0:
      if (block) slots.put(slot, block);
      break;
    case 1:
      (void)slots.take(slot);
      break;
    case 2:
      block = slots.take(slot);
      break;
    case 3:
      if (block) block.resize(self.random, any_size(self.random, 16, 3 << 20));
      break;
    case 4: {
      std::vector<StampedBlock> burst;
      const std::size_t size = self.random.size(16, 16'000);
      for (std::size_t i = self.random.size(1, 200'000 / size + 1); i-- != 0;) {
        burst.emplace_back(self.random, size);
      }
      break;
    }
    case 5:
      if (block && block.size() >= 64) {
        StampedBlock rest = block.split(self.random, block.size() / 16 * 8);
        slots.put(slot, rest);
      }
      break;
    default:
      block = {self.random, any_size(self.random, 16, 3 << 20)};
  }
}

TEST(StressTest, Everything) {
  Slots<128> slots;
  work_in_threads(ralloc_test::new_seed(), 8, [&](Worker& self, unsigned) {
    std::array<StampedBlock, 64> blocks;
    while (self.goes_on()) {
      if (self.random.one_in(100)) {
        work_in_fresh_thread(self, [&](Worker& child) {
          for (unsigned turn = 0; turn < 50; ++turn) do_something(child, slots, blocks);
        });
      } else {
        do_something(self, slots, blocks);
      }
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
