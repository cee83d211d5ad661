// What no allocator can undercut: the same loops without one. The cost model (docs/performance.md)
// compares with them.
#include <array>
#include <vector>

#include "bench/suite/cases.h"
#include "bench/suite/pipe.h"

namespace ralloc::bench {
namespace {

[[gnu::noinline]] void* nothing_allocated(std::size_t) {
  static std::array<unsigned char, 64> block;
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

const AddCases cases{
    {"limits/calls_64", "two calls of functions that do nothing", calls, 64},
    {"limits/bump_64", "a pointer is moved by 64 bytes, and the byte there written", bump, 64},
    {"limits/transfer_64", "as exchange/1to1_64, with blocks that nobody allocates", transfer, 64,
     2},
};

}  // namespace
}  // namespace ralloc::bench
