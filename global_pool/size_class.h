// The size classes: which block sizes exist, and how blocks of each lie in a span.
//
// Up to 1 KiB the classes are 16 bytes apart, so that there "the class of the size is the
// class of the span" means "the whole block". Above, eight classes lie in each doubling up
// to 8 KiB and four up to 32 KiB, which bounds the waste inside a block by 1/9 and 1/5.
// (With four throughout, sqlite, which asks for 4 KiB and a little, took 10 % more memory;
// with eight throughout, servers took more, in spans of many classes that are part full.)
//
// Each size has two classes. Blocks of the first are wholly the program's, as all of malloc's
// are. Of a block of the second, kSizes further on, fewer bytes were asked for, and its last
// bytes say how many (slack.h): so "this is the whole block" is known to the byte.
//
// Thread safety: constants and pure functions.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "shim/config.h"

namespace ralloc {

inline constexpr std::size_t kGrain = 16;  // of sizes, and the alignment of every block
inline constexpr std::size_t kFineMost = 1024;
inline constexpr std::size_t kSmallMost = 32 * kKiB;
inline constexpr unsigned kFineClasses = kFineMost / kGrain;
inline constexpr unsigned kMediumClasses = 8 * 3;  // to 8 KiB
inline constexpr unsigned kCoarseClasses = 4 * 2;  // to 32 KiB
inline constexpr unsigned kSizes = kFineClasses + kMediumClasses + kCoarseClasses;
inline constexpr unsigned kClasses = 2 * kSizes;

constexpr bool has_slack(unsigned size_class) { return size_class >= kSizes; }

struct SizeClass {
  std::uint32_t block_size;
  std::uint32_t pages;       // of a shard's first spans; later ones are longer
  std::uint32_t reciprocal;  // see block_index
  std::uint16_t first_room;  // blocks in a magazine's first array,
  std::uint16_t base_room;   // in the one it may always grow to if its thread has a shard alone,
  std::uint16_t most_room;   // and in its largest
};

namespace detail {

constexpr std::uint32_t block_size_of(unsigned size_class) {
  if (has_slack(size_class)) size_class -= kSizes;
  if (size_class < kFineClasses) return std::uint32_t((size_class + 1) * kGrain);
  const bool coarse = size_class >= kFineClasses + kMediumClasses;
  const unsigned step = size_class - kFineClasses - (coarse ? kMediumClasses : 0);
  const unsigned in_doubling = coarse ? 4 : 8;
  const std::size_t base = (coarse ? kFineMost << 3 : kFineMost) << (step / in_doubling);
  return std::uint32_t(base / in_doubling * (in_doubling + 1 + step % in_doubling));
}

// At least 16 blocks up to 4 KiB and 8 above; at most 7 % is lost at the end.
constexpr std::uint32_t span_pages_of(std::uint32_t block_size) {
  const std::size_t bytes = std::bit_ceil(block_size) * std::size_t(block_size <= 4096 ? 16 : 8);
  return bytes >> Config::kPageShift == 0 ? 1 : std::uint32_t(bytes >> Config::kPageShift);
}

constexpr std::uint16_t first_room_of(std::uint32_t block_size) {
  return block_size <= 64 ? 15 : block_size <= 512 ? 7 : 3;
}
// Arrays of 2^k - 1 blocks: with the null under them they fill 2^k words.
constexpr std::uint16_t room_for(std::size_t bytes, std::size_t block_size, std::size_t least) {
  std::size_t blocks = bytes / block_size;
  if (blocks > Config::kMagazineBlocks) blocks = Config::kMagazineBlocks;
  const std::size_t room = std::bit_floor(blocks + 1) - 1;
  return std::uint16_t(room < least ? least : room);
}

constexpr std::array<SizeClass, kClasses> make_size_classes() {
  std::array<SizeClass, kClasses> classes{};
  for (unsigned c = 0; c < kClasses; ++c) {
    const std::uint32_t size = block_size_of(c);
    classes[c] = {size,
                  span_pages_of(size),
                  std::uint32_t((std::uint64_t{1} << 31) / (size / kGrain) + 1),
                  first_room_of(size),
                  room_for(Config::kMagazineBaseBytes, size, 3),
                  room_for(Config::kMagazineBytes, size, first_room_of(size))};
  }
  return classes;
}

// The class of each size over 1 KiB, by (size - 1) / 128: every such class is a multiple.
inline constexpr unsigned kCoarseShift = 7;
constexpr std::array<std::uint16_t, (kSmallMost >> kCoarseShift)> make_class_of_coarse_size() {
  std::array<std::uint16_t, (kSmallMost >> kCoarseShift)> table{};
  unsigned c = kFineClasses;
  for (std::size_t i = kFineMost >> kCoarseShift; i < table.size(); ++i) {
    while (block_size_of(c) < (i + 1) << kCoarseShift) ++c;
    table[i] = std::uint16_t(c);
  }
  return table;
}

inline constexpr auto kSizeClasses = make_size_classes();
inline constexpr auto kClassOfCoarseSize = make_class_of_coarse_size();

}  // namespace detail

constexpr const SizeClass& size_class_info(unsigned size_class) {
  return detail::kSizeClasses[size_class];
}

// The pages of the next span of a shard that has `spans` of a class: up to 64 blocks for
// classes that it holds much of, so that these come and go cheaply, and few for the others,
// since a span that is part full keeps its memory.
constexpr std::uint32_t span_pages(unsigned size_class, std::size_t spans) {
  const SizeClass& info = size_class_info(size_class);
  const std::uint32_t longer = info.pages << (spans < 4 ? 0 : spans < 8 ? 1 : spans < 16 ? 2 : 3);
  const std::uint32_t most = std::uint32_t(info.block_size * std::size_t{64} >> Config::kPageShift);
  return longer < most ? longer : most < info.pages ? info.pages : most;
}

// The smallest class that holds `size` bytes, 1 <= size <= kSmallMost.
constexpr unsigned size_class_of(std::size_t size) {
  return size <= kFineMost ? unsigned((size - 1) / kGrain)
                           : detail::kClassOfCoarseSize[(size - 1) >> detail::kCoarseShift];
}

// The smallest class that holds `size` bytes and whose blocks all lie at multiples of
// `align`, a power of two up to kSmallMost; spans begin at a page, so its size must be a
// multiple. kSizes if there is none.
constexpr unsigned size_class_of(std::size_t size, std::size_t align) {
  std::size_t rounded = (size + align - 1) & ~(align - 1);
  if (rounded > kSmallMost) return kSizes;
  unsigned c = size_class_of(rounded);
  while (c < kSizes && (size_class_info(c).block_size & (align - 1)) != 0) ++c;
  return c;
}

// offset / block_size for an offset within a span, without a division. Exact because the
// rounding of the reciprocal adds less than (offset / 16) / 2^31 * (block_size / 16) < 1.
constexpr std::uint32_t block_index(std::uint64_t offset, std::uint64_t reciprocal) {
  return std::uint32_t(offset / kGrain * reciprocal >> 31);
}

}  // namespace ralloc
