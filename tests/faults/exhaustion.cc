#include "faults/exhaustion.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <new>

#include "alloc/allocator.h"
#include "faults/failable.h"
#include "faults/os_faulty.h"
#include "faults/workload.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

// A chain through the blocks themselves; each knows where it lies.
struct Link {
  Link* next;
  std::uintptr_t here;
};

Link* fill(std::size_t size, std::size_t* count) {
  Link* chain = nullptr;
  for (*count = 0;; ++*count) {
    void* block = try_allocate(size, 16, 2);
    if (block == nullptr) return chain;
    chain = new (block) Link{chain, reinterpret_cast<std::uintptr_t>(block)};
  }
}

void free_chain(Link* chain, std::size_t size) {
  while (chain != nullptr) {
    REQUIRE(chain->here == reinterpret_cast<std::uintptr_t>(chain));
    Link* next = chain->next;
    give_back(chain, size);
    chain = next;
  }
}

std::size_t fill_and_free(std::size_t size) {
  std::size_t count;
  free_chain(fill(size, &count), size);
  return count;
}

void require_as_many_again(std::size_t size) {
  const std::size_t first = fill_and_free(size);
  const std::size_t second = fill_and_free(size);
  std::printf("  blocks of %7zu bytes: %zu, then %zu\n", size, first, second);
  REQUIRE(fault_struck());
  REQUIRE(first != 0);
  // Of many blocks a few less, as spans may come to lie less well.
  REQUIRE(second >= first - first / 100);
}

// Not a record, of which a chunk would not hold so many.
void require_refusals_cost_nothing(std::size_t size) {
  REQUIRE(try_allocate(size, 16, 2) == nullptr);
  const std::size_t records = ralloc::bookkeeper.counts().ledger.metadata_bytes;
  for (int i = 0; i < 4'000; ++i) REQUIRE(try_allocate(size, 16, 2) == nullptr);
  REQUIRE(ralloc::bookkeeper.counts().ledger.metadata_bytes == records);
}

}  // namespace

void run_exhaustion() {
  for (const std::size_t size : {64, 1'000, 5'000, 40'000, 32'768, 300'000, 1'000'000, 16, 64}) {
    // Free memory does not grow together across the guards in the arena.
    constexpr std::size_t kInterval = ralloc::Defences::kGuardInterval;
    if (kInterval != 0 && size > kInterval / 2) continue;
    require_as_many_again(size);
  }
}

void run_exhaustion_for_good() {
  require_as_many_again(1'000);
  require_as_many_again(1'000);
}

void run_large_refused() {
  constexpr std::size_t kSize = 5 * kMiB;
  std::size_t count;
  Link* chain = fill(kSize, &count);
  require_refusals_cost_nothing(kSize);
  free_chain(chain, kSize);
}

void run_all_refused() {
  for (const std::size_t size : {16, 64, 1'000, 40'000, 5'000'000}) {
    require_refusals_cost_nothing(size);
  }
}

void run_on_small_pieces() {
  run_workload();
  // What fits is to be had, much of it.
  for (const std::size_t size : {16, 1'000, 30'000, 300'000, 1'000'000}) {
    constexpr std::size_t kBytes = 50 * kMiB;
    Link* chain = nullptr;
    for (std::size_t i = 0; i < kBytes / size; ++i) {
      void* block = try_allocate(size, 16, 2);
      REQUIRE(block != nullptr);
      chain = new (block) Link{chain, reinterpret_cast<std::uintptr_t>(block)};
    }
    free_chain(chain, size);
  }
}

}  // namespace ralloc_test
