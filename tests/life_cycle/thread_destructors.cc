// Frees and new allocations in the destructors of C++ thread_local objects and of pthread
// keys: keys older and younger than the first allocation, and keys that re-arm themselves as
// often as the system allows, on either side of the allocator's own end for the thread.
#include <limits.h>
#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "support/kept_blocks.h"
#include "support/process.h"

namespace {

using ralloc_test::kMiB;
using ralloc_test::KeptBlocks;

// More than the 32 that glibc gives every thread room for.
constexpr int kYoungKeys = 36;

pthread_key_t old_key;
pthread_key_t young_keys[kYoungKeys];
std::atomic<int> rounds_run{0};

// What a key holds: blocks from the round before, and how many rounds are still to come.
struct Rearming {
  pthread_key_t key;
  int rounds_left;
  KeptBlocks blocks;
};

// Frees all, and allocates anew until the last round that the system grants.
void run_round(void* value) {
  auto* mine = static_cast<Rearming*>(value);
  rounds_run.fetch_add(1, std::memory_order_relaxed);
  mine->blocks.check_and_free();
  const int left = mine->rounds_left - 1;
  const pthread_key_t key = mine->key;
  delete mine;
  if (left == 0) return;
  auto* next = new Rearming{key, left, {}};
  next->blocks.allocate(static_cast<unsigned char>(left));
  REQUIRE(pthread_setspecific(key, next) == 0);
}

void arm(pthread_key_t key) {
  auto* value = new Rearming{key, PTHREAD_DESTRUCTOR_ITERATIONS, {}};
  value->blocks.allocate(200);
  REQUIRE(pthread_setspecific(key, value) == 0);
}

void at_preinit(int, char**, char**) {
  if (pthread_key_create(&old_key, run_round) != 0) _exit(1);
}
[[gnu::used, gnu::section(".preinit_array")]] void (*preinit)(int, char**, char**) = at_preinit;

// Frees, allocates and leaves a block to an object that is destroyed after it.
struct LocalObject {
  explicit LocalObject(LocalObject* destroyed_later) : heir(destroyed_later) {
    blocks.allocate(50);
  }
  ~LocalObject() {
    blocks.check_and_free();
    std::free(inherited);
    if (heir != nullptr) heir->inherited = std::malloc(300);
    KeptBlocks fresh;
    fresh.allocate(51);
    fresh.check_and_free();
  }
  LocalObject* heir;
  KeptBlocks blocks;
  void* inherited = nullptr;
};

// A thread's life: which comes first, its destructors or its first block, differs by `i`.
void live(int i) {
  if (i % 2 == 0) std::free(std::malloc(40));
  thread_local LocalObject first(nullptr);
  thread_local LocalObject second(&first);
  if (i % 3 != 0) arm(old_key);
  for (int k = i % 12; k < kYoungKeys; k += 12) arm(young_keys[k]);
  if (i % 5 == 0) {  // leave the magazines full
    std::vector<std::string> strings(200, std::string(100, 'v'));
    REQUIRE(strings.back().size() == 100);
  }
}

// Only destructors allocate here: the thread itself has only a value of a static object.
pthread_key_t silent_key;
constinit int silent_value = 0;

void first_allocation_of_the_thread(void*) {
  KeptBlocks blocks;
  blocks.allocate(60);
  blocks.check_and_free();
  std::free(std::malloc(10));
}

void run_threads(int count) {
  for (int i = 0; i < count; ++i) {
    std::thread one(live, i);
    pthread_t other;
    REQUIRE(pthread_create(&other, nullptr, [](void*) -> void* {
              REQUIRE(pthread_setspecific(silent_key, &silent_value) == 0);
              return nullptr;
            }, nullptr) == 0);
    one.join();
    REQUIRE(pthread_join(other, nullptr) == 0);
  }
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  std::free(std::malloc(100));
  for (pthread_key_t& key : young_keys) REQUIRE(pthread_key_create(&key, run_round) == 0);
  REQUIRE(pthread_key_create(&silent_key, first_allocation_of_the_thread) == 0);
  run_threads(300);
  const std::size_t before = ralloc_test::resident_bytes();
  const int rounds_before = rounds_run.load();
  run_threads(1500);
  // Per 12 threads: 8 arm the old key, and each arms 3 of the young ones.
  REQUIRE(rounds_run.load() - rounds_before ==
          (1500 / 12) * (8 + 12 * 3) * PTHREAD_DESTRUCTOR_ITERATIONS);
  const std::size_t after = ralloc_test::resident_bytes();
  std::fprintf(stderr, "resident: %zu KiB after 300 threads, %zu KiB after 1800\n", before / 1024,
              after / 1024);
  // A single block of 70000 bytes lost by each thread would be 100 MB.
  REQUIRE(after < before + 2 * kMiB);
  return 0;
}
