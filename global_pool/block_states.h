// A state for every block, out of line: one byte for each 16 bytes of the arena's window. That of
// a block's first 16 says whether it is the program's, and how many of its bytes were not asked
// for. So a block has its exact size, and a free of what is not a block, or not any more, is
// certain to be told. And a number for each page that nobody knows, which canaries are made of.
//
// Nothing may be asked of pages that were never covered; the page map knows which were.
//
// Like the page map it is an array over a window of addresses, indexed by their low bits; reserved
// readable, and made writable where the arena is. It takes a sixteenth of the memory of the blocks.
//
// Thread safety: who has a block alone may change its bytes here. `take_back` may be called by
// anybody: of several threads that take the same block back one is told that it was live. Covering
// is the ledger's, under its mutex.
// Invariants: no byte but that of a block's begin is live or free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "global_pool/size_class.h"
#include "shim/defences.h"
#include "shim/os.h"
#include "shim/sync.h"

namespace ralloc {

// A byte: what the block is, and its slack, or that the next three bytes have the slack.
class BlockState {
 public:
  enum Kind : std::uint8_t {
    kNothing = 0x00,  // no block begins here
    kFree = 0x40,     // free since it was a block
    kLive = 0x80,
    kBroken = 0xc0,  // live, but for parts that were freed
  };
  static constexpr std::uint8_t kLongSlack = 0x3f;

  constexpr explicit BlockState(std::uint8_t byte) : byte_(byte) {}
  constexpr BlockState(Kind kind, std::size_t slack)
      : byte_(std::uint8_t(kind | (slack < kLongSlack ? slack : kLongSlack))) {}

  constexpr std::uint8_t byte() const { return byte_; }
  constexpr Kind kind() const { return Kind(byte_ & 0xc0); }
  constexpr bool has_long_slack() const { return (byte_ & kLongSlack) == kLongSlack; }
  constexpr std::size_t short_slack() const { return byte_ & kLongSlack; }

 private:
  std::uint8_t byte_;
};

template <class Sync, class Memory>
class BlockStates {
  using Byte = typename Sync::template Atomic<std::uint8_t>;

 public:
  static constexpr std::size_t kGrainsInPage = (std::size_t{1} << Config::kPageShift) / kGrain;

  constexpr BlockStates() = default;

  // --- Covering ------------------------------------------------------------------------------
  // For the ledger, under its mutex, once, before all else: there is a window of so many pages, a
  // power of two. False if there are not so many addresses; a smaller one may do.
  [[nodiscard]] bool open(std::size_t window) {
    char* const memory = static_cast<char*>(
        Memory::reserve_zeros(window * (kGrainsInPage * sizeof(Byte) + sizeof(std::uint64_t))));
    if (memory == nullptr) return false;
    bytes_.store(reinterpret_cast<Byte*>(memory), Sync::kRelaxed);
    seeds_.store(reinterpret_cast<std::uint64_t*>(memory + window * kGrainsInPage), Sync::kRelaxed);
    mask_.store((window << Config::kPageShift) - 1, Sync::kRelaxed);
    return true;
  }
  std::size_t window() const { return (mask_.load(Sync::kRelaxed) >> Config::kPageShift) + 1; }
  // For the ledger, under its mutex: the pages will have blocks. False if memory is short.
  [[nodiscard]] bool cover(std::uintptr_t page, std::size_t pages) {
    return for_parts(page, pages, [this](std::size_t first, std::size_t count) {
      return commit(first, count);
    });
  }
  // Whoever alone has the pages, with no lock held: no block begins in them, and what says so needs
  // no backing.
  void purge(std::uintptr_t page, std::size_t pages) {
    (void)for_parts(page, pages, [this](std::size_t first, std::size_t count) {
      purge_range(first, count);
      return true;
    });
  }
  // Whoever alone has the pages: no block begins in them, and their canaries are made anew.
  void begin_pages(std::uintptr_t page, std::size_t pages, std::uint64_t secret) {
    for (std::size_t i = 0; i < pages; ++i) {
      const std::uintptr_t address = (page + i) << Config::kPageShift;
      Byte* const bytes = &byte_of(address);
      Memory::clear(bytes, kGrainsInPage);
      seed_of(address) = secret;
      secret += kGolden;
    }
  }
  // The same of pages that are to be one large block.
  void begin_large(const void* block, std::uint64_t secret) {
    seed_of(address_of(block)) = secret;
  }

  // --- Blocks --------------------------------------------------------------------------------
  BlockState state_of(const void* block) const {
    return BlockState(byte_of(address_of(block)).load(Sync::kRelaxed));
  }
  // Of another's block: if it is live, its canary lies behind it. (Not so for long: who has it may
  // free it at any time.)
  bool is_seen_live(const void* block) const {
    // Acquire pairs with the release in set().
    return BlockState(byte_of(address_of(block)).load(Sync::kAcquire)).kind() == BlockState::kLive;
  }
  // Of a block that is live or broken.
  std::size_t slack_of(const void* block) const { return slack_of(block, state_of(block)); }
  std::size_t slack_of(const void* block, BlockState state) const {
    return slack_of(&byte_of(address_of(block)), state);
  }
  // For who has the block: it is live, or broken, with so much slack; or being changed: nothing.
  void set(void* block, BlockState::Kind kind, std::size_t slack) {
    Byte* const bytes = &byte_of(address_of(block));
    const BlockState state(kind, slack);
    if (state.has_long_slack()) {
      for (unsigned i = 0; i < kLongBytes; ++i) {
        bytes[1 + i].store(std::uint8_t(slack >> (kLongBits * i) & kLongMask), Sync::kRelaxed);
      }
    }
    // Release pairs with the acquire in is_seen_live(): the canary comes first.
    bytes[0].store(state.byte(), Sync::kRelease);
  }
  // For who has the block, with the slack that it has.
  void set_kind(void* block, BlockState::Kind kind) {
    Byte& byte = byte_of(address_of(block));
    byte.store(std::uint8_t((byte.load(Sync::kRelaxed) & ~0xc0u) | kind), Sync::kRelaxed);
  }
  // Makes it free, and says what it was. Relaxed: who may free the block was handed it, by a
  // message that carries all the rest; and of two who may not, either may be told.
  template <bool kExchanges>
  BlockState take_back(void* block) {
    Byte& byte = byte_of(address_of(block));
    if constexpr (kExchanges) {
      return BlockState(byte.exchange(BlockState::kFree, Sync::kRelaxed));
    } else {
      const BlockState was(byte.load(Sync::kRelaxed));
      byte.store(BlockState::kFree, Sync::kRelaxed);
      return was;
    }
  }
  // What it was after all.
  void restore(void* block, BlockState state) {
    byte_of(address_of(block)).store(state.byte(), Sync::kRelaxed);
  }

  // Eight bytes for behind the block, the same while it is live; who does not know its page's number
  // cannot guess them.
  std::uint64_t canary_of(const void* block) const {
    std::uint64_t x = address_of(block) ^ seed_of(address_of(block));
    x *= kGolden;
    return x ^ x >> 32;
  }

 private:
  // 2^64 by the golden ratio, odd: as a factor it spreads all bits upwards.
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
  static constexpr unsigned kLongBytes = 3;
  static constexpr unsigned kLongBits = 6;  // so that such a byte is `nothing`
  static constexpr unsigned kLongMask = (1u << kLongBits) - 1;
  static_assert(kSmallMost < std::size_t{1} << (kLongBits * kLongBytes));

  static std::uintptr_t address_of(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

  // Relaxed: whoever asks was handed a block of a covered page, and so comes after open().
  Byte& byte_of(std::uintptr_t address) const {
    const std::uintptr_t mask = mask_.load(Sync::kRelaxed);
    return bytes_.load(Sync::kRelaxed)[(address & mask) / kGrain];
  }
  std::uint64_t& seed_of(std::uintptr_t address) const {
    const std::uintptr_t mask = mask_.load(Sync::kRelaxed);
    return seeds_.load(Sync::kRelaxed)[(address & mask) >> Config::kPageShift];
  }

  std::size_t slack_of(const Byte* bytes, BlockState state) const {
    if (!state.has_long_slack()) return state.short_slack();
    std::size_t slack = 0;
    for (unsigned i = kLongBytes; i > 0; --i) {
      slack = slack << kLongBits | (bytes[i].load(Sync::kRelaxed) & kLongMask);
    }
    return slack;
  }

  // Calls visit(first, count) for the places of these pages, once more where the window ends
  // between them, and until it returns false, which is returned.
  template <class Visit>
  bool for_parts(std::uintptr_t page, std::size_t pages, Visit visit) {
    const std::size_t first = page & (window() - 1);
    const std::size_t to_end = window() - first;
    const std::size_t head = pages < to_end ? pages : to_end;
    return visit(first, head) && (head == pages || visit(std::size_t{0}, pages - head));
  }
  // Only whole pages of the OS.
  void purge_range(std::size_t page, std::size_t pages) {
    const std::uintptr_t mask = Memory::granule() - 1;
    Byte* const bytes = bytes_.load(Sync::kRelaxed);
    const auto begin = reinterpret_cast<std::uintptr_t>(bytes + page * kGrainsInPage);
    const std::uintptr_t first = (begin + mask) & ~mask;
    const std::uintptr_t last = (begin + pages * kGrainsInPage * sizeof(Byte)) & ~mask;
    if (first < last) (void)Memory::purge(reinterpret_cast<void*>(first), last - first);
  }

  bool commit(std::size_t page, std::size_t pages) {
    return commit_range(bytes_.load(Sync::kRelaxed) + page * kGrainsInPage,
                        pages * kGrainsInPage * sizeof(Byte)) &&
           commit_range(seeds_.load(Sync::kRelaxed) + page, pages * sizeof(std::uint64_t));
  }
  static bool commit_range(void* first, std::size_t bytes) {
    const std::uintptr_t granule = Memory::granule();
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(first) & ~(granule - 1);
    const std::uintptr_t end =
        (reinterpret_cast<std::uintptr_t>(first) + bytes + granule - 1) & ~(granule - 1);
    return Memory::commit(reinterpret_cast<void*>(begin), end - begin);
  }

  typename Sync::template Once<std::uintptr_t> mask_{0};  // of addresses
  typename Sync::template Once<Byte*> bytes_{nullptr};
  typename Sync::template Once<std::uint64_t*> seeds_{nullptr};
};

struct StatesMemory {
  // Of bytes that nobody else has: all at once, which the loop of single stores would not become.
  static void clear(void* bytes, std::size_t count) { std::memset(bytes, 0, count); }
  static void* reserve_zeros(std::size_t bytes) { return os::reserve_zeros(bytes); }
  [[nodiscard]] static bool commit(void* p, std::size_t bytes) { return os::commit(p, bytes); }
  [[nodiscard]] static bool purge(void* p, std::size_t bytes) { return os::purge(p, bytes); }
  static std::size_t granule() { return os::page_size(); }
};

// Those of the process; in the security build alone.
extern constinit BlockStates<StdSync, StatesMemory> block_states;

}  // namespace ralloc
