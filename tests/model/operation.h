// What the model test does to its subject: operations, drawn at random from a seed.
//
// Thread safety: none; each thread draws from a source of its own.
// Invariants: an operation names blocks by numbers, never by addresses, so that the same
// seed gives the same operations whatever the subject answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>
#include <vector>

#include "model/block.h"
#include "model/mapped_memory.h"
#include "support/process.h"

namespace ralloc_test {

struct Operation {
  enum Kind : std::uint8_t {
    kAllocate,  // the block `id`
    kFree,
    kResize,
    kExchange,  // swaps the block with what lies in a place that all threads see
    kTrim,
    kAudit,  // asks the subject whether it is valid and what it holds
  };
  Kind kind;
  std::uint8_t way;    // which of the ways that the block's family has
  std::uint8_t align;  // as a power of two
  std::uint32_t id = 0;
  std::uint32_t size = 0;  // for an exchange: the place

  std::size_t alignment() const { return std::size_t{1} << align; }
};

using Operations = std::pmr::vector<Operation>;

// The operation as a line of C++.
std::string text_of(const Operation& operation, Family family, std::size_t old_size);

class OperationSource {
 public:
  // Blocks of up to `most_bytes` are held at a time.
  OperationSource(std::uint64_t seed, std::size_t most_bytes, bool exchanges);

  Operation next();
  // The block is there from the start, or is what an exchange gave; null where it gave none.
  void put(std::uint32_t id, const Block* block);

 private:
  struct Live {
    std::uint32_t id;
    std::uint32_t size;
    bool resizable;
  };
  // Programs have phases: they build up and tear down, and love a size or two.
  struct Phase {
    std::size_t operations_left = 0;
    std::size_t blocks_wanted = 0;
    std::size_t favourite_size = 0;
    bool newest_first = false;
  };

  void begin_phase();
  std::size_t any_size();
  std::size_t size_at_a_boundary();
  std::uint8_t any_align();
  std::size_t pick();
  Operation allocate();
  Operation free(std::size_t position);
  Operation resize(std::size_t position);
  std::uint8_t any_way() { return std::uint8_t(random_.next()); }

  Pool memory_{MappedMemory::instance()};
  std::pmr::vector<Live> live_{&memory_};
  Random random_;
  Phase phase_;
  const std::size_t most_bytes_;
  const bool exchanges_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::uint32_t next_id_ = 0;
};

}  // namespace ralloc_test
