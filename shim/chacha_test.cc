// The block function is that of the published test vectors.
#include "shim/chacha.h"

#include <gtest/gtest.h>

#include <string>

namespace ralloc {
namespace {

// The words' bytes, as the specification orders them.
std::string hex(const std::uint32_t (&words)[16]) {
  std::string text;
  for (const std::uint32_t word : words) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
      const unsigned byte = word >> shift & 255;
      text += "0123456789abcdef"[byte >> 4];
      text += "0123456789abcdef"[byte & 15];
    }
  }
  return text;
}

// RFC 8439, 2.3.2.
TEST(ChaChaTest, HasTheBlockOfTheRfcInTwentyRounds) {
  ChaCha<20>::Key key;
  for (std::uint32_t i = 0; i < 8; ++i) key[i] = 0x03020100 + i * 0x04040404;
  ChaCha<20>::Block block;
  ChaCha<20>::block(key, 1, {0x09000000, 0x4a000000, 0}, block);
  EXPECT_EQ(hex(block),
            "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
            "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e");
}

// The vectors for ChaCha of 8 rounds: a key of zeros.
TEST(ChaChaTest, HasTheKnownBlockInEightRounds) {
  ChaCha<8>::Block block;
  ChaCha<8>::block({}, 0, {}, block);
  EXPECT_EQ(hex(block),
            "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e"
            "984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42");
}

TEST(ChaChaTest, DependsOnKeyCounterAndNonce) {
  ChaCha<8>::Block blocks[4];
  ChaCha<8>::block({}, 0, {}, blocks[0]);
  ChaCha<8>::block({1}, 0, {}, blocks[1]);
  ChaCha<8>::block({}, 1, {}, blocks[2]);
  ChaCha<8>::block({}, 0, {1}, blocks[3]);
  for (unsigned i = 0; i < 4; ++i) {
    for (unsigned k = 0; k < i; ++k) EXPECT_NE(hex(blocks[i]), hex(blocks[k])) << i << k;
  }
}

}  // namespace
}  // namespace ralloc
