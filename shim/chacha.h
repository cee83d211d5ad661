// The block function of ChaCha (RFC 8439): 64 bytes that nobody tells from random ones without
// the key. The number of rounds is a parameter: 20 are the RFC's, 8 are what no attack comes near.
//
// Thread safety: functions of their arguments.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace ralloc {

template <unsigned kRounds>
struct ChaCha {
  static_assert(kRounds % 2 == 0, "a column round and a diagonal round each time");
  static constexpr std::size_t kKeyWords = 8;
  static constexpr std::size_t kNonceWords = 3;
  static constexpr std::size_t kWords = 16;

  using Key = std::uint32_t[kKeyWords];
  using Nonce = std::uint32_t[kNonceWords];
  using Block = std::uint32_t[kWords];

  // Block number `counter` of the stream of this key and nonce, as words; `out` is elsewhere.
  static constexpr void block(const Key& key, std::uint32_t counter, const Nonce& nonce,
                              Block& out) noexcept {
    // "expand 32-byte k", in words.
    Block in = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
    for (std::size_t i = 0; i < kKeyWords; ++i) in[4 + i] = key[i];
    in[12] = counter;
    for (std::size_t i = 0; i < kNonceWords; ++i) in[13 + i] = nonce[i];
    for (std::size_t i = 0; i < kWords; ++i) out[i] = in[i];
    for (unsigned round = 0; round < kRounds; round += 2) {
      for (unsigned i = 0; i < 4; ++i) mix(out, i, 0);
      for (unsigned i = 0; i < 4; ++i) mix(out, i, 1);
    }
    for (std::size_t i = 0; i < kWords; ++i) out[i] += in[i];
  }

 private:
  // The quarter round on one word of each row: each row's is `slant` to the right of the last's.
  static constexpr void mix(Block& x, unsigned column, unsigned slant) noexcept {
    std::uint32_t& a = x[column];
    std::uint32_t& b = x[4 + (column + slant) % 4];
    std::uint32_t& c = x[8 + (column + 2 * slant) % 4];
    std::uint32_t& d = x[12 + (column + 3 * slant) % 4];
    a += b, d = std::rotl(d ^ a, 16);
    c += d, b = std::rotl(b ^ c, 12);
    a += b, d = std::rotl(d ^ a, 8);
    c += d, b = std::rotl(b ^ c, 7);
  }
};

}  // namespace ralloc
