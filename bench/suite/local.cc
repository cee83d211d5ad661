// What a thread allocates and frees by itself.
#include <algorithm>
#include <numeric>
#include <vector>

#include "bench/suite/cases.h"
#include "bench/suite/random.h"
#include "bench/suite/sizes.h"

namespace ralloc::bench {
namespace {

void pairs(State& state, std::size_t size) {
  for (auto _ : state) Memory::deallocate(touch(Memory::allocate(size)), size);
  state.SetItemsProcessed(state.iterations());
}

enum class Order { kLifo, kFifo, kRandom };

template <Order kOrder>
void batch(State& state, std::size_t size) {
  constexpr std::size_t kBlocks = 1000;
  std::vector<void*> blocks(kBlocks);
  std::vector<std::size_t> order(kBlocks);
  std::iota(order.begin(), order.end(), 0);
  if (kOrder == Order::kLifo) std::reverse(order.begin(), order.end());
  if (kOrder == Order::kRandom) {
    QuickRandom random(1);
    for (std::size_t i = kBlocks - 1; i != 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  }
  for (auto _ : state) {
    for (void*& block : blocks) block = touch(Memory::allocate(size));
    for (std::size_t i : order) Memory::deallocate(blocks[i], size);
  }
  state.SetItemsProcessed(state.iterations() * std::int64_t{kBlocks});
}

// One of many live blocks, at random, makes room for the next.
template <const Sizes& (*kSizes)()>
void mix(State& state, std::size_t live) {
  const Sizes& sizes = kSizes();
  QuickRandom random(std::uint64_t(state.thread_index()) + 1);
  std::vector<void*> blocks(live);
  for (void*& block : blocks) block = allocate_labelled(sizes.draw(random));
  for (auto _ : state) {
    void*& block = blocks[random.below(live)];
    deallocate_labelled(block);
    block = allocate_labelled(sizes.draw(random));
  }
  state.SetItemsProcessed(state.iterations());
  for (void* block : blocks) deallocate_labelled(block);
}

void zeroed(State& state, std::size_t size) {
  for (auto _ : state) Memory::deallocate(touch(Memory::allocate_zeroed(size)), size);
  state.SetItemsProcessed(state.iterations());
}

void aligned(State& state, std::size_t align) {
  const std::size_t size = 2 * align;
  for (auto _ : state) Memory::deallocate(touch(Memory::allocate_aligned(size, align)), size);
  state.SetItemsProcessed(state.iterations());
}

constexpr const char* kPairs = "a block is allocated, written to and freed";
constexpr const char* kLifo = "1000 blocks are allocated, and freed the last one first";
constexpr const char* kFifo = "1000 blocks are allocated, and freed the first one first";
constexpr const char* kRandom = "1000 blocks are allocated, and freed in random order";
constexpr const char* kZeroed = "a block of zeros (calloc) is allocated and freed";
constexpr const char* kAligned = "a block of twice its alignment is allocated and freed";

const AddCases cases{
    {"pairs/16", kPairs, pairs, 16},
    {"pairs/64", kPairs, pairs, 64},
    {"pairs/256", kPairs, pairs, 256},
    {"pairs/1024", kPairs, pairs, 1024},
    {"pairs/4096", kPairs, pairs, 4096},
    {"pairs/32768", kPairs, pairs, 32768},
    {"batch/lifo_64", kLifo, batch<Order::kLifo>, 64},
    {"batch/fifo_64", kFifo, batch<Order::kFifo>, 64},
    {"batch/random_64", kRandom, batch<Order::kRandom>, 64},
    {"batch/lifo_1024", kLifo, batch<Order::kLifo>, 1024},
    {"batch/fifo_1024", kFifo, batch<Order::kFifo>, 1024},
    {"batch/random_1024", kRandom, batch<Order::kRandom>, 1024},
    {"mix/even", "one of 4096 blocks of 16 to 1024 bytes is replaced", mix<Sizes::even>, 4096, 1,
     true},
    {"mix/etc", "one of 16384 blocks sized like memcached's values is replaced", mix<Sizes::etc>,
     16384, 1, true},
    {"mix/fleet", "one of 16384 blocks sized like those of a fleet of servers is replaced",
     mix<Sizes::fleet>, 16384, 1, true},
    {"calloc/64", kZeroed, zeroed, 64},
    {"calloc/4096", kZeroed, zeroed, 4096},
    {"calloc/262144", kZeroed, zeroed, 262144},
    {"aligned/64", kAligned, aligned, 64},
    {"aligned/4096", kAligned, aligned, 4096},
};

}  // namespace
}  // namespace ralloc::bench
