// Threads come and go: blocks are freed in destructors of thread-local objects, after their
// thread's pool is gone, and by other threads after their own has died.
#include <gtest/gtest.h>
#include <pthread.h>

#include <array>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

// Freed when its thread ends, before the allocator's own hook runs ...
thread_local std::array<StampedBlock, 4> kept_until_the_end;

// ... and these after it: a destructor that sets its key again runs in a later round.
class LateBlocks {
 public:
  LateBlocks() { EXPECT_EQ(pthread_key_create(&key_, &LateBlocks::on_exit), 0); }
  ~LateBlocks() { pthread_key_delete(key_); }
  LateBlocks(const LateBlocks&) = delete;

  void keep(Random& random) {
    pthread_setspecific(key_, StampedBlock(random, random.size(16, 3000)).release());
  }

 private:
  static void on_exit(void* released) {
    StampedBlock block(released);
    Random random(block.size());
    // Odd sizes come back for another round, with a block allocated meanwhile.
    if (block.size() % 2 != 0) {
      StampedBlock other(random, 2 * random.size(8, 1000));
      pthread_setspecific(key_, other.release());
    }
  }

  static inline pthread_key_t key_;
};

TEST(StressTest, ThreadChurn) {
  Slots<256> slots;
  LateBlocks late;
  work_in_threads(ralloc_test::new_seed(), 6, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      work_in_fresh_thread(self, [&](Worker& child) {
        if (child.random.one_in(2)) late.keep(child.random);
        for (StampedBlock& block : kept_until_the_end) {
          if (child.random.one_in(2)) block = {child.random, child.random.size(16, 20'000)};
        }
        for (std::size_t turns = child.random.size(1, 100); turns-- != 0;) {
          const std::size_t i = child.random.below(slots.count());
          (void)slots.take(i);
          StampedBlock block(child.random, child.random.size(16, 2000));
          slots.put(i, block);
        }
      });
    }
  });
}

// Threads that own nothing to hand over: what they had comes to the next one through the
// global pool alone.
TEST(StressTest, ShortLives) {
  work_in_threads(ralloc_test::new_seed(), 6, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      work_in_fresh_thread(self, [&](Worker& child) {
        std::array<StampedBlock, 40> blocks;
        const std::size_t largest = child.random.size(64, 8000);
        for (std::size_t turns = child.random.size(1, 200); turns-- != 0;) {
          blocks[child.random.below(blocks.size())] = {child.random,
                                                       child.random.size(16, largest)};
        }
      });
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
