// The model: which bytes of the address space are live, one bit for each.
//
// Thread safety: any thread, for bytes that are its own to add or remove; two that add the same
// byte are noticed, whoever comes second. Until `share` the calls cost less, and come from one
// thread.
// Invariants: (1) a chunk of 1 KiB says how many of its bytes are live; (2) where all are, and
// one piece covers it, its bits may all be 0; else its bits say which; (3) before two pieces
// share a chunk, it has bits.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ralloc_test {

class LiveBytes {
 public:
  static LiveBytes& instance();

  void share() { shared_ = true; }

  // False if one of them was live; then the process can only report that.
  [[nodiscard]] bool add(std::uintptr_t begin, std::size_t size);
  // False if one of them was not live.
  [[nodiscard]] bool remove(std::uintptr_t begin, std::size_t size);
  // Two pieces from now on meet at `at`, both the caller's, and live bytes of a piece until now.
  void divide(std::uintptr_t at);

 private:
  static constexpr std::size_t kChunk = 1024;
  static constexpr std::size_t kWords = kChunk / 64;
  static constexpr std::size_t kRegion = std::size_t{1} << 30;
  static constexpr std::size_t kRegions = (std::size_t{1} << 47) / kRegion;
  static constexpr std::size_t kChunks = kRegion / kChunk;

  using Count = std::atomic<std::uint16_t>;
  using Bits = std::atomic<std::uint64_t>;
  // Mapped, and so all 0, when the first byte of it is live.
  struct Region {
    Count counts[kChunks];
    Bits bits[kChunks][kWords];
  };

  Region& region_of(std::uintptr_t address);
  Region* map_region(std::uintptr_t address);
  template <bool kAlone>
  bool change(std::uintptr_t begin, std::uintptr_t end, bool live);
  template <bool kAlone>
  static bool change_bits(Bits* bits, std::size_t from, std::size_t to, bool live);

  bool shared_;
  std::atomic<Region*> regions_[kRegions];
};

}  // namespace ralloc_test
