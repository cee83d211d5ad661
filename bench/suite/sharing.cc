// Cache lines: blocks so small that two fit one line, written to again and again.
#include <array>

#include "bench/suite/cases.h"
#include "bench/suite/pipe.h"

namespace ralloc::bench {
namespace {

constexpr std::size_t kSmall = 8;
std::array<Pipe, 512> gifts;  // one for each thread; empty before and after

void write_often(void* block, std::size_t writes) {
  auto* const counter = static_cast<volatile unsigned*>(block);
  for (std::size_t i = 0; i < writes; ++i) *counter = *counter + 1;
}

// Active false sharing: the allocator itself puts the blocks of two threads on one line.
void active(State& state, std::size_t writes) {
  for (auto _ : state) {
    void* const block = Memory::allocate(kSmall);
    write_often(block, writes);
    Memory::deallocate(block, kSmall);
  }
  state.SetItemsProcessed(state.iterations());
}

// Passive: it got there by the program, which gave neighbouring blocks to several threads. Each
// frees its gift, and goes on with blocks of its own; whether they are those of the gift's line is
// the allocator's choice. (E. Berger et al., "Hoard", ASPLOS 2000.)
void passive(State& state, std::size_t writes) {
  if (state.thread_index() == 0) {
    for (int i = 0; i < state.threads(); ++i) {
      gifts[std::size_t(i)].push(touch(Memory::allocate(kSmall)));
    }
  }
  Memory::deallocate(gifts[std::size_t(state.thread_index())].pop(), kSmall);
  active(state, writes);
}

const AddCases cases{
    {"sharing/active", "a block of 8 bytes is allocated, written to 100 times and freed", active,
     100},
    {"sharing/passive", "the same, after neighbouring blocks were given to the threads", passive,
     100},
};

}  // namespace
}  // namespace ralloc::bench
