#include "faults/workload.h"

#include <pthread.h>

#include <initializer_list>

#include "faults/failable.h"
#include "faults/held_blocks.h"
#include "faults/os_faulty.h"
#include "support/build.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

// Static, as the blocks are to be had when memory is not.
HeldBlocks main_blocks;

void allocate_every_class(HeldBlocks& blocks) {
  for (std::size_t size = 1; size <= 40'000; size += size / 8 + 1) blocks.allocate(size);
  for (std::size_t align = 32; align <= 32'768; align *= 2) {
    blocks.allocate(1, align);
    blocks.allocate(3 * align / 2, align);
  }
  // Enough of one class to make magazines grow and spans come and go.
  for (int i = 0; i < 1000; ++i) blocks.allocate(48);
  for (int i = 0; i < 100; ++i) blocks.allocate(3000);
}

void allocate_large(HeldBlocks& blocks) {
  for (const std::size_t size : {32'769, 65'536, 100'000, 300'000, 1'000'000, 3'000'000,
                                 9'000'000}) {
    blocks.allocate(size);
  }
  for (const std::size_t align : {64 * kKiB, 128 * kKiB, kMiB, 4 * kMiB}) {
    blocks.allocate(align / 2, align);
    blocks.allocate(3 * align / 2, align);
  }
  // Pieces of the arena come, and leave the rest of the ones before.
  for (int i = 0; i < 4; ++i) blocks.allocate(20 * kMiB);
  // More than the arena reserves at a time.
  blocks.allocate(70 * kMiB);
}

void grow_and_shrink(HeldBlocks& blocks) {
  blocks.allocate(10);
  for (const std::size_t size : {100, 5'000, 40'000, 300'000, 700'000, 1'500'000, 1'400'000,
                                 5'000'000, 12'000'000, 400'000, 450'000, 30'000, 100}) {
    blocks.resize_newest(size);
    // In the way of the next step, so that the block must move.
    if (size > 32'768) {
      blocks.allocate(65'536);
      blocks.free_newest();
    }
  }
  // By pages: into mappings of their own, which shrink and grow, too. (Other builds copy, which one
  // block shows as well as three, and takes long.)
  constexpr int kBlocks = kExactSizes ? 1 : 3;
  for (int i = 0; i < kBlocks; ++i) {
    blocks.allocate(2'200'000);
    for (const std::size_t size : {4'500'000, 9'000'000, 5'000'000, 11'000'000}) {
      blocks.resize_newest(size);
    }
  }
}

void allocate_zeroed(HeldBlocks& blocks) {
  for (const std::size_t size : {1, 100, 2'000, 30'000, 50'000, 400'000, 2'000'000}) {
    blocks.allocate_zeroed(size);
  }
}

// What a thread does with the blocks that it is lent.
void* live_for_a_while(void* lent) {
  auto& blocks = *static_cast<HeldBlocks*>(lent);
  blocks.free_each(3, 1);  // other threads' blocks, most of them
  for (int i = 0; i < 200; ++i) blocks.allocate(20 + std::size_t(i) * 7 % 500);
  for (int i = 0; i < 20; ++i) blocks.allocate(5'000 + std::size_t(i) * 1'000);
  blocks.free_newest();
  blocks.check_all();
  return nullptr;
}

// A few threads, one after another. Where the C library has no memory for a thread, none runs.
void lend_to_threads(HeldBlocks& blocks) {
  for (int i = 0; i < 3; ++i) {
    pthread_t thread;
    const int error = pthread_create(&thread, nullptr, live_for_a_while, &blocks);
    REQUIRE(error == 0 || (serves_the_process && fault_struck()));
    if (error == 0) REQUIRE(pthread_join(thread, nullptr) == 0);
  }
}

void return_memory(HeldBlocks& blocks) {
  blocks.free_each(2, 0);
  trim_all();
  blocks.check_all();
  // What is free for long goes back as others are freed.
  blocks.free_each(2, 0);
  for (int i = 0; i < 20; ++i) {
    advance_clock(300);
    blocks.allocate(50'000);
    blocks.free_newest();
  }
  blocks.check_all();
}

std::size_t run(HeldBlocks& blocks) {
  const std::size_t refused_before = blocks.refused();
  allocate_every_class(blocks);
  allocate_large(blocks);
  blocks.check_all();
  grow_and_shrink(blocks);
  lend_to_threads(blocks);
  return_memory(blocks);
  allocate_zeroed(blocks);
  allocate_every_class(blocks);
  blocks.check_all();
  blocks.free_all();
  return blocks.refused() - refused_before;
}

void* run_often(void* blocks) {
  for (int i = 0; i < 3; ++i) run(*static_cast<HeldBlocks*>(blocks));
  return nullptr;
}

}  // namespace

std::size_t run_workload() { return run(main_blocks); }

std::size_t run_workload_in_threads() {
  constexpr std::size_t kThreads = 4;
  static HeldBlocks blocks[kThreads];
  pthread_t threads[kThreads];
  bool started[kThreads];
  std::size_t refused = 0;
  for (std::size_t i = 0; i < kThreads; ++i) {
    refused -= blocks[i].refused();
    started[i] = pthread_create(&threads[i], nullptr, run_often, &blocks[i]) == 0;
    REQUIRE(started[i] || (serves_the_process && fault_struck()));
  }
  for (std::size_t i = 0; i < kThreads; ++i) {
    if (started[i]) REQUIRE(pthread_join(threads[i], nullptr) == 0);
    refused += blocks[i].refused();
  }
  return refused;
}

}  // namespace ralloc_test
