// Records never overlap, are used again, and are counted.
#include "global_pool/metadata.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

#include "shim/config.h"
#include "shim/defences.h"
#include "shim/fatal.h"
#include "shim/sanitizer.h"
#include "tests/support/addresses.h"
#include "tests/support/child.h"
#include "tests/support/memory_access.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"

namespace ralloc {
namespace {

constexpr std::size_t kSizes[] = {16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384};

// All of the first chunk but its reserve.
void use_up(Metadata& metadata) {
  do {
    ASSERT_NE(metadata.take(16), nullptr);
  } while (metadata.free() != Metadata::kReserve);
}

TEST(MetadataTest, MapsNothingBeforeItIsAsked) {
  Metadata metadata;
  EXPECT_EQ(metadata.mapped(), 0u);
  EXPECT_EQ(metadata.free(), 0u);
}

TEST(MetadataTest, PiecesAreAlignedAndWritable) {
  Metadata metadata;
  for (const std::size_t size : kSizes) {
    for (const std::size_t bytes : {size, size / 2 + 1}) {
      void* piece = metadata.take(bytes);
      ASSERT_NE(piece, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece) % std::min<std::size_t>(size, 64), 0u);
      std::memset(piece, 1, bytes);
    }
  }
}

TEST(MetadataTest, EveryByteIsAccountedFor) {
  Metadata metadata;
  std::size_t out = 0;
  for (const std::size_t size : kSizes) {
    ASSERT_NE(metadata.take(size - 3), nullptr);
    out += size;
    EXPECT_EQ(metadata.mapped(), Config::kMetadataChunk);
    EXPECT_EQ(metadata.free(), Config::kMetadataChunk - out) << size;
  }
}

TEST(MetadataTest, UsesAPieceAgain) {
  Metadata metadata;
  void* const piece = metadata.take(100);
  void* const other = metadata.take(200);
  const std::size_t free = metadata.free();
  metadata.give(piece, 100);
  EXPECT_EQ(metadata.free(), free + 128);
  EXPECT_NE(metadata.take(30), piece) << "of another size";
  EXPECT_EQ(metadata.take(128), piece) << "of the same size";
  EXPECT_NE(other, piece);
}

TEST(MetadataTest, CutsUpWhatIsLeftOfAChunk) {
  Metadata metadata;
  // Odd ends: the largest pieces no longer fit when 16 KiB less 16 bytes are left.
  ASSERT_NE(metadata.take(16), nullptr);
  while (metadata.mapped() == Config::kMetadataChunk) ASSERT_NE(metadata.take(16384), nullptr);
  EXPECT_EQ(metadata.mapped(), 2 * Config::kMetadataChunk);
  const std::size_t left_over = metadata.free() - (Config::kMetadataChunk - 16384);
  EXPECT_GT(left_over, 8192u);
  // All of it can be had in smaller pieces, before the new chunk is touched.
  std::size_t had = 0;
  for (const std::size_t size : {8192, 4096, 2048, 1024, 512, 256, 128, 64, 32, 16}) {
    ASSERT_NE(metadata.take(size), nullptr);
    had += size;
  }
  EXPECT_LE(had, left_over);
  EXPECT_EQ(metadata.mapped(), 2 * Config::kMetadataChunk);
}

TEST(MetadataTest, ForgetsItsFreePieces) {
  Metadata metadata;
  void* const piece = metadata.take(64);
  metadata.give(piece, 64);
  metadata.retire();
  EXPECT_EQ(metadata.free(), 0u);
  EXPECT_EQ(metadata.mapped(), Config::kMetadataChunk);
  void* const fresh = metadata.take(64);
  ASSERT_NE(fresh, nullptr);
  EXPECT_NE(fresh, piece);
  EXPECT_EQ(metadata.mapped(), 2 * Config::kMetadataChunk) << "the old chunk is given up";
  metadata.give(piece, 64);  // records made before may still come
  EXPECT_EQ(metadata.take(64), piece);
}

TEST(MetadataTest, IsNullWithoutAddressesAndServesAgainWithThem) {
  Metadata metadata;
  ralloc_test::Addresses addresses;
  ASSERT_TRUE(addresses.are_refused());
  void* const refused = metadata.take(64);
  ASSERT_TRUE(addresses.come_back());
  EXPECT_EQ(refused, nullptr);
  EXPECT_EQ(metadata.mapped(), 0u);
  EXPECT_NE(metadata.take(64), nullptr);
}

TEST(MetadataTest, WithoutAddressesALargerPieceIsCut) {
  Metadata metadata;
  void* const large = metadata.take(16384);
  use_up(metadata);
  ralloc_test::Addresses addresses;
  ASSERT_TRUE(addresses.are_refused());
  void* const refused = metadata.take(16);
  metadata.give(large, 16384);
  char* const piece = static_cast<char*>(metadata.take(20));
  const std::size_t left = metadata.free();
  bool are_pieces = true;  // its other halves, one of each size
  for (std::size_t size = 32; size <= 8192; size *= 2) {
    are_pieces = metadata.take(size) == piece + size && are_pieces;
  }
  void* const none_left = metadata.take(16);
  ASSERT_TRUE(addresses.come_back());
  EXPECT_EQ(refused, nullptr);
  EXPECT_EQ(piece, large);
  EXPECT_EQ(left, 16384u - 32 + Metadata::kReserve);
  EXPECT_TRUE(are_pieces);
  EXPECT_EQ(none_left, nullptr);
  EXPECT_EQ(metadata.mapped(), Config::kMetadataChunk);
}

TEST(MetadataTest, WithoutAddressesTheReserveServesOnce) {
  Metadata metadata;
  EXPECT_FALSE(metadata.open_reserve()) << "it comes with the first chunk";
  use_up(metadata);
  ralloc_test::Addresses addresses;
  ASSERT_TRUE(addresses.are_refused());
  void* const refused = metadata.take(256);
  const bool was_opened = metadata.open_reserve();
  unsigned served = 0;
  while (metadata.take(256) != nullptr) ++served;
  const bool was_opened_again = metadata.open_reserve();
  ASSERT_TRUE(addresses.come_back());
  EXPECT_EQ(refused, nullptr);
  EXPECT_TRUE(was_opened);
  EXPECT_EQ(served, Metadata::kReserve / 256);
  EXPECT_FALSE(was_opened_again);
  EXPECT_EQ(metadata.free(), 0u);
  EXPECT_NE(metadata.take(256), nullptr);
  EXPECT_TRUE(metadata.open_reserve()) << "the next chunk has one too";
}

TEST(MetadataTest, InTheSecureBuildAChunkLiesBetweenInaccessiblePages) {
  if constexpr (Defences::kGuardsRecords) {
    Metadata metadata;
    char* const first = static_cast<char*>(metadata.take(16384));
    ASSERT_NE(first, nullptr);
    char* const chunk = first - Metadata::kReserve;
    char* const end = chunk + Config::kMetadataChunk;
    EXPECT_TRUE(ralloc_test::is_readable(chunk) && ralloc_test::is_readable(end - 1));
    EXPECT_FALSE(ralloc_test::is_readable(chunk - 1) || ralloc_test::is_readable(end));
  }
}

TEST(MetadataTest, InTheSecureBuildChunksLieAtRandomAddresses) {
  if constexpr (Defences::kRandomBases && !os::kSanitized) {
    Metadata metadata;
    const char* const chunk = static_cast<char*>(metadata.take(16384));
    while (metadata.mapped() == Config::kMetadataChunk) ASSERT_NE(metadata.take(16384), nullptr);
    const char* const next = static_cast<char*>(metadata.take(16384));
    EXPECT_GT(next < chunk ? chunk - next : next - chunk, std::ptrdiff_t(16 * kMiB));
  }
}

TEST(MetadataTest, PiecesNeverOverlap) {
  Metadata metadata;
  ralloc_test::Random random(ralloc_test::new_seed());
  std::map<std::uintptr_t, std::size_t> live;  // begin and size
  std::size_t out = 0;
  for (int step = 0; step < 20000; ++step) {
    if (live.size() < 300 && random.below(5) < 3) {
      const std::size_t size = kSizes[random.below(std::size(kSizes))];
      const auto begin = reinterpret_cast<std::uintptr_t>(metadata.take(size - random.below(8)));
      ASSERT_NE(begin, 0u);
      const auto after = live.lower_bound(begin);
      ASSERT_TRUE(after == live.end() || begin + size <= after->first);
      if (after != live.begin()) {
        const auto before = std::prev(after);
        ASSERT_LE(before->first + before->second, begin);
      }
      live[begin] = size;
      out += size;
    } else if (!live.empty()) {
      auto one = live.lower_bound(random.next());
      if (one == live.end()) one = live.begin();
      metadata.give(reinterpret_cast<void*>(one->first), one->second);
      out -= one->second;
      live.erase(one);
    }
    ASSERT_EQ(metadata.free() + out, metadata.mapped());
  }
}

TEST(MetadataDeathTest, DebugBuildsRefuseSizesThatNoPieceHas) {
  if constexpr (kDebug) {
    Metadata metadata;
    EXPECT_EXIT((void)metadata.take(0), testing::KilledBySignal(SIGABRT), "bytes > 0");
    EXPECT_EXIT((void)metadata.take(16385), testing::KilledBySignal(SIGABRT), "bytes > 0");
  }
}

}  // namespace
}  // namespace ralloc
