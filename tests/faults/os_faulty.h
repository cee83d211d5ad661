// A platform that fails when it is told to, in the place of shim/os.cc.
//
// The environment variable RALLOC_TEST_FAULT says what fails, from the first call of the
// process on, which is long before main:
//
//   CALL:once:N    the Nth call
//   CALL:from:N    the Nth call and all after it
//   CALL:every:N   each Nth call
//   CALL:over:N    calls for more than N bytes
//   CALL:total:N   calls after which more than N bytes would be reserved
//
// CALL is reserve, reserve_at, extend, reserve_zeros, commit, purge, close, move_pages, map_wiped_on_fork,
// or move_pages_lost: that is move_pages, which loses the addresses of its target by failing.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ralloc_test {

inline constexpr const char* kFaultVariable = "RALLOC_TEST_FAULT";

enum class OsCall {
  kReserve,
  kReserveAt,
  kExtend,
  kReserveZeros,
  kCommit,
  kPurge,
  kClose,
  kMovePages,
  kMovePagesLost,
  kMapWipedOnFork,
};
inline constexpr const char* kOsCallNames[] = {
    "reserve", "reserve_at", "extend",     "reserve_zeros",   "commit",
    "purge",   "close",      "move_pages", "move_pages_lost", "map_wiped_on_fork"};
inline constexpr std::size_t kOsCalls = sizeof kOsCallNames / sizeof kOsCallNames[0];

enum class When { kNever, kOnce, kFrom, kEvery, kOver, kTotal };
inline constexpr const char* kWhenNames[] = {"never", "once", "from", "every", "over", "total"};

struct Fault {
  OsCall call = OsCall::kReserve;
  When when = When::kNever;
  std::size_t number = 1;
};

// Puts a fault in the place of the one there was, which is returned. No other thread may run.
Fault set_fault(Fault fault);
// How many calls have failed.
std::size_t failed_calls();
inline bool fault_struck() { return failed_calls() != 0; }

// Bytes reserved by reserve(), and neither released nor lost.
std::size_t reserved_from_os();
// The allocator's clock stands still but for this.
void advance_clock(std::uint64_t ms);

}  // namespace ralloc_test
