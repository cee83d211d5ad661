// A process forks while its threads work: the children find whatever the others held locked, and
// must allocate and free nevertheless.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

constexpr unsigned kForkers = 2;
constexpr unsigned kSecondsOfChild = 60;

void allocate_and_free(Random& random, std::array<StampedBlock, 64>& blocks, unsigned turns) {
  while (turns-- != 0) {
    StampedBlock& block = blocks[random.below(blocks.size())];
    if (random.one_in(4) && block) {
      block.resize(random, random.size(16, 200'000));
    } else {
      block = {random, random.size(16, random.one_in(8) ? 200'000 : 2000)};
    }
  }
}

// What the child inherits is its own: it checks and frees blocks that were allocated before the
// fork, and goes on from there.
[[noreturn]] void be_child(Random& random, std::array<StampedBlock, 64>& blocks) {
  alarm(kSecondsOfChild);
  allocate_and_free(random, blocks, 500);
  for (StampedBlock& block : blocks) block.reset();
  _exit(0);
}

TEST(StressTest, ForkStorm) {
  Slots<128> slots;
  work_in_threads(ralloc_test::new_seed(), kForkers + 4, [&](Worker& self, unsigned number) {
    std::array<StampedBlock, 64> blocks;
    while (self.goes_on()) {
      allocate_and_free(self.random, blocks, 50);
      const std::size_t i = self.random.below(slots.count());
      (void)slots.take(i);
      slots.put(i, blocks[self.random.below(blocks.size())]);
      if (number >= kForkers) continue;
      const pid_t child = fork();
      ASSERT_GE(child, 0);
      if (child == 0) be_child(self.random, blocks);
      int status = 0;
      ASSERT_EQ(waitpid(child, &status, 0), child);
      ASSERT_EQ(status, 0) << (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                                   ? "the child hung"
                                   : "the child failed");
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
