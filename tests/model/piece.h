// What the model knows of a live piece of memory: a block, or what is left of one of which
// parts were freed.
//
// Thread safety: none; a piece belongs to one thread's model at a time.
// Invariants: the bytes that contents.h names carry the stamp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/subject.h"

namespace ralloc_test {

struct Piece {
  unsigned char* begin = nullptr;
  std::size_t size = 0;      // asked for, or left
  std::size_t extent = 0;    // bytes that are the program's: the size, or all usable ones
  std::size_t usable = 0;    // as the subject says; 0 where it cannot be asked
  std::size_t align = 1;     // asked for
  std::size_t position = 0;  // of the first byte in the stamp's stream
  std::uint64_t stamp = 0;
  std::uint32_t root = 0;    // the number of the block that it is a piece of
  Family family = kPlain;
  std::uint8_t period = 0;   // contents.h

  std::uintptr_t first() const { return reinterpret_cast<std::uintptr_t>(begin); }
  // A block of no bytes still has an address of its own.
  std::size_t taken() const { return extent != 0 ? extent : 1; }

  // The piece from `offset` on, `length` bytes of this one.
  Piece part(std::size_t offset, std::size_t length) const {
    Piece rest = *this;
    rest.begin += offset;
    rest.position += offset;
    rest.size = rest.extent = length;
    rest.usable = 0;
    rest.align = offset == 0 ? align : 1;
    return rest;
  }
};

}  // namespace ralloc_test
