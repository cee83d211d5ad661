// 20000 threads, a few at a time, of a few blocks each: memory and address space stay flat, and what a
// burst leaves goes back to the OS though no thread does much.
#include <pthread.h>

#include <chrono>
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

void take_and_free_much() {
  constexpr std::size_t kBlocks = 64'000;
  auto** const blocks = static_cast<void**>(std::malloc(kBlocks * sizeof(void*)));
  REQUIRE(blocks != nullptr);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks[i] = std::malloc(1000);
    REQUIRE(blocks[i] != nullptr);
    std::memset(blocks[i], 1, 1000);
  }
  for (std::size_t i = 0; i < kBlocks; ++i) std::free(blocks[i]);
  std::free(blocks);
}

void* live_in_a_thread(void*) {
  live_shortly();
  return nullptr;
}

void require_decay() {
  const std::size_t before = ralloc_test::resident_bytes();
  std::thread(take_and_free_much).join();
  const std::size_t after = ralloc_test::resident_bytes();
  REQUIRE(after > before + 32 * kMiB);
  const auto late = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  do {
    REQUIRE(std::chrono::steady_clock::now() < late);
    for (int i = 0; i < 400; ++i) {
      pthread_t thread;  // for which this one allocates nothing
      REQUIRE(pthread_create(&thread, nullptr, live_in_a_thread, nullptr) == 0);
      REQUIRE(pthread_join(thread, nullptr) == 0);
    }
  } while (ralloc_test::resident_bytes() > before + 16 * kMiB);
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
  require_decay();
  return 0;
}
