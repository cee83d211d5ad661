// Bytes behind what was asked for of a block, which nobody can guess: the first eight there, and the
// last eight of the block, or as many as there are. Who writes over the block's end changes the
// former, and who writes before the begin of the next one the latter.
//
// Thread safety: for who has the block.
// Invariants: where there is room for a byte behind a block there is one of the canary's.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "global_pool/block_states.h"
#include "shim/defences.h"

namespace ralloc {

// Of a block of `asked` bytes, of `room` that are accessible: a multiple of 8, and more than were
// asked for. Of each eight bytes up to its end the canary has as many as belong to nobody.
class CanaryPlace {
 public:
  CanaryPlace(void* block, std::size_t asked, std::size_t room)
      : behind_(static_cast<char*>(block) + asked),
        last_(static_cast<char*>(block) + room - kBytes),
        slack_(room - asked),
        turn_(unsigned(asked % kBytes) * 8) {}

  // With the program's bytes as they are.
  void write(std::uint64_t canary) const {
    if (slack_ > kBytes) return write_both(canary);
    const unsigned kept = program_bits();
    write(last_, (read(last_) & ~(~std::uint64_t{0} << kept)) | canary >> kept << kept);
  }
  // The same, where they are all zeros.
  void write_first(std::uint64_t canary) const {
    if (slack_ > kBytes) return write_both(canary);
    const unsigned kept = program_bits();
    write(last_, canary >> kept << kept);
  }
  bool has(std::uint64_t canary) const {
    const std::uint64_t last = read(last_) ^ canary;
    if (slack_ > kBytes) return (last | (read(behind_) ^ turned(canary))) == 0;
    return last >> program_bits() == 0;
  }

 private:
  static constexpr std::size_t kBytes = sizeof(std::uint64_t);

  // The two overlap, and so are of one pattern that goes on to the end.
  std::uint64_t turned(std::uint64_t canary) const { return std::rotr(canary, int(turn_)); }
  void write_both(std::uint64_t canary) const {
    write(behind_, turned(canary));
    write(last_, canary);
  }
  // Of the last eight bytes, at their begin; less than 64.
  unsigned program_bits() const { return unsigned(kBytes - slack_) * 8; }

  static std::uint64_t read(const char* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  static void write(char* at, std::uint64_t word) { std::memcpy(at, &word, sizeof word); }

  char* const behind_;
  char* const last_;
  const std::size_t slack_;  // at least 1
  const unsigned turn_;
};

inline bool has_room_for_canary(std::size_t asked, std::size_t room) {
  return Defences::kCanaries && asked < room;
}
inline void put_canary(void* block, std::size_t asked, std::size_t room) {
  if (!has_room_for_canary(asked, room)) return;
  CanaryPlace(block, asked, room).write(block_states.canary_of(block));
}
inline void clear_canary(void* block, std::size_t asked, std::size_t room) {
  if (!has_room_for_canary(asked, room)) return;
  CanaryPlace(block, asked, room).write(0);
}
inline bool has_canary(void* block, std::size_t asked, std::size_t room) {
  if (!has_room_for_canary(asked, room)) return true;
  return CanaryPlace(block, asked, room).has(block_states.canary_of(block));
}

}  // namespace ralloc
