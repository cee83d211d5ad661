// Plays operations on the subject and on the model, and compares.
//
// Thread safety: one thread each. Players of several threads meet in the places, through
// which blocks change hands.
// Checked: no block shares a byte with another; every block is aligned, and as large as was
// asked; its contents stay until it is freed; zeroed memory is zero; the usable size stays
// what it was; the subject's statistics agree with the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "model/journal.h"
#include "model/live_blocks.h"
#include "model/operation.h"

namespace ralloc_test {

// A block that lies here is nobody's until an exchange takes it.
struct Place {
  std::mutex mutex;
  Block block;  // none if it begins nowhere
};

class Player {
 public:
  // `places` may be null if no exchange comes.
  Player(std::size_t lane, std::uint64_t seed, Place* places);

  void play(const Operation& operation);

  // Takes a block over, under a number of its own.
  void adopt(std::uint32_t id, const Block& block);
  // The block of this number; null if there is none.
  const Block* block(std::uint32_t id) const;
  // Hands all blocks over; the player is left without.
  std::pmr::vector<Block> give_all();

  // With one player left, and no other thread: the subject's statistics and the model agree.
  // `elsewhere` is what they said before the players came.
  void check_bytes_in_use(std::size_t elsewhere);
  // Frees every block, from the lowest address up.
  void free_all();

 private:
  Block& at(std::uint32_t id);
  void allocate(const Operation& operation);
  void free(const Operation& operation);
  void resize(const Operation& operation);
  void exchange(const Operation& operation);

  void measure(Block& block, const void* begin, std::size_t size, std::size_t align);
  void add(const Block& block);
  void check_contents(const Block& block, std::size_t size);
  void check_zeros(const Block& block);
  void free_block(const Block& block, const FreeWay& way);

  const std::size_t lane_;
  const std::uint64_t seed_;
  Place* const places_;
  Journal& journal_ = Journal::instance();
  std::uint64_t stamps_ = 0;
  LiveBlocks live_;
  std::pmr::vector<Block> blocks_{MappedMemory::instance()};  // by number
};

}  // namespace ralloc_test
