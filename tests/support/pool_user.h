// What alloc/ does with this thread's pool, for tests of the rooms below it.
//
// Thread safety: any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "local_pool/this_pool.h"

namespace ralloc_test {

using Blocks = std::vector<void*>;

inline void* hit_block(unsigned size_class) {
  return ralloc::take_hit(size_class * sizeof(ralloc::Magazine));
}

inline void* take_block(unsigned size_class) {
  void* block = hit_block(size_class);
  return block != nullptr ? block : ralloc::take_miss(size_class);
}

inline void give_block(void* block) {
  const ralloc::Key key = ralloc::bookkeeper.map().key_of(block);
  if (!ralloc::give_hit(block, key)) ralloc::give_miss(block, key);
}

inline Blocks take_blocks(unsigned size_class, std::size_t n) {
  Blocks blocks(n);
  for (void*& block : blocks) block = take_block(size_class);
  return blocks;
}

inline void give_blocks(const Blocks& blocks) {
  for (void* block : blocks) give_block(block);
}

// Takes blocks until the magazine is empty, and adds them.
inline void take_rest(unsigned size_class, Blocks& blocks) {
  while (void* block = hit_block(size_class)) blocks.push_back(block);
}

// Misses of a class, one after another, so that its magazine swings.
inline void miss(unsigned size_class, std::size_t times, Blocks& blocks) {
  for (std::size_t i = 0; i < times; ++i) {
    take_rest(size_class, blocks);
    blocks.push_back(ralloc::take_miss(size_class));
  }
  take_rest(size_class, blocks);
}

// Bytes in blocks that programs hold or pools keep.
inline std::size_t bytes_out() { return ralloc::bookkeeper.counts().shards.blocks_bytes; }

}  // namespace ralloc_test
