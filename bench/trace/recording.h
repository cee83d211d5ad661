#pragma once
// The file that a process records its calls of malloc to; bench/trace/convert reads it.
//
// It is mapped and shared: what is written there stays, however the process ends, and nothing is to
// be flushed. It is a Header and then Events, each at its number in the order of all threads.
//
// Thread safety: any thread may call at any time. Nothing here allocates or waits for a lock.
//
// Invariants:
//   I1  A block's event follows the call that gave it and precedes the one that takes it back. So
//       the order never has a block freed before it is allocated, or an address given while a block
//       that lives has it. The callers see to that (recorder.cc).
#include <stddef.h>
#include <stdint.h>

namespace malloc_record {

struct Header {
  char magic[8];
  uint64_t pid;
  char program[496];  // its path, then zeros
};
static_assert(sizeof(Header) == 512);

// A reallocation is two events, since two blocks may have the one address while it runs: the old
// block is gone when kReallocateFrom is recorded, and kReallocateTo tells what came of it.
enum Kind : uint8_t {
  kNone,  // the thread has not written the event, and never will if the process has ended
  kAllocate,
  kAllocateZeroed,
  kAllocateAligned,
  kFree,
  kReallocateFrom,
  kReallocateTo,  // address 0: it failed, and the old block lives on
};

struct Event {
  uint64_t address;
  uint64_t size;
  uint32_t thread;
  uint8_t align_log2;
  uint8_t unused[2];
  uint8_t kind;
};
static_assert(sizeof(Event) == 24);

// Adds an event, unless this process does not record, or no longer.
void record(Kind kind, const void* address, size_t size, size_t align = 1);

}  // namespace malloc_record
