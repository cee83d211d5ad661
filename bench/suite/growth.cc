// Large blocks, and blocks that grow.
#include <cstring>
#include <vector>

#include "bench/suite/cases.h"
#include "bench/suite/random.h"

namespace ralloc::bench {
namespace {

constexpr std::size_t kOsPage = 4096;

void fill(void* block, std::size_t size) {
  auto* const bytes = static_cast<volatile unsigned char*>(block);
  for (std::size_t i = 0; i < size; i += kOsPage) bytes[i] = 1;
}

// A buffer that is appended to: it grows by an eighth, and is written to by `write(begin, end)`.
template <class Write>
void grow_to(State& state, std::size_t most, Write write) {
  constexpr std::size_t kFirst = 64;
  std::int64_t grown = 0;
  for (auto _ : state) {
    std::size_t size = kFirst;
    void* block = Memory::allocate(size);
    while (size < most) {
      const std::size_t larger = size + size / 8;
      block = Memory::reallocate(block, size, larger);
      write(static_cast<unsigned char*>(block) + size, static_cast<unsigned char*>(block) + larger);
      size = larger;
      ++grown;
    }
    Memory::deallocate(block, size);
  }
  state.SetItemsProcessed(grown);
}
// All threads together have `most` bytes.
void grow(State& state, std::size_t most) {
  grow_to(state, most / std::size_t(state.threads()),
          [](unsigned char*, volatile unsigned char* end) { end[-1] = 1; });
}
// Each has so many to itself, and writes all of them: to move it costs page faults, or a copy.
void grow_filled(State& state, std::size_t most) {
  grow_to(state, most, [](unsigned char* begin, unsigned char* end) {
    std::memset(begin, 1, std::size_t(end - begin));
  });
}

void large(State& state, std::size_t size) {
  for (auto _ : state) Memory::deallocate(touch(Memory::allocate(size)), size);
  state.SetItemsProcessed(state.iterations());
}

void filled(State& state, std::size_t size) {
  for (auto _ : state) {
    void* const block = Memory::allocate(size);
    fill(block, size);
    Memory::deallocate(block, size);
  }
  state.SetItemsProcessed(state.iterations());
}

// One of several large blocks, wholly written, is replaced: 64 KiB to 4 MiB, small ones as often in
// all as large ones.
void large_mix(State& state, std::size_t live) {
  QuickRandom random(std::uint64_t(state.thread_index()) + 1);
  const auto next = [&] {
    const std::size_t scale = std::size_t{1} << (16 + random.below(6));
    const std::size_t size = scale + random.below(scale);
    void* const block = Memory::allocate(size);
    fill(block, size);
    *static_cast<std::size_t*>(block) = size;
    return block;
  };
  std::vector<void*> blocks(live);
  for (void*& block : blocks) block = next();
  for (auto _ : state) {
    void*& block = blocks[random.below(live)];
    deallocate_labelled(block);
    block = next();
  }
  state.SetItemsProcessed(state.iterations());
  for (void* block : blocks) deallocate_labelled(block);
}

constexpr const char* kGrow = "a block grows by eighths (each an item), and is freed";
constexpr const char* kLarge = "a large block is allocated, its first byte written, and freed";
constexpr const char* kFilled = "a large block is allocated, each OS page written to, and freed";

const AddCases cases{
    {"realloc/4096", kGrow, grow, 4096},
    {"realloc/1MiB", kGrow, grow, std::size_t{1} << 20},
    {"realloc/1GiB", kGrow, grow, std::size_t{1} << 30},
    {"realloc/4MiB_filled", "each thread's own block grows so, and what it has more is written",
     grow_filled, std::size_t{1} << 22},
    {"large/128KiB", kLarge, large, std::size_t{1} << 17},
    {"large/1MiB", kLarge, large, std::size_t{1} << 20},
    {"large/32MiB", kLarge, large, std::size_t{1} << 25},
    {"large/1MiB_filled", kFilled, filled, std::size_t{1} << 20},
    {"large/mix", "one of 16 filled blocks of 64 KiB to 4 MiB is replaced", large_mix, 16, 1, true},
};

}  // namespace
}  // namespace ralloc::bench
