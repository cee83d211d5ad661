#include "faults/os_faulty.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "shim/chosen_platform.h"
#include "shim/os.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

// Constant-initialised: the first call comes before any constructor of this program. Plain:
// it changes while there is one thread.
constinit Fault fault;
constinit std::atomic<bool> was_read{false};
constinit std::atomic<std::size_t> failed{0};
constinit std::atomic<std::size_t> calls{0};  // of the one that may fail
constinit std::atomic<std::size_t> reserved{0};
constinit void* last_table = nullptr;
constinit std::atomic<std::uint64_t> clock_ms{1'000'000};

template <std::size_t kCount>
std::size_t index_of(const char* text, std::size_t size, const char* const (&names)[kCount]) {
  for (std::size_t i = 0; i < kCount; ++i) {
    if (std::strlen(names[i]) == size && std::memcmp(names[i], text, size) == 0) return i;
  }
  REQUIRE(!"a name in RALLOC_TEST_FAULT is known");
  return 0;
}

void read_fault() {
  if (was_read.exchange(true, std::memory_order_relaxed)) return;
  const char* text = std::getenv(kFaultVariable);
  if (text == nullptr) return;
  const char* colon = std::strchr(text, ':');
  REQUIRE(colon != nullptr);
  fault.call = OsCall(index_of(text, std::size_t(colon - text), kOsCallNames));
  text = colon + 1;
  colon = std::strchr(text, ':');
  REQUIRE(colon != nullptr);
  fault.when = When(index_of(text, std::size_t(colon - text), kWhenNames));
  fault.number = std::strtoull(colon + 1, nullptr, 10);
  REQUIRE(fault.number != 0);
}

bool fails(std::size_t bytes) {
  const auto next_call = [] { return calls.fetch_add(1, std::memory_order_relaxed) + 1; };
  switch (fault.when) {
    case When::kNever: return false;
    case When::kOnce: return next_call() == fault.number;
    case When::kFrom: return next_call() >= fault.number;
    case When::kEvery: return next_call() % fault.number == 0;
    case When::kOver: return bytes > fault.number;
    case When::kTotal: return reserved.load(std::memory_order_relaxed) + bytes > fault.number;
  }
  return false;
}

bool fails(OsCall call, std::size_t bytes) {
  read_fault();
  // Of addresses there are so many, whichever way they are asked for.
  const bool is_reserve = fault.when == When::kTotal &&
                          (call == OsCall::kReserveAt || call == OsCall::kExtend);
  if ((is_reserve ? OsCall::kReserve : call) != fault.call || !fails(bytes)) return false;
  failed.fetch_add(1, std::memory_order_relaxed);
  return true;
}

}  // namespace

Fault set_fault(Fault next) { return std::exchange(fault, next); }
std::size_t failed_calls() { return failed.load(std::memory_order_relaxed); }
std::size_t reserved_from_os() { return reserved.load(std::memory_order_relaxed); }
void advance_clock(std::uint64_t ms) { clock_ms.fetch_add(ms, std::memory_order_relaxed); }

}  // namespace ralloc_test

namespace ralloc::os {

using ralloc_test::fails;
using ralloc_test::OsCall;

std::size_t page_size() noexcept { return Chosen::page_size(); }
unsigned cpu_count() noexcept { return 2; }  // the same runs on every machine
std::size_t address_space_limit() noexcept { return SIZE_MAX; }
std::uint64_t now_ms() noexcept { return ralloc_test::clock_ms.load(std::memory_order_relaxed); }

void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
  if (fails(OsCall::kReserve, bytes)) return nullptr;
  void* p = Chosen::reserve(bytes, align, hint);
  if (p != nullptr) ralloc_test::reserved.fetch_add(bytes, std::memory_order_relaxed);
  return p;
}
bool reserve_at(void* begin, std::size_t bytes) noexcept {
  if (fails(OsCall::kReserveAt, bytes) || !Chosen::reserve_at(begin, bytes)) return false;
  ralloc_test::reserved.fetch_add(bytes, std::memory_order_relaxed);
  return true;
}
bool extend(void* begin, std::size_t bytes, std::size_t more) noexcept {
  if (fails(OsCall::kExtend, more) || !Chosen::extend(begin, bytes, more)) return false;
  ralloc_test::reserved.fetch_add(more, std::memory_order_relaxed);
  return true;
}
// A table that is given back again, since another one was refused, does not count either.
void* reserve_zeros(std::size_t bytes) noexcept {
  if (fails(OsCall::kReserveZeros, bytes)) return nullptr;
  return ralloc_test::last_table = Chosen::reserve_zeros(bytes);
}
bool commit(void* begin, std::size_t bytes) noexcept {
  return !fails(OsCall::kCommit, bytes) && Chosen::commit(begin, bytes);
}
bool purge(void* begin, std::size_t bytes) noexcept {
  return !fails(OsCall::kPurge, bytes) && Chosen::purge(begin, bytes);
}
bool close(void* begin, std::size_t bytes) noexcept {
  return !fails(OsCall::kClose, bytes) && Chosen::close(begin, bytes);
}
void release(void* begin, std::size_t bytes) noexcept {
  if (begin != ralloc_test::last_table) {
    ralloc_test::reserved.fetch_sub(bytes, std::memory_order_relaxed);
  }
  Chosen::release(begin, bytes);
}
Moved move_pages(void* from, std::size_t bytes, void* to, std::size_t to_bytes) noexcept {
  if (fails(OsCall::kMovePages, bytes)) return Moved::kNo;
  if (fails(OsCall::kMovePagesLost, bytes)) {
    release(to, to_bytes);
    return Moved::kLost;
  }
  return Chosen::move_pages(from, bytes, to, to_bytes);
}
void* map_wiped_on_fork(std::size_t bytes) noexcept {
  return fails(OsCall::kMapWipedOnFork, bytes) ? nullptr : Chosen::map_wiped_on_fork(bytes);
}

bool fill_random(void* buffer, std::size_t bytes) noexcept {
  return Chosen::fill_random(buffer, bytes);
}
const char* const* environment() noexcept { return Chosen::environment(); }
bool is_privileged() noexcept { return Chosen::is_privileged(); }
std::uintptr_t program_break() noexcept { return Chosen::program_break(); }
bool move_break_to(std::uintptr_t from, std::uintptr_t to) noexcept {
  return Chosen::move_break_to(from, to);
}
bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
  return Chosen::at_thread_exit(hook, value);
}
bool at_fork_in_child(void (*hook)()) noexcept { return Chosen::at_fork_in_child(hook); }
bool write(int descriptor, const char* text, std::size_t size) noexcept {
  return Chosen::write(descriptor, text, size);
}
void write_error(const char* text, std::size_t size) noexcept { (void)write(2, text, size); }
void abort() noexcept { Chosen::abort(); }
void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
  Chosen::wait(word, value);
}
void wake_one(const std::atomic<std::uint32_t>& word) noexcept { Chosen::wake_one(word); }

}  // namespace ralloc::os
