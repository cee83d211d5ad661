// All blocks of a class are freed, and their spans are taken again for another class by whoever
// is next.
#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

// Many spans of one class, filled and then freed wholly, in random order.
void fill_and_free_spans(Worker& self, std::vector<StampedBlock>& blocks) {
  const std::size_t size = self.random.size(512, 32'768);
  const std::size_t count = self.random.size(64 * 1024, 1024 * 1024) / size + 1;
  for (std::size_t i = 0; i < count; ++i) blocks.emplace_back(self.random, size);
  while (!blocks.empty()) {
    blocks[self.random.below(blocks.size())] = std::move(blocks.back());
    blocks.pop_back();
  }
}

// No block changes hands: threads meet in the allocator alone.
TEST(StressTest, SpanReuse) {
  work_in_threads(ralloc_test::new_seed(), 6, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      // With its thread a pool gives back what its magazines keep.
      work_in_fresh_thread(self, [](Worker& child) {
        std::vector<StampedBlock> blocks;
        for (unsigned round = 0; round < 8 && child.goes_on(); ++round) {
          fill_and_free_spans(child, blocks);
        }
      });
    }
  });
}

// As before, but the neighbours in a span are freed by several threads.
TEST(StressTest, SpanReuseAcrossThreads) {
  Slots<64> slots;
  work_in_threads(ralloc_test::new_seed(), 6, [&](Worker& self, unsigned) {
    std::vector<StampedBlock> blocks;
    while (self.goes_on()) {
      const std::size_t size = self.random.size(2048, 32'768);
      for (unsigned i = 0; i < 40; ++i) {
        StampedBlock block(self.random, size);
        slots.put(self.random.below(slots.count()), block);
        if (block) blocks.push_back(std::move(block));
        (void)slots.take(self.random.below(slots.count()));
      }
      blocks.clear();
    }
  });
}

// One turn of a producer, or of its consumer, with the slots between them.
void produce_or_consume(Random& random, Slots<4>& slots, bool produces) {
  bool idle = true;
  for (std::size_t i = 0; i < slots.count(); ++i) {
    if (!produces) {
      if (slots.take(i)) idle = false;
    } else if (slots.is_empty(i)) {
      StampedBlock block(random, std::size_t{4096} << random.below(3));
      slots.put(i, block);
      idle = false;
    }
  }
  if (idle) std::this_thread::yield();
}

// Pairs of producer and consumer, so many that homes are shared, with few classes: the span that
// one has just begun serves another one's consumer. Nothing but the allocator joins the pairs.
TEST(StressTest, SpanReuseInSharedShards) {
  constexpr unsigned kPairs = 12;
  std::array<Slots<4>, kPairs> slots;
  work_in_threads(ralloc_test::new_seed(), 2 * kPairs, [&](Worker& self, unsigned number) {
    while (self.goes_on()) {
      // With their threads the spans come to an end, lest the blocks of a few go round for ever.
      work_in_fresh_thread(self, [&](Worker& child) {
        for (unsigned turn = 0; turn < 100 && child.goes_on(); ++turn) {
          produce_or_consume(child.random, slots[number / 2], number % 2 == 0);
        }
      });
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
