#include "model/live_bytes.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

#include "support/process.h"

namespace ralloc_test {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void* map_zeros(std::size_t size) {
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  return memory;
}

// Adds to the value and returns what it was. Plain where nobody else comes.
template <bool kAlone, class T>
T fetch_add(std::atomic<T>& value, T more) {
  if constexpr (!kAlone) return value.fetch_add(more, kRelaxed);
  const T old = value.load(kRelaxed);
  value.store(T(old + more), kRelaxed);
  return old;
}

}  // namespace

LiveBytes& LiveBytes::instance() {
  // Never constructed: what is mapped is all 0, and so are no regions and no live bytes.
  static LiveBytes* const live = static_cast<LiveBytes*>(map_zeros(sizeof(LiveBytes)));
  return *live;
}

LiveBytes::Region* LiveBytes::map_region(std::uintptr_t address) {
  Region* fresh = static_cast<Region*>(map_zeros(sizeof(Region)));
  Region* expected = nullptr;
  // Relaxed: a region is all 0 to whoever sees it.
  if (regions_[address / kRegion].compare_exchange_strong(expected, fresh, kRelaxed, kRelaxed)) {
    return fresh;
  }
  munmap(fresh, sizeof(Region));
  return expected;
}

inline LiveBytes::Region& LiveBytes::region_of(std::uintptr_t address) {
  REQUIRE(address < kRegions * kRegion);
  Region* region = regions_[address / kRegion].load(kRelaxed);
  return region != nullptr ? *region : *map_region(address);
}

// Bits [from, to) of a chunk; false if one was as it should become.
template <bool kAlone>
bool LiveBytes::change_bits(Bits* bits, std::size_t from, std::size_t to, bool live) {
  std::uint64_t wrong = 0;
  while (from < to) {
    const std::size_t end = std::min(to, (from | 63) + 1);
    const std::uint64_t mask = (~std::uint64_t{0} >> (64 - (end - from))) << (from % 64);
    Bits& word = bits[from / 64];
    std::uint64_t old;
    if (kAlone) {
      old = word.load(kRelaxed);
      word.store(old ^ mask, kRelaxed);
    } else {
      old = word.fetch_xor(mask, kRelaxed);
    }
    wrong |= (live ? old : ~old) & mask;
    from = end;
  }
  return wrong == 0;
}

template <bool kAlone>
bool LiveBytes::change(std::uintptr_t begin, std::uintptr_t end, bool live) {
  bool good = true;
  while (begin < end) {
    Region& region = region_of(begin);
    const std::size_t chunk = begin / kChunk % kChunks;
    const std::size_t from = begin % kChunk;
    const std::size_t to = std::min(kChunk, from + (end - begin));
    const auto size = std::uint16_t(to - from);
    Bits* bits = region.bits[chunk];
    // Bits, then the count, and back the other way: a chunk that counts as full has all bits, or
    // none (2).
    if (live) {
      if (size != kChunk) good &= change_bits<kAlone>(bits, from, to, true);
      good &= fetch_add<kAlone>(region.counts[chunk], size) + size <= int(kChunk);
    } else {
      good &= fetch_add<kAlone>(region.counts[chunk], std::uint16_t(-size)) >= size;
      if (size != kChunk || bits[0].load(kRelaxed) != 0) {
        good &= change_bits<kAlone>(bits, from, to, false);
      }
    }
    begin += size;
  }
  return good;
}

bool LiveBytes::add(std::uintptr_t begin, std::size_t size) {
  return shared_ ? change<false>(begin, begin + size, true)
                 : change<true>(begin, begin + size, true);
}

bool LiveBytes::remove(std::uintptr_t begin, std::size_t size) {
  return shared_ ? change<false>(begin, begin + size, false)
                 : change<true>(begin, begin + size, false);
}

void LiveBytes::divide(std::uintptr_t at) {
  if (at % kChunk == 0) return;
  Region& region = region_of(at);
  Bits* bits = region.bits[at / kChunk % kChunks];
  // Of the caller's last byte before it nobody else changes the bit; of the others' anything may be
  // seen, for they come and go.
  const std::size_t last = (at - 1) % kChunk;
  if ((bits[last / 64].load(kRelaxed) >> (last % 64) & 1) != 0) return;
  // One piece covers the chunk, and it is the caller's: nobody else is here.
  for (std::size_t i = 0; i < kWords; ++i) bits[i].store(~std::uint64_t{0}, kRelaxed);
}

}  // namespace ralloc_test
