// Bytes behind what was asked for of a block, which nobody can guess: the first eight there, and the
// last eight of the block. Who writes over the block's end changes the former, and who writes before
// the begin of the next one the latter. The very first is zero, so that a string that was not ended
// ends there when it is read; what a string's end writes too far it writes over a zero.
//
// Thread safety: for who has the block.
// Invariants: where there is a canary, nobody's bytes behind the block are eight at least.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "global_pool/block_states.h"
#include "shim/debugger.h"
#include "shim/defences.h"

namespace ralloc {

inline constexpr std::size_t kCanaryBytes = sizeof(std::uint64_t);
static_assert(!Defences::kCanaries || kRedZone == kCanaryBytes);

// Of a block of `asked` bytes, of `room` that are accessible, a multiple of 8.
class CanaryPlace {
 public:
  CanaryPlace(void* block, std::size_t asked, std::size_t room)
      : behind_(static_cast<char*>(block) + asked),
        last_(static_cast<char*>(block) + room - kCanaryBytes),
        turn_(unsigned(asked % kCanaryBytes) * 8) {}

  // The two may overlap, and so are of one pattern that goes on to the end.
  void write(std::uint64_t canary) const {
    const std::uint64_t word = with_zero(canary);
    write(behind_, std::rotr(word, int(turn_)));
    write(last_, word);
  }
  void clear() const {
    write(behind_, 0);
    write(last_, 0);
  }
  bool has(std::uint64_t canary) const {
    const std::uint64_t word = with_zero(canary);
    return ((read(last_) ^ word) | (read(behind_) ^ std::rotr(word, int(turn_)))) == 0;
  }

 private:
  std::uint64_t with_zero(std::uint64_t canary) const {
    return canary & ~(std::uint64_t{0xff} << turn_);
  }
  static std::uint64_t read(const char* at) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    return word;
  }
  static void write(char* at, std::uint64_t word) { std::memcpy(at, &word, sizeof word); }

  char* const behind_;
  char* const last_;
  const unsigned turn_;  // of the pattern, in bits
};

// Of large blocks the room ends with a page of the OS, perhaps at once: then a guard is there.
inline bool has_room_for_canary(std::size_t asked, std::size_t room) {
  return Defences::kCanaries && asked + kCanaryBytes <= room;
}
inline void put_canary(void* block, std::size_t asked, std::size_t room) {
  if (!has_room_for_canary(asked, room)) return;
  CanaryPlace(block, asked, room).write(block_states.canary_of(block));
}
inline void clear_canary(void* block, std::size_t asked, std::size_t room) {
  if (!has_room_for_canary(asked, room)) return;
  CanaryPlace(block, asked, room).clear();
}
inline bool has_canary(void* block, std::size_t asked, std::size_t room) {
  if (!has_room_for_canary(asked, room)) return true;
  return CanaryPlace(block, asked, room).has(block_states.canary_of(block));
}

// Whether the block was overwritten behind its end, or the next one before its begin. It is
// another's, who may free it at any time, and get it again: its canary is missing then for a moment.
inline bool is_overwritten(char* block, std::size_t block_size) {
  if (!block_states.is_seen_live(block)) return false;
  const std::size_t asked = block_size - block_states.slack_of(block);
  if (asked > block_size - kCanaryBytes) return false;  // the slack is just being changed
  const CanaryPlace place(block, asked, block_size);
  return !place.has(block_states.canary_of(block)) && block_states.is_seen_live(block);
}
[[gnu::cold, gnu::noinline]] inline bool is_still_overwritten(char* block, std::size_t block_size) {
  for (unsigned looks = 0; looks < 1000; ++looks) {
    if (!is_overwritten(block, block_size)) return false;
    StdSync::pause();
  }
  return true;
}

}  // namespace ralloc
