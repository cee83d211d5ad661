// A live block as the model knows it: where it lies, and what the program wrote there.
//
// Thread safety: none; a block belongs to one thread's model at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/subject.h"

namespace ralloc_test {

struct Block {
  unsigned char* begin = nullptr;
  std::size_t size = 0;     // asked for
  std::size_t usable = 0;   // taken up
  std::size_t written = 0;  // of it carries the stamp
  std::size_t align = 16;
  std::uint64_t stamp = 0;
  Family family = kPlain;

  // A block of no bytes still has an address of its own.
  std::uintptr_t first() const { return reinterpret_cast<std::uintptr_t>(begin); }
  std::uintptr_t end() const { return first() + (written != 0 ? written : 1); }
};

// The contents follow from the stamp: each word differs from those around it and from those
// of other blocks, so that bytes lost, moved or mixed up are noticed.
inline std::uint64_t stamp_word(std::uint64_t stamp, std::size_t word) {
  return stamp + word * 0x9e3779b97f4a7c15;
}

// Writes bytes [from, to); may rewrite up to 7 before them with what they have.
inline void write_stamp(unsigned char* begin, std::size_t from, std::size_t to,
                        std::uint64_t stamp) {
  std::size_t word = from / 8;
  for (; (word + 1) * 8 <= to; ++word) {
    const std::uint64_t value = stamp_word(stamp, word);
    std::memcpy(begin + word * 8, &value, 8);
  }
  const std::uint64_t value = stamp_word(stamp, word);
  if (word * 8 < to) std::memcpy(begin + word * 8, &value, to - word * 8);
}

inline unsigned char stamp_byte(std::uint64_t stamp, std::size_t offset) {
  const std::uint64_t value = stamp_word(stamp, offset / 8);
  unsigned char bytes[8];
  std::memcpy(bytes, &value, 8);
  return bytes[offset % 8];
}

// The first of `size` bytes that differs from the stamp; `size` if none does.
inline std::size_t find_damage(const unsigned char* begin, std::size_t size, std::uint64_t stamp) {
  constexpr std::size_t kStride = 64;  // words compared at once
  std::size_t word = 0;
  for (; (word + kStride) * 8 <= size; word += kStride) {
    std::uint64_t difference = 0;
    for (std::size_t i = 0; i < kStride; ++i) {
      std::uint64_t value;
      std::memcpy(&value, begin + (word + i) * 8, 8);
      difference |= value ^ stamp_word(stamp, word + i);
    }
    if (difference != 0) break;
  }
  std::size_t offset = word * 8;
  while (offset < size && begin[offset] == stamp_byte(stamp, offset)) ++offset;
  return offset;
}

}  // namespace ralloc_test
