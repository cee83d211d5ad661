// The model: an interval map that knows every live byte.
//
// Thread safety: none; each thread has a model of its own.
// Invariants: no two intervals share a byte; usable_bytes() is the sum over all blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

#include "model/block.h"
#include "model/mapped_memory.h"

namespace ralloc_test {

class LiveBlocks {
 public:
  // Adds the block, unless it shares a byte with one that is there: then returns that one.
  [[nodiscard]] const Block* add(const Block& block) {
    const auto after = blocks_.lower_bound(block.first());
    if (after != blocks_.end() && after->first < block.end()) return &after->second;
    if (after != blocks_.begin() && std::prev(after)->second.end() > block.first()) {
      return &std::prev(after)->second;
    }
    blocks_.emplace_hint(after, block.first(), block);
    usable_bytes_ += block.usable;
    return nullptr;
  }

  void remove(const Block& block) {
    blocks_.erase(block.first());
    usable_bytes_ -= block.usable;
  }

  std::size_t usable_bytes() const { return usable_bytes_; }
  auto begin() const { return blocks_.begin(); }
  auto end() const { return blocks_.end(); }

 private:
  Pool memory_{MappedMemory::instance()};
  std::pmr::map<std::uintptr_t, Block> blocks_{&memory_};
  std::size_t usable_bytes_ = 0;
};

}  // namespace ralloc_test
