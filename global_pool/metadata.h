// Memory for the allocator's own records, in mappings of its own, so that no overflow or
// write after free of the program's blocks reaches them.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: pieces are powers of two from 16 bytes to 16 KiB, aligned to min(size, 64).
#pragma once

#include <cstddef>
#include <cstdint>

namespace ralloc {

// The first words of a piece that says itself how long it is, and which the next one is.
struct MetadataChain {
  MetadataChain* next;
  std::size_t bytes;
};

class Metadata {
 public:
  static constexpr std::size_t kLeast = 16;
  static constexpr std::size_t kMost = 16384;
  static constexpr std::size_t kReserve = 1024;

  // A piece, uninitialised, of at least `bytes` (1 to kMost); null if the OS has no memory, and no
  // larger piece is free.
  [[nodiscard]] void* take(std::size_t bytes);
  // The first kReserve bytes of a chunk become ordinary pieces: enough for the records that it takes to
  // give memory back to the OS, and so to get more. The next chunk has others. False if they are gone.
  [[nodiscard]] bool open_reserve();
  // Gives a piece back that was taken with as many bytes.
  void give(void* piece, std::size_t bytes);
  // Forgets all free pieces: they may be half linked after a fork.
  void retire();

  // Bytes mapped, and of these the free ones.
  std::size_t mapped() const { return mapped_; }
  std::size_t free() const { return free_; }
  // Addresses around them that are inaccessible, in the security build.
  std::size_t guards() const { return guards_; }

 private:
  struct Piece {
    Piece* next;
  };
  static constexpr unsigned kSizes = 11;  // 2^4 to 2^14
  static unsigned size_index(std::size_t bytes);
  void push(void* piece, unsigned index);
  void push_all(std::uintptr_t begin, std::uintptr_t end);
  bool map_chunk();
  // A piece that is what is left of a larger one, whose halves are pieces now; null if there is
  // none. They are never whole again, so it is for want of memory alone.
  void* cut(unsigned index);

  Piece* free_pieces_[kSizes] = {};
  std::uintptr_t chunk_begin_ = 0;  // of the part not yet cut into pieces
  std::uintptr_t chunk_end_ = 0;
  std::uintptr_t reserve_ = 0;  // counted as free; 0 if there is none
  std::size_t mapped_ = 0;
  std::size_t free_ = 0;
  std::size_t guards_ = 0;
};

}  // namespace ralloc
