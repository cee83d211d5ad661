// 2000 threads alive at once that allocate one block each: a thread's pool and its block
// cost at most three pages of the system, and a quarantine one more.
#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "support/build.h"
#include "support/process.h"

namespace {

constexpr std::size_t kThreads = 2000;
constexpr std::size_t kStack = 64 * ralloc_test::kKiB;

pthread_barrier_t all_started;
pthread_barrier_t may_allocate;
pthread_barrier_t all_allocated;
pthread_barrier_t may_end;

void* live(void*) {
  pthread_barrier_wait(&all_started);
  pthread_barrier_wait(&may_allocate);
  auto* block = static_cast<unsigned char*>(std::malloc(64));
  REQUIRE(block != nullptr);
  block[0] = 1;
  pthread_barrier_wait(&all_allocated);
  pthread_barrier_wait(&may_end);
  std::free(block);
  return nullptr;
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  for (pthread_barrier_t* barrier : {&all_started, &may_allocate, &all_allocated, &may_end}) {
    REQUIRE(pthread_barrier_init(barrier, nullptr, kThreads + 1) == 0);
  }
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, kStack) == 0);
  std::vector<pthread_t> threads(kThreads);
  for (pthread_t& thread : threads) {
    REQUIRE(pthread_create(&thread, &attributes, live, nullptr) == 0);
  }
  // The first pages of the stacks are there now, and count no more.
  pthread_barrier_wait(&all_started);
  const std::size_t before = ralloc_test::resident_bytes();
  pthread_barrier_wait(&may_allocate);
  pthread_barrier_wait(&all_allocated);
  const std::size_t after = ralloc_test::resident_bytes();
  pthread_barrier_wait(&may_end);
  for (pthread_t thread : threads) REQUIRE(pthread_join(thread, nullptr) == 0);

  const std::size_t for_each = (after - before) / kThreads;
  std::fprintf(stderr, "%zu bytes resident for each of %zu threads\n", for_each, kThreads);
  const std::size_t pages = ralloc_test::kSecureBuild ? 4 : 3;
  REQUIRE(for_each <= pages * std::size_t(sysconf(_SC_PAGESIZE)));
  return 0;
}
