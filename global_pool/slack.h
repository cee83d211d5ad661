// How many bytes of a block were not asked for, kept in the last of these bytes.
//
// Thread safety: the last bytes of a block whose class has slack are ours. Who has all of the
// block may write them; who has a part of it may read them, since the others then have parts
// too, and none of them writes.
// Invariants: a block of such a class has at least one byte of slack; in the debugger build at
// least the red zone, whose last four bytes say it. In the security build the slack is out of
// line, with the block's state, and these bytes are the canary's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "global_pool/block_states.h"
#include "global_pool/size_class.h"
#include "shim/debugger.h"

namespace ralloc {

// The last byte says it, or that the four before it do.
inline constexpr unsigned char kLongSlack = 255;

inline void write_slack(void* block, std::size_t block_size, std::size_t slack) {
  if constexpr (Defences::kStates) return block_states.set(block, BlockState::kLive, slack);
  if constexpr (kDebugger) {
    char* const end = static_cast<char*>(block) + block_size;
    return debugger::write_hidden(end - sizeof(std::uint32_t), std::uint32_t(slack));
  }
  unsigned char* const last = static_cast<unsigned char*>(block) + block_size - 1;
  if (slack < kLongSlack) {
    *last = static_cast<unsigned char>(slack);
    return;
  }
  const std::uint32_t value = std::uint32_t(slack);
  std::memcpy(last - sizeof value, &value, sizeof value);
  *last = kLongSlack;
}

inline std::size_t read_slack(const void* block, std::size_t block_size) {
  if constexpr (Defences::kStates) return block_states.slack_of(block);
  if constexpr (kDebugger) {
    const char* const end = static_cast<const char*>(block) + block_size;
    return debugger::read_hidden(end - sizeof(std::uint32_t));
  }
  const unsigned char* const last = static_cast<const unsigned char*>(block) + block_size - 1;
  if (*last != kLongSlack) return *last;
  std::uint32_t value;
  std::memcpy(&value, last - sizeof value, sizeof value);
  return value;
}

}  // namespace ralloc
