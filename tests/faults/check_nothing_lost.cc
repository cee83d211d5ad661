#include "faults/check_nothing_lost.h"

#include <cstddef>
#include <cstdio>

#include "alloc/allocator.h"
#include "alloc/checked.h"
#include "faults/failable.h"
#include "faults/os_faulty.h"
#include "global_pool/empty_blocks.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

using ralloc::bookkeeper;
using Counts = ralloc::Bookkeeper::Counts;

// The C library holds on to some blocks: buffers, and what it has for threads.
constexpr std::size_t kHeldByTheProcess = 512 * kKiB;

// Blocks that come and go leave records behind, which the last check cannot reserve.
void leave_records() {
  void* blocks[4];
  for (void*& block : blocks) block = try_allocate(65'536, 16, 2);
  for (void* block : blocks) {
    REQUIRE(block != nullptr);
    give_back(block, 65'536);
  }
}

// Memory that can be written is held in blocks, or free.
std::size_t held_bytes(const Counts& counts) {
  return counts.ledger.committed_bytes - counts.ledger.clean_bytes - counts.ledger.dirty_bytes;
}

void check_held_bytes(const Counts& counts) {
  if (!serves_the_process) {
    REQUIRE(counts.shards.blocks_bytes == 0);
    REQUIRE(counts.shards.spans_bytes == 0);
    REQUIRE(held_bytes(counts) == 0);
    // Parts of sectors only are left: at the frontier, and beside what was given up. (Where some
    // have a guard, all of these.)
    REQUIRE(ralloc::Defences::kGuardInterval != 0 ||
            counts.ledger.clean_bytes < ralloc::Config::kSector * (1 + failed_calls()));
  }
  REQUIRE(counts.shards.blocks_bytes <= kHeldByTheProcess);
  REQUIRE(held_bytes(counts) - counts.shards.spans_bytes <= kHeldByTheProcess);
}

// Where the rest of a piece of the arena cannot be committed when the next piece comes, what
// shares a sector with committed pages is given up.
std::size_t given_up_at_most() {
  constexpr std::size_t kPage = std::size_t{1} << ralloc::Config::kPageShift;
  return failed_calls() * (ralloc::Config::kSector - kPage);
}

// What no block was ever cut from is still there to be cut from, without reserving more.
void check_frontier(const Counts& counts) {
  const std::size_t untouched = counts.ledger.reserved_bytes - counts.ledger.committed_bytes;
  if (untouched <= given_up_at_most()) return;
  const std::size_t size = untouched - given_up_at_most() - ralloc::kRedZone;
  set_fault({OsCall::kReserve, When::kFrom, 1});
  void* block = try_allocate(size, 16, 2);
  set_fault({});
  REQUIRE(block != nullptr);
  give_back(block, size);
}

}  // namespace

void check_nothing_lost() {
  const Fault fault = set_fault({});
  advance_clock(10'000);  // what the system would not take back may be offered again
  leave_records();
  trim_all();
  bookkeeper.release_sectors();
  REQUIRE(bookkeeper.is_valid());
  const Counts counts = bookkeeper.counts();
  check_held_bytes(counts);
  REQUIRE(counts.ledger.dirty_bytes == 0);
  // Every byte from the system is accounted for.
  std::size_t bytes = counts.ledger.reserved_bytes + counts.ledger.metadata_bytes;
  if constexpr (ralloc::kSecure) {
    bytes += counts.ledger.guard_bytes + ralloc::empty_blocks.reserved_bytes();
  }
  if constexpr (ralloc::kDebugger) bytes += ralloc::checked_table_bytes();
  REQUIRE(bytes == reserved_from_os());
  check_frontier(counts);
  REQUIRE(bookkeeper.is_valid());
  set_fault(fault);
}

}  // namespace ralloc_test
