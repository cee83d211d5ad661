// Every thread puts blocks of all sizes into slots and frees those that it finds there.
#include <gtest/gtest.h>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

TEST(StressTest, SlotExchange) {
  Slots<256> slots;
  work_in_threads(ralloc_test::new_seed(), 6, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      const std::size_t i = self.random.below(slots.count());
      (void)slots.take(i);
      StampedBlock block(self.random, self.random.size(16, 40'000));
      slots.put(i, block);
    }
  });
}

// Small blocks only: magazines and outgoing arrays do most of it.
TEST(StressTest, SmallSlotExchange) {
  Slots<1024> slots;
  work_in_threads(ralloc_test::new_seed(), 6, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      for (unsigned turn = 0; turn < 64; ++turn) {
        const std::size_t i = self.random.below(slots.count());
        (void)slots.take(i);
        StampedBlock block(self.random, self.random.size(16, 128));
        slots.put(i, block);
      }
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
