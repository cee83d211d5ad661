// Programs whose blocks and threads come and go.
#include <thread>
#include <vector>

#include "bench/suite/cases.h"
#include "bench/suite/random.h"
#include "bench/suite/sizes.h"

namespace ralloc::bench {
namespace {

// After P. Larson and M. Krishnan, "Memory allocation for long-running server applications" (ISMM
// 1998): a thread replaces blocks of an array at random and leaves the array to its successor.
void larson(State& state, std::size_t count) {
  constexpr unsigned kReplacements = 10'000;  // by each thread
  QuickRandom random(std::uint64_t(state.thread_index()) + 1);
  std::vector<void*> blocks(count);
  for (void*& block : blocks) block = allocate_labelled(Sizes::even().draw(random));
  for (auto _ : state) {
    std::thread generation([&] {
      for (unsigned i = 0; i < kReplacements; ++i) {
        void*& block = blocks[random.below(count)];
        deallocate_labelled(block);
        block = allocate_labelled(Sizes::even().draw(random));
      }
    });
    generation.join();
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t{kReplacements});
  for (void* block : blocks) deallocate_labelled(block);
}

// Much at once, then nothing.
void bursts(State& state, std::size_t count) {
  QuickRandom random(std::uint64_t(state.thread_index()) + 1);
  std::vector<void*> blocks(count);
  for (auto _ : state) {
    for (void*& block : blocks) block = allocate_labelled(Sizes::etc().draw(random));
    for (void* block : blocks) deallocate_labelled(block);
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t(count));
}

// Of 32 blocks one lives until as many others came as there may be; the rest go at once.
void lifetimes(State& state, std::size_t count) {
  constexpr unsigned kShort = 31;
  QuickRandom random(std::uint64_t(state.thread_index()) + 1);
  std::vector<void*> blocks(count);
  for (void*& block : blocks) block = allocate_labelled(Sizes::etc().draw(random));
  std::size_t oldest = 0;
  for (auto _ : state) {
    for (unsigned i = 0; i < kShort; ++i) {
      deallocate_labelled(allocate_labelled(Sizes::etc().draw(random)));
    }
    deallocate_labelled(blocks[oldest]);
    blocks[oldest] = allocate_labelled(Sizes::etc().draw(random));
    oldest = oldest + 1 == count ? 0 : oldest + 1;
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t{kShort + 1});
  for (void* block : blocks) deallocate_labelled(block);
}

// A thread that has little to do: half of what it allocates outlives it.
void short_threads(State& state, std::size_t count) {
  std::vector<void*> blocks(count);
  for (auto _ : state) {
    std::thread thread([&] {
      for (std::size_t i = 0; i < count; ++i) blocks[i] = touch(Memory::allocate(32 + 16 * i));
      for (std::size_t i = 0; i < count; i += 2) Memory::deallocate(blocks[i], 32 + 16 * i);
    });
    thread.join();
    for (std::size_t i = 1; i < count; i += 2) Memory::deallocate(blocks[i], 32 + 16 * i);
  }
  state.SetItemsProcessed(state.iterations());
}

const AddCases cases{
    {"turnover/larson", "each 10,000th of the blocks that replace one of 1000 begins a new thread",
     larson, 1000, 1, true},
    {"turnover/bursts", "20,000 blocks sized like memcached's values are allocated, then freed",
     bursts, 20'000, 1, true},
    {"turnover/lifetimes", "of 32 blocks one lives on among 20,000 others", lifetimes, 20'000, 1,
     true},
    {"turnover/threads", "a thread (the item) allocates 32 blocks and frees half, its starter the "
                         "rest",
     short_threads, 32},
};

}  // namespace
}  // namespace ralloc::bench
