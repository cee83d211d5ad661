// Under `ulimit -v`: the program runs, allocates until there is no more, frees all, and then gets as
// much again, be it in blocks of another size.
#include <malloc.h>
#include <pthread.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <new>

#include "support/build.h"
#include "support/process.h"

namespace {

using ralloc_test::kKiB;
using ralloc_test::kMiB;
using ralloc_test::opaque;

std::size_t limit_bytes;

// A chain through the blocks themselves, so that holding them takes no memory.
struct Link {
  Link* next;
};

// Allocates blocks of `size` until that fails; their number is in `count`.
Link* fill(std::size_t size, std::size_t* count) {
  Link* chain = nullptr;
  *count = 0;
  errno = 0;
  while (auto* block = static_cast<Link*>(std::malloc(size))) {
    std::memset(static_cast<void*>(block), 0x5a, size);
    block->next = chain;
    chain = block;
    ++*count;
  }
  REQUIRE(errno == ENOMEM);
  return chain;
}

void free_chain(Link* chain) {
  while (chain != nullptr) {
    Link* next = chain->next;
    std::free(chain);
    chain = next;
  }
}

std::size_t fill_and_free(std::size_t size) {
  std::size_t count;
  free_chain(fill(size, &count));
  return count * size;
}

void require_as_much_again(std::size_t size) {
  const std::size_t first = fill_and_free(size);
  const std::size_t second = fill_and_free(size);
  std::fprintf(stderr, "blocks of %7zu bytes: %zu KiB, then %zu KiB\n", size, first / kKiB,
               second / kKiB);
  REQUIRE(first >= limit_bytes / (ralloc_test::kExactSizes ? 5 : 3));  // most of it, rounded up to what a block of the size takes
  REQUIRE(second >= first / 10 * 9);
}

// Of all that there is, most is in few blocks, and the allocator has few records; then many are needed.
void require_small_ones_after_large() {
  constexpr std::size_t kSizes[] = {2'000'000, 60'000, 4000, 64};
  Link* chains[std::size(kSizes)];
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    std::size_t count;
    chains[i] = fill(kSizes[i], &count);
    bytes += count * kSizes[i];
  }
  for (Link* chain : chains) free_chain(chain);
  const std::size_t small = fill_and_free(60'000);
  std::fprintf(stderr, "many after few blocks:     %zu KiB, then %zu KiB\n", bytes / kKiB, small / kKiB);
  REQUIRE(small >= bytes / 10 * 7);  // of 64 KiB each
}

void require_bad_alloc_and_recovery() {
  bool thrown = false;
  try {
    ::operator delete(::operator new(opaque(limit_bytes)));
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  REQUIRE(thrown);
  std::size_t count;
  Link* chain = fill(1000, &count);
  thrown = false;
  try {  // the exception itself has to come from somewhere, too
    for (;;) REQUIRE(opaque(::operator new(opaque(std::size_t{1000}))) != nullptr);
  } catch (const std::bad_alloc&) {
    thrown = true;
  }
  REQUIRE(thrown);
  free_chain(chain);
}

// Threads that wait until all is taken; started early, while there is room for their stacks.
constexpr std::size_t kThreads = 4;
pthread_t threads[kThreads];
Link* shares[kThreads];  // what each has to free
pthread_barrier_t all_is_taken;

void* free_share(void* argument) {
  Link*& share = *static_cast<Link**>(argument);
  pthread_barrier_wait(&all_is_taken);
  errno = 0;
  void* block = std::malloc(5000);
  REQUIRE(block != nullptr || errno == ENOMEM);
  free_chain(share);
  std::free(block);
  return nullptr;
}

void start_threads() {
  REQUIRE(pthread_barrier_init(&all_is_taken, nullptr, kThreads + 1) == 0);
  pthread_attr_t small_stack;
  REQUIRE(pthread_attr_init(&small_stack) == 0);
  REQUIRE(pthread_attr_setstacksize(&small_stack, 64 * kKiB) == 0);
  for (std::size_t i = 0; i < kThreads; ++i) {
    REQUIRE(pthread_create(&threads[i], &small_stack, free_share, &shares[i]) == 0);
  }
}

// With nothing left for a pool of its own a thread must still fail and free in good order.
void require_threads_can_free_when_all_is_taken() {
  std::size_t before;
  Link* chain = fill(1000, &before);
  for (std::size_t i = 0; chain != nullptr; ++i) {
    Link* block = chain;
    chain = chain->next;
    block->next = shares[i % kThreads];
    shares[i % kThreads] = block;
  }
  std::size_t count;
  Link* rest = fill(5000, &count);  // where no block of 1000 bytes fits, one of 5000 may
  pthread_barrier_wait(&all_is_taken);
  for (pthread_t thread : threads) REQUIRE(pthread_join(thread, nullptr) == 0);
  free_chain(rest);
  std::size_t after;
  free_chain(fill(1000, &after));
  std::fprintf(stderr, "around threads that free:  %zu blocks, then %zu\n", before, after);
  REQUIRE(after >= before / 10 * 9);
}

void require_realloc_stops_at_the_limit_and_keeps_contents() {
  std::size_t size = kMiB;
  auto* block = static_cast<unsigned char*>(std::malloc(size));
  REQUIRE(block != nullptr);
  std::memset(block, 7, size);
  for (;;) {
    auto* grown = static_cast<unsigned char*>(std::realloc(block, size + kMiB));
    if (grown == nullptr) break;
    block = grown;
    std::memset(block + size, 7, kMiB);
    size += kMiB;
  }
  REQUIRE(errno == ENOMEM);
  REQUIRE(ralloc_test::is_filled(block, size, 7));
  std::fprintf(stderr, "realloc grew a block to    %zu KiB\n", size / kKiB);
  REQUIRE(size >= limit_bytes / 4);  // twice of it may be needed to move
  std::free(block);
}

// Whatever was refused meanwhile.
void require_little_in_use() {
  const struct mallinfo2 info = mallinfo2();
  std::fprintf(stderr, "in use at the end:         %zu KiB\n", (info.uordblks + info.hblkhd) / kKiB);
  REQUIRE(info.uordblks + info.hblkhd < kMiB);
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  rlimit limit;
  REQUIRE(getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY);
  limit_bytes = limit.rlim_cur;
  start_threads();
  require_small_ones_after_large();
  for (const std::size_t size : {1000, 64, 5000, 40000, 64, 300000, 1000000, 16, 32768, 1000}) {
    require_as_much_again(size);
  }
  require_realloc_stops_at_the_limit_and_keeps_contents();
  require_bad_alloc_and_recovery();
  require_as_much_again(1000);
  require_threads_can_free_when_all_is_taken();
  require_little_in_use();
  return 0;
}
