#include "global_pool/metadata.h"

#include <bit>
#include <new>
#include <utility>

#include "global_pool/bases.h"
#include "global_pool/limits.h"
#include "shim/config.h"
#include "shim/defences.h"
#include "shim/fatal.h"
#include "shim/log.h"
#include "shim/os.h"

namespace ralloc {
namespace {

// Each chunk at a random address of its own.
void* hint() {
  if constexpr (!Defences::kRandomBases) return nullptr;
  const std::uintptr_t page = os::page_size();
  const std::uintptr_t base = random_base(ShippedLimits::Memory::random(), 0);
  return reinterpret_cast<void*>(base / page * page);
}

}  // namespace

unsigned Metadata::size_index(std::size_t bytes) {
  DCHECK(bytes > 0 && bytes <= kMost);
  return bytes <= kLeast ? 0 : unsigned(std::bit_width(bytes - 1)) - 4;
}

void Metadata::push(void* piece, unsigned index) {
  free_pieces_[index] = new (piece) Piece{free_pieces_[index]};
  free_ += kLeast << index;
}

// What is free already becomes pieces, largest first; its begin is a multiple of 16, so low bits of
// the address say what fits there.
void Metadata::push_all(std::uintptr_t begin, std::uintptr_t end) {
  free_ -= end - begin;
  while (begin != end) {
    const std::size_t left = end - begin;
    const std::size_t natural = begin & (~begin + 1);
    const std::size_t size = std::bit_floor(natural < left ? natural : left);
    push(reinterpret_cast<void*>(begin), size_index(size));
    begin += size;
  }
}

bool Metadata::open_reserve() {
  if (reserve_ == 0) return false;
  const std::uintptr_t begin = std::exchange(reserve_, 0);
  push_all(begin, begin + kReserve);
  return true;
}

bool Metadata::map_chunk() {
  push_all(chunk_begin_, chunk_end_);
  chunk_begin_ = chunk_end_;
  std::size_t bytes = Config::kMetadataChunk;
  const std::size_t guard = Defences::kGuardsRecords ? os::page_size() : 0;
  const std::size_t reserved = bytes + 2 * guard;
  char* const begin = static_cast<char*>(os::reserve(reserved, os::page_size(), hint()));
  if (begin == nullptr) {
    log_warning("the OS does not reserve % bytes for records", reserved);
    return false;
  }
  char* chunk = begin + guard;
  if (!os::commit(chunk, bytes)) {
    log_warning("the OS does not commit % for records", Extent{chunk, bytes});
    // Guards are mappings, and the process may have too many: all of it needs none more.
    if (guard == 0 || !os::commit(begin, reserved)) {
      os::release(begin, reserved);
      return false;
    }
    chunk = begin;
    bytes = reserved;
  }
  log_debug("% is committed for records", Extent{chunk, bytes});
  (void)open_reserve();
  reserve_ = std::uintptr_t(chunk);
  chunk_begin_ = reserve_ + kReserve;
  chunk_end_ = reserve_ + bytes;
  mapped_ += bytes;
  guards_ += reserved - bytes;
  free_ += bytes;
  return true;
}

void* Metadata::cut(unsigned index) {
  for (unsigned larger = index + 1; larger < kSizes; ++larger) {
    Piece* const piece = free_pieces_[larger];
    if (piece == nullptr) continue;
    free_pieces_[larger] = piece->next;
    free_ -= kLeast << larger;
    while (larger-- > index) push(reinterpret_cast<char*>(piece) + (kLeast << larger), larger);
    return piece;
  }
  return nullptr;
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
    if (!map_chunk()) return cut(index);
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
  chunk_begin_ = chunk_end_ = reserve_ = 0;
  free_ = 0;
}

}  // namespace ralloc
