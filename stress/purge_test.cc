// Memory decays while others want it again: these programs are built with a decay of a few
// milliseconds.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "stress/slots.h"
#include "stress/workers.h"
#include "tests/support/seed.h"

namespace ralloc_stress {
namespace {

TEST(StressTest, PurgePressure) {
  work_in_threads(ralloc_test::new_seed(), 6, [&](Worker& self, unsigned) {
    while (self.goes_on()) {
      std::vector<StampedBlock> blocks;
      for (std::size_t bytes = 0; bytes < 2 << 20;) {
        const std::size_t size = self.random.one_in(8) ? self.random.size(33'000, 500'000)
                                                       : self.random.size(4096, 32'768);
        blocks.emplace_back(self.random, size);
        bytes += size;
      }
      // Half of it is held while the other half decays.
      for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i].reset();
      std::this_thread::sleep_for(std::chrono::microseconds(self.random.size(100, 20'000)));
    }
  });
}

}  // namespace
}  // namespace ralloc_stress
