// 20000 threads, a few at a time, of a few blocks each: memory and address space stay flat.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "support/build.h"
#include "support/process.h"

namespace {

using ralloc_test::kMiB;

constexpr std::size_t kAtATime = 4;

void live_shortly() {
  void* blocks[6];
  std::size_t size = 24;
  for (void*& block : blocks) {
    block = std::malloc(size);
    REQUIRE(block != nullptr);
    std::memset(block, 1, size);
    size *= 3;
  }
  for (void* block : blocks) std::free(block);
}

void run_threads(std::size_t count) {
  for (std::size_t i = 0; i < count; i += kAtATime) {
    std::thread threads[kAtATime];
    for (std::thread& each : threads) each = std::thread(live_shortly);
    for (std::thread& each : threads) each.join();
  }
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  run_threads(2000);
  const std::size_t resident = ralloc_test::resident_bytes();
  const std::size_t reserved = ralloc_test::address_space_bytes();
  run_threads(18000);
  const std::size_t resident_after = ralloc_test::resident_bytes();
  const std::size_t reserved_after = ralloc_test::address_space_bytes();
  std::fprintf(stderr, "resident: %zu KiB, then %zu KiB; address space: %zu KiB, then %zu KiB\n",
              resident / 1024, resident_after / 1024, reserved / 1024, reserved_after / 1024);
  // Less than 15 bytes for each of the 18000; where blocks lie in random order, it takes time until
  // they have been everywhere.
  REQUIRE(resident_after < resident + (ralloc_test::kSecureBuild ? kMiB : kMiB / 4));
  REQUIRE(reserved_after < reserved + 4 * kMiB);
  return 0;
}
