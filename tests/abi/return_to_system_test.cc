// Free memory goes back to the system: at once when asked for, else about a second later.
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <thread>
#include <vector>

#include "abi/malloc_family.h"
#include "support/build.h"
#include "support/process.h"

namespace {

using ralloc_test::kMiB;
using ralloc_test::resident_bytes;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t kTotal = 200 * kMiB;

std::vector<void*> allocate_total(std::size_t size) {
  std::vector<void*> blocks(kTotal / size);
  for (void*& block : blocks) {
    block = malloc(size);
    if (block != nullptr) std::memset(block, 1, size);
  }
  return blocks;
}

void free_all(const std::vector<void*>& blocks) {
  for (void* block : blocks) free(block);
}

TEST(MallocTrimTest, ReturnsFreeMemoryAtOnce) {
  for (const std::size_t size : {std::size_t{64}, std::size_t{1000}, std::size_t{20000},
                                 std::size_t{100000}, 10 * kMiB}) {
    SCOPED_TRACE(size);
    if (ralloc_test::kDebuggerBuild && size < 1000) continue;  // what it knows of each stays
    malloc_trim(0);  // what the size before left
    const std::size_t before = resident_bytes();
    const std::vector<void*> blocks = allocate_total(size);
    const std::size_t full = resident_bytes();
    ASSERT_GT(full, before + kTotal * 9 / 10);
    free_all(blocks);
    // The security build gave the largest ones back when they were freed.
    if (const int trimmed = malloc_trim(0); !ralloc_test::kSecureBuild || size < 10 * kMiB) {
      EXPECT_EQ(trimmed, 1);
    }
    // The vector of pointers itself, and a tenth, may stay.
    EXPECT_LT(resident_bytes(), before + kTotal / 10 + blocks.size() * sizeof(void*));
  }
}

// Half of the blocks, spread evenly, pin nothing beyond the spans that they lie in.
TEST(MallocTrimTest, KeepsWhatIsInUse) {
  std::vector<void*> blocks = allocate_total(100000);
  for (std::size_t i = 0; i < blocks.size(); i += 2) free(blocks[i]);
  malloc_trim(0);
  for (std::size_t i = 1; i < blocks.size(); i += 2) {
    ASSERT_TRUE(ralloc_test::is_filled(blocks[i], 100000, 1));
    free(blocks[i]);
  }
}

// Allocates and frees a little every few milliseconds, until `done` or for twenty seconds: the
// machine may be busy with other tests.
template <class Done>
bool stay_a_little_active_until(Done done) {
  const auto end = steady_clock::now() + milliseconds(20000);
  while (steady_clock::now() < end) {
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i) blocks.push_back(malloc(std::size_t(100 * (i + 1))));
    blocks.push_back(malloc(100000));
    free_all(blocks);
    std::this_thread::sleep_for(milliseconds(20));
    if (done()) return true;
  }
  return done();
}

TEST(DecayTest, FreeMemoryGoesBackByItselfAfterAboutASecond) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{100000}}) {
    SCOPED_TRACE(size);
    malloc_trim(0);
    const std::size_t before = resident_bytes();
    free_all(allocate_total(size));
    const bool fell = stay_a_little_active_until(
        [&] { return resident_bytes() < before + kTotal / 10; });
    EXPECT_TRUE(fell) << resident_bytes() / kMiB << " MiB still resident, from "
                      << before / kMiB << " MiB";
  }
}

// What was freed a moment ago is likely to be wanted again.
TEST(DecayTest, FreeMemoryStaysForAMoment) {
  // (Not large blocks of the security build, which nobody can access any more.)
  free_all(allocate_total(ralloc_test::kSecureBuild ? 30000 : 100000));
  EXPECT_GT(resident_bytes(), kTotal / 2);
}

}  // namespace
