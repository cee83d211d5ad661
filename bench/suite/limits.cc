// What no allocator can undercut: the same loops without one. The cost model (docs/performance.md)
// compares with them.
#include <array>
#include <atomic>
#include <vector>

#include "bench/suite/cases.h"
#include "bench/suite/pipe.h"
#include "bench/suite/random.h"
#include "bench/suite/sizes.h"

namespace ralloc::bench {
namespace {

// Each thread's own: at one for all, which is written to, the threads would wait for its line.
[[gnu::noinline]] void* nothing_allocated(std::size_t) {
  alignas(64) static thread_local std::array<unsigned char, 64> block;
  return block.data();
}
[[gnu::noinline]] void nothing_freed(void* block) { benchmark::DoNotOptimize(block); }
// Called through these, as a function of a shared library is.
void* (*volatile allocate_nothing)(std::size_t) = nothing_allocated;
void (*volatile free_nothing)(void*) = nothing_freed;

void calls(State& state, std::size_t size) {
  for (auto _ : state) free_nothing(touch(allocate_nothing(size)));
  state.SetItemsProcessed(state.iterations());
}

// A pointer that is moved; freed is all at once, when the end is reached.
void bump(State& state, std::size_t size) {
  std::vector<unsigned char> arena(std::size_t{1} << 16);
  std::size_t used = 0;
  for (auto _ : state) {
    if (used + size > arena.size()) used = 0;
    benchmark::DoNotOptimize(touch(arena.data() + used));
    used += size;
  }
  state.SetItemsProcessed(state.iterations());
}

// As exchange/1to1, of blocks that are always there: what it costs that pointers change cores.
void transfer(State& state, std::size_t size) {
  constexpr std::size_t kBlocks = 4096;
  static std::array<Pipe, 256> pipes;
  Pipe& pipe = pipes[std::size_t(state.thread_index() / 2)];
  if (state.thread_index() % 2 == 0) {
    std::vector<unsigned char> blocks(kBlocks * size);
    std::size_t next = 0;
    for (auto _ : state) {
      unsigned char* const block = blocks.data() + next * size;
      next = (next + 1) % kBlocks;
      if (state.thread_index() + 1 == state.threads()) {
        touch(block);
      } else {
        pipe.push(touch(block));
      }
    }
    state.SetItemsProcessed(state.iterations());
  } else {
    for (auto _ : state) benchmark::DoNotOptimize(pipe.pop());
  }
}

// As exchange/ring.
void ring_of_blocks(State& state, std::size_t size) {
  constexpr std::size_t kLead = 256;
  static std::array<Pipe, 512> pipes;
  Pipe& next = pipes[std::size_t((state.thread_index() + 1) % state.threads())];
  Pipe& own = pipes[std::size_t(state.thread_index())];
  std::vector<unsigned char> blocks((kLead + 1) * size);
  void* spare = blocks.data();
  for (std::size_t i = 1; i <= kLead; ++i) next.push(touch(blocks.data() + i * size));
  for (auto _ : state) {
    next.push(touch(spare));
    spare = own.pop();
  }
  for (std::size_t i = 0; i < kLead; ++i) benchmark::DoNotOptimize(own.pop());
  state.SetItemsProcessed(state.iterations());
}

// As exchange/slots, where who is freed is allocated next.
void places(State& state, std::size_t count) {
  constexpr std::size_t kMostThreads = 512, kDistance = 320;  // about a block's size there
  static std::array<std::atomic<void*>, 8192> places;
  static std::vector<unsigned char> blocks((places.size() + kMostThreads) * kDistance);
  const auto block = [](std::size_t i) { return static_cast<void*>(blocks.data() + i * kDistance); };
  if (state.thread_index() == 0) {  // the others wait for it where their loops begin
    for (std::size_t i = 0; i < count; ++i) places[i].store(block(i), std::memory_order_relaxed);
  }
  const Sizes& sizes = Sizes::etc();
  QuickRandom random(std::uint64_t(state.thread_index()) + 1);
  void* spare = block(places.size() + std::size_t(state.thread_index()));
  for (auto _ : state) {
    *static_cast<volatile std::size_t*>(spare) = sizes.draw(random);
    spare = places[random.below(count)].exchange(spare, std::memory_order_acq_rel);
    benchmark::DoNotOptimize(*static_cast<volatile std::size_t*>(spare));
  }
  state.SetItemsProcessed(state.iterations());
}

const AddCases cases{
    {"limits/calls_64", "two calls of functions that do nothing", calls, 64},
    {"limits/bump_64", "a pointer is moved by 64 bytes, and the byte there written", bump, 64},
    {"limits/transfer_64", "as exchange/1to1_64, with blocks that nobody allocates", transfer, 64,
     2},
    {"limits/ring_64", "as exchange/ring_64, with blocks that nobody allocates", ring_of_blocks, 64, 2},
    {"limits/slots", "as exchange/slots, where each takes the block that it got for the next place",
     places, 8192},
};

}  // namespace
}  // namespace ralloc::bench
