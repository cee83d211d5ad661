// Draws operations at random from a seed.
//
// Thread safety: none; each thread draws from a source of its own.
// Invariants: the same seed gives the same operations whatever the subject answers.
#pragma once

#include "model/mapped_memory.h"
#include "model/operation.h"
#include "support/process.h"

namespace ralloc_test {

class OperationSource {
 public:
  // Pieces of about `most_bytes` are held at a time.
  OperationSource(std::uint64_t seed, std::size_t most_bytes, bool exchanges);

  Operation next();
  // The piece is there from the start.
  void put(std::uint32_t id, const Piece& piece);
  // What the exchange that was drawn last gave; null if nothing.
  void exchanged(const Piece* piece);

 private:
  // The size is what it would be if every call in place succeeded.
  struct Live {
    std::uint32_t id;
    std::uint32_t size;
    bool resizable;
  };
  // Programs have phases: they build up and tear down, and love a size or two.
  struct Phase {
    std::size_t operations_left = 0;
    std::size_t pieces_wanted = 0;
    std::size_t favourite_size = 0;
    bool newest_first = false;
    bool parts = false;
  };

  void begin_phase();
  std::size_t any_size();
  std::size_t size_at_a_boundary();
  std::size_t size_like(std::size_t size);
  std::uint32_t any_align();
  std::size_t pick();
  std::uint8_t any_way() { return std::uint8_t(random_.next()); }
  void resized(std::size_t position, std::size_t size);
  void drop(std::size_t position);

  Operation allocate();
  Operation free(std::size_t position);
  Operation free_part(std::size_t position);
  Operation divide(std::size_t position);
  Operation resize(std::size_t position);
  Operation resize_inplace(std::size_t position);
  Operation exchange(std::size_t position);

  Pool memory_{MappedMemory::instance()};
  std::pmr::vector<Live> live_{&memory_};
  Random random_;
  Phase phase_;
  const std::size_t most_bytes_;
  const bool exchanges_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  std::size_t exchanged_ = 0;
  std::uint32_t next_id_ = 0;
};

}  // namespace ralloc_test
