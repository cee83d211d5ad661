// A stream of bytes that follows from a stamp: what the tests write into memory, to know it
// again at any byte.
//
// Thread safety: pure functions of what they are given.
// Invariants: a byte follows from the stamp and its position in the stream alone, so any piece
// of what was written can be checked by itself. Words differ from those around them and from
// those of other stamps: bytes lost, moved or mixed up are noticed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ralloc_test {

inline constexpr std::uint64_t kStampStep = 0x9e3779b97f4a7c15;

// The 8 bytes of the stream from `position` on, lowest first.
inline std::uint64_t stamp_at(std::uint64_t stamp, std::size_t position) {
  const std::uint64_t word = stamp + position / 8 * kStampStep;
  const unsigned shift = unsigned(position % 8) * 8;
  return shift == 0 ? word : word >> shift | (word + kStampStep) << (64 - shift);
}

inline unsigned char stamp_byte(std::uint64_t stamp, std::size_t position) {
  return static_cast<unsigned char>(stamp_at(stamp, position));
}

// Writes `size` bytes of the stream, from `position` on.
inline void write_stamp(unsigned char* begin, std::size_t size, std::size_t position,
                        std::uint64_t stamp) {
  if (size < 8) {
    for (std::size_t i = 0; i < size; ++i) begin[i] = stamp_byte(stamp, position + i);
    return;
  }
  std::size_t offset = 0;
  for (; offset + 8 <= size; offset += 8) {
    const std::uint64_t value = stamp_at(stamp, position + offset);
    std::memcpy(begin + offset, &value, 8);
  }
  // The last 8 again where some are left: they have the same contents.
  const std::uint64_t last = stamp_at(stamp, position + size - 8);
  std::memcpy(begin + size - 8, &last, 8);
}

// The first of `size` bytes that is not the stream's; `size` if all are.
inline std::size_t find_damage(const unsigned char* begin, std::size_t size, std::size_t position,
                               std::uint64_t stamp) {
  std::size_t offset = 0;
  for (; offset + 8 <= size; offset += 8) {
    std::uint64_t value;
    std::memcpy(&value, begin + offset, 8);
    if (value != stamp_at(stamp, position + offset)) break;
  }
  while (offset < size && begin[offset] == stamp_byte(stamp, position + offset)) ++offset;
  return offset;
}

}  // namespace ralloc_test
