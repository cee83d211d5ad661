// What one thread allocates and another frees.
#include <array>
#include <atomic>

#include "bench/suite/cases.h"
#include "bench/suite/pipe.h"
#include "bench/suite/random.h"
#include "bench/suite/sizes.h"

namespace ralloc::bench {
namespace {

constexpr std::size_t kMostThreads = 512;
std::array<Pipe, kMostThreads> pipes;  // empty before and after each case
std::array<std::atomic<void*>, 8192> slots;

Pipe& pipe_of(const State& state, int step = 0) {
  return pipes[std::size_t((state.thread_index() + step) % state.threads())];
}

// Threads 2k and 2k + 1.
void one_to_one(State& state, std::size_t size) {
  if (state.thread_index() % 2 == 0) {
    if (state.thread_index() + 1 == state.threads()) {  // one is left over
      for (auto _ : state) Memory::deallocate(touch(Memory::allocate(size)), size);
    } else {
      Pipe& pipe = pipe_of(state);
      for (auto _ : state) pipe.push(touch(Memory::allocate(size)));
    }
    state.SetItemsProcessed(state.iterations());
  } else {
    Pipe& pipe = pipe_of(state, -1);
    for (auto _ : state) Memory::deallocate(pipe.pop(), size);
  }
}

void one_to_many(State& state, std::size_t size) {
  if (state.thread_index() == 0) {
    for (auto _ : state) {
      for (int other = 1; other < state.threads(); ++other) {
        pipes[std::size_t(other)].push(touch(Memory::allocate(size)));
      }
    }
  } else {
    Pipe& pipe = pipe_of(state);
    for (auto _ : state) Memory::deallocate(pipe.pop(), size);
    state.SetItemsProcessed(state.iterations());
  }
}

void many_to_one(State& state, std::size_t size) {
  if (state.thread_index() == 0) {
    for (auto _ : state) {
      for (int other = 1; other < state.threads(); ++other) {
        Memory::deallocate(pipes[std::size_t(other)].pop(), size);
      }
    }
  } else {
    Pipe& pipe = pipe_of(state);
    for (auto _ : state) pipe.push(touch(Memory::allocate(size)));
    state.SetItemsProcessed(state.iterations());
  }
}

// A lead, so that none waits for its neighbour at each block.
void ring(State& state, std::size_t size) {
  constexpr unsigned kLead = 256;
  Pipe& next = pipe_of(state, 1);
  Pipe& own = pipe_of(state);
  for (unsigned i = 0; i < kLead; ++i) next.push(touch(Memory::allocate(size)));
  for (auto _ : state) {
    next.push(touch(Memory::allocate(size)));
    Memory::deallocate(own.pop(), size);
  }
  for (unsigned i = 0; i < kLead; ++i) Memory::deallocate(own.pop(), size);
  state.SetItemsProcessed(state.iterations());
}

void swap_in_slots(State& state, std::size_t count) {
  const Sizes& sizes = Sizes::etc();
  QuickRandom random(std::uint64_t(state.thread_index()) + 1);
  for (auto _ : state) {
    void* const block = allocate_labelled(sizes.draw(random));
    // Each publishes its block's label to whoever gets it.
    void* const other = slots[random.below(count)].exchange(block, std::memory_order_acq_rel);
    if (other != nullptr) deallocate_labelled(other);
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() != 0) return;
  for (auto& slot : slots) {  // the other threads are behind their loops
    if (void* block = slot.exchange(nullptr, std::memory_order_acq_rel)) deallocate_labelled(block);
  }
}

constexpr const char* kPair = "of each two threads one allocates and the other frees";
constexpr const char* kRing = "each thread allocates for the next one, and frees the last one's";

const AddCases cases{
    {"exchange/1to1_64", kPair, one_to_one, 64, 2},
    {"exchange/1to1_1024", kPair, one_to_one, 1024, 2},
    {"exchange/1ton_64", "one thread allocates for all others", one_to_many, 64, 2},
    {"exchange/nto1_64", "one thread frees what all others allocate", many_to_one, 64, 2, true},
    {"exchange/ring_64", kRing, ring, 64, 2},
    {"exchange/ring_1024", kRing, ring, 1024, 2},
    {"exchange/slots", "a block sized like memcached's values takes a random one of 8192 places "
                       "that all threads share; who was there is freed",
     swap_in_slots, slots.size(), 1, true},
};

}  // namespace
}  // namespace ralloc::bench
