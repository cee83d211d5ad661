// Bytes of blocks that are free: made zero, and looked at whether they still are.
//
// Written with vectors of the compiler's, which need no header of a machine: 16 bytes are one
// instruction on all that have any. Without a call up to 256 bytes, for most blocks are small.
//
// Thread safety: for who has the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace ralloc {

namespace detail {
typedef std::uint64_t Words16 __attribute__((vector_size(16), may_alias));
typedef std::uint64_t Words64 __attribute__((vector_size(64), may_alias, aligned(16)));
inline constexpr std::size_t kInline = 256;

inline bool is_zero(Words16 words) { return (words[0] | words[1]) == 0; }
}  // namespace detail

// `bytes` and the address are multiples of 16; at least 16 bytes.
[[gnu::always_inline]] inline bool is_all_zero(const void* begin, std::size_t bytes) {
  using namespace detail;
  const char* at = static_cast<const char*>(begin);
  const char* const end = at + bytes;
  Words16 seen{};
  for (; std::size_t(end - at) >= sizeof(Words64); at += sizeof(Words64)) {
    const auto* const words = reinterpret_cast<const Words16*>(at);
    seen |= (words[0] | words[1]) | (words[2] | words[3]);
  }
  for (; at != end; at += sizeof(Words16)) seen |= *reinterpret_cast<const Words16*>(at);
  return is_zero(seen);
}

// The same.
[[gnu::always_inline]] inline void make_zero(void* begin, std::size_t bytes) {
  using namespace detail;
  if (bytes > kInline) {
    std::memset(begin, 0, bytes);
    return;
  }
  char* at = static_cast<char*>(begin);
  char* const end = at + bytes;
  for (; std::size_t(end - at) >= sizeof(Words64); at += sizeof(Words64)) {
    *reinterpret_cast<Words64*>(at) = Words64{};
  }
  for (; at != end; at += sizeof(Words16)) *reinterpret_cast<Words16*>(at) = Words16{};
}

}  // namespace ralloc
