#pragma once
// Does again what a trace tells, with an allocator of the caller's choice.
//
// Thread safety: none; each thread has its own Replayer, and all of them may share a Trace. A trace
// of several threads is done by one, in the order of its recording.
#include <cstddef>
#include <new>

#include "bench/trace/trace.h"

namespace ralloc::bench {

class Replayer {
 public:
  explicit Replayer(const Trace& trace) : trace_(trace), blocks_(trace.blocks()) {}

  // `memory` allocates as bench/suite/malloc_memory.h does, though a size that is allocated aligned
  // may be no multiple of the alignment. The first and last byte of every block are written. All
  // that is allocated is freed again. Throws std::bad_alloc where a block cannot be had.
  template <class Memory>
  void run(Memory&& memory) {
    for (const Operation& operation : trace_.operations()) {
      Block& block = blocks_[operation.block];
      const std::size_t size = operation.size;
      switch (operation.call) {
        case Call::kAllocate:
          block = written(memory.allocate(size), size);
          break;
        case Call::kAllocateZeroed:
          block = written(memory.allocate_zeroed(size), size);
          break;
        case Call::kAllocateAligned:
          block = written(
              memory.allocate_aligned(size, std::size_t{1} << operation.align_log2), size);
          break;
        case Call::kReallocate:
          block = written(memory.reallocate(block.at, block.size, size), size);
          break;
        case Call::kFree:
          memory.deallocate(block.at, size);
          break;
      }
    }
  }

 private:
  struct Block {
    void* at;
    std::size_t size;
  };

  static Block written(void* at, std::size_t size) {
    if (size != 0) {
      if (at == nullptr) throw std::bad_alloc();
      auto* const bytes = static_cast<volatile unsigned char*>(at);
      bytes[0] = 1;
      bytes[size - 1] = 1;
    }
    return {at, size};
  }

  const Trace& trace_;
  MappedArray<Block> blocks_;  // by the number of an operation
};

}  // namespace ralloc::bench
