// Where the arrays of a pool lie: in the pool itself, and in chunks of records that it has to itself. So
// a magazine that grows needs the ledger's mutex, which is one for all threads, only for the next chunk.
//
// Thread safety: none; a pool's own thread alone touches it.
// Invariants: what is free lies in pieces of 2^k words, the first of which points to the next piece.
#pragma once

#include <bit>
#include <cstddef>
#include <new>

#include "global_pool/metadata.h"

namespace ralloc {

class Arrays {
 public:
  // Longer ones are no matter of chunks.
  static constexpr std::size_t kMostWords = 512;

  // The words are free from now on.
  void give(void** array, std::size_t words) {
    while (words != 0) {
      const std::size_t size = std::bit_floor(words < kMostWords ? words : kMostWords);
      void**& first = free_[size_index(size)];
      *array = first;
      first = array;
      array += size;
      words -= size;
    }
  }
  // 1 to kMostWords words, uninitialised, of the smallest free piece; null if none has so many.
  [[nodiscard]] void** take(std::size_t words) {
    for (unsigned i = size_index(words); i < kSizes; ++i) {
      void** const piece = free_[i];
      if (piece == nullptr) continue;
      free_[i] = static_cast<void**>(*piece);
      give(piece + words, (std::size_t{1} << i) - words);
      return piece;
    }
    return nullptr;
  }

  // How long a chunk should be in which an array of so many words fits: twice as long as the last, up
  // to kMostChunk.
  std::size_t next_chunk(std::size_t words) const {
    std::size_t bytes = chunks_ == nullptr ? kFirstChunk : 2 * chunks_->bytes;
    if (bytes > kMostChunk) bytes = kMostChunk;
    while (bytes < sizeof(MetadataChain) + std::bit_ceil(words) * sizeof(void*)) bytes *= 2;
    return bytes;
  }
  void add_chunk(void* memory, std::size_t bytes) {
    chunks_ = new (memory) MetadataChain{chunks_, bytes};
    give(reinterpret_cast<void**>(chunks_ + 1), (bytes - sizeof(MetadataChain)) / sizeof(void*));
  }
  // All of them, to give them back: no array may be in use any more.
  MetadataChain* chunks() const { return chunks_; }

 private:
  static constexpr std::size_t kFirstChunk = 2048;
  static constexpr std::size_t kMostChunk = 8192;
  static constexpr unsigned kSizes = std::bit_width(kMostWords);
  static unsigned size_index(std::size_t words) { return unsigned(std::bit_width(words - 1)); }

  void** free_[kSizes] = {};
  MetadataChain* chunks_ = nullptr;
};

}  // namespace ralloc
