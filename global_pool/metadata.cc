#include "global_pool/metadata.h"

#include <bit>
#include <new>

#include "shim/fatal.h"
#include "shim/log.h"
#include "shim/os.h"

namespace ralloc {

unsigned Metadata::size_index(std::size_t bytes) {
  DCHECK(bytes > 0 && bytes <= kMost);
  return bytes <= kLeast ? 0 : unsigned(std::bit_width(bytes - 1)) - 4;
}

void Metadata::push(void* piece, unsigned index) {
  free_pieces_[index] = new (piece) Piece{free_pieces_[index]};
  free_ += kLeast << index;
}

bool Metadata::map_chunk() {
  // What is left of the old chunk becomes pieces, largest first; its begin is a multiple
  // of 16, so low bits of the address say what fits there.
  while (chunk_begin_ != chunk_end_) {
    const std::size_t left = chunk_end_ - chunk_begin_;
    const std::size_t natural = chunk_begin_ & (~chunk_begin_ + 1);
    const std::size_t size = std::bit_floor(natural < left ? natural : left);
    push(reinterpret_cast<void*>(chunk_begin_), size_index(size));
    free_ -= size;  // it was counted with the chunk
    chunk_begin_ += size;
  }
  const std::size_t bytes = Config::kMetadataChunk;
  void* chunk = os::reserve(bytes, os::page_size(), nullptr);
  if (chunk == nullptr) {
    log_warning("the OS does not reserve % bytes for records", bytes);
    return false;
  }
  if (!os::commit(chunk, bytes)) {
    log_warning("the OS does not commit % for records", Extent{chunk, bytes});
    os::release(chunk, bytes);
    return false;
  }
  log_debug("% is committed for records", Extent{chunk, bytes});
  chunk_begin_ = std::uintptr_t(chunk);
  chunk_end_ = chunk_begin_ + bytes;
  mapped_ += bytes;
  free_ += bytes;
  return true;
}

void* Metadata::take(std::size_t bytes) {
  const unsigned index = size_index(bytes);
  const std::size_t size = kLeast << index;
  if (Piece* piece = free_pieces_[index]) {
    free_pieces_[index] = piece->next;
    free_ -= size;
    return piece;
  }
  const std::size_t align = size < 64 ? size : 64;
  std::uintptr_t begin = (chunk_begin_ + align - 1) & ~(align - 1);
  if (chunk_begin_ == 0 || begin + size > chunk_end_) {
    if (!map_chunk()) return nullptr;
    begin = chunk_begin_;
  }
  // The few bytes skipped for alignment are pieces of the smallest size.
  while (chunk_begin_ < begin) {
    push(reinterpret_cast<void*>(chunk_begin_), 0);
    free_ -= kLeast;
    chunk_begin_ += kLeast;
  }
  chunk_begin_ = begin + size;
  free_ -= size;
  return reinterpret_cast<void*>(begin);
}

void Metadata::give(void* piece, std::size_t bytes) { push(piece, size_index(bytes)); }

void Metadata::retire() {
  for (Piece*& head : free_pieces_) head = nullptr;
  chunk_begin_ = chunk_end_ = 0;
  free_ = 0;
}

}  // namespace ralloc
