// Some threads only allocate, and others only free what these hand over. Every block goes home
// to its producer's shard, and from there back to the producer, by the allocator's edges alone.
#include <gtest/gtest.h>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

// Half of the threads produce, the others consume; each pair of them has a slot or more.
void produce_and_consume(std::uint64_t seed, unsigned threads, std::size_t largest) {
  Slots<512> slots;
  work_in_threads(seed, threads, [&](Worker& self, unsigned number) {
    while (self.goes_on()) {
      for (unsigned turn = 0; turn < 32; ++turn) {
        const std::size_t i = self.random.below(slots.count());
        if (number % 2 == 0) {
          StampedBlock block(self.random, self.random.size(16, largest));
          slots.put(i, block);
        } else {
          (void)slots.take(i);
        }
      }
    }
  });
}

TEST(StressTest, OneProducerOneConsumer) {
  produce_and_consume(ralloc_test::new_seed(), 2, 256);
}

TEST(StressTest, ProducersAndConsumers) {
  produce_and_consume(ralloc_test::new_seed(), 8, 4096);
}

// More threads than a small machine has shards: they share homes.
TEST(StressTest, ProducersAndConsumersShareShards) {
  produce_and_consume(ralloc_test::new_seed(), 24, 256);
}

}  // namespace
}  // namespace ralloc_stress
