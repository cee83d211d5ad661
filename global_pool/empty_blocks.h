// The blocks of no bytes of the security build: addresses in a range that nobody can access.
//
// Each multiple of kGrain in the range is a place for one. The next is looked for behind the last
// that was taken, round and round, so a freed address comes again as late as can be.
//
// Thread safety: every member function may be called from any thread. `has` takes no lock; the
// others hold the one mutex and no other, under which address space is reserved and committed, as
// under the ledger's (I5). Nothing is called out.
// Invariants: (1) a live place was taken before; (2) what says so of each place is committed from
// the first on, in steps, and lies between inaccessible pages; (3) a search looks at no more than
// kLooks words.
//
// After a fork that lost the holder of the mutex no more addresses are handed out: so none is
// twice. What is live stays so, and may be freed.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "global_pool/size_class.h"
#include "shim/annotations.h"
#include "shim/config.h"
#include "shim/os.h"
#include "shim/sync.h"

namespace ralloc {

class EmptyBlocks {
 public:
  static constexpr std::size_t kGrain = ralloc::kGrain;
  static constexpr std::size_t kMostAlign = 64 * kKiB;
  // Under a limit on address space, or where the OS has no more of it.
  static constexpr std::size_t kLimitedBytes = 1 * kMiB;
  enum class Freed : std::uint8_t { kYes, kDouble, kNotABlock };

  // The range has `most_bytes`, a multiple of kMostAlign, if there is no limit.
  constexpr explicit EmptyBlocks(std::size_t most_bytes = 1024 * kMiB) : most_bytes_(most_bytes) {}

  // An address at a multiple of `align`, a power of two, that no live block of no bytes has. Null
  // if there is none: then the program gets an ordinary block.
  void* take(std::size_t align) EXCLUDES(any_mutex) {
    if (align > kMostAlign) return nullptr;
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    if (is_lost_ || (bytes_.load(StdSync::kRelaxed) == 0 && !reserve())) return nullptr;
    const std::size_t place = find(align <= kGrain ? 1 : align / kGrain);
    if (place == kNone) return nullptr;
    cursor_ = place + 1;
    words_[place / 64].taken |= bit(place);
    words_[place / 64].live |= bit(place);
    return reinterpret_cast<void*>(begin_.load(StdSync::kRelaxed) + place * kGrain);
  }

  // Address space, with that of what is known of the blocks.
  std::size_t reserved_bytes() const {
    const std::size_t bytes = bytes_.load(StdSync::kAcquire);
    return bytes == 0 ? 0 : bytes + words_bytes(bytes) + 2 * os::page_size();
  }
  // Whether the address lies in the range, and so in no other block.
  bool has(const void* p) const {
    // Acquire pairs with the release in reserve(): it publishes the begin with it.
    const std::size_t bytes = bytes_.load(StdSync::kAcquire);
    return address(p) - begin_.load(StdSync::kRelaxed) < bytes;
  }

  // Frees a block that lies in the range, or says what is there instead: one that was freed and has
  // not been taken since, or none.
  Freed give(void* p) EXCLUDES(any_mutex) {
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const std::size_t place = place_of(p);
    if (place == kNone || (words_[place / 64].taken & bit(place)) == 0) return Freed::kNotABlock;
    if ((words_[place / 64].live & bit(place)) == 0) return Freed::kDouble;
    words_[place / 64].live &= ~bit(place);
    return Freed::kYes;
  }

  // False of an address outside, for which no lock is taken.
  bool is_live(const void* p) EXCLUDES(any_mutex) {
    if (!has(p)) return false;
    Guard guard(mutex_);
    if (guard.holder_died()) retire();
    const std::size_t place = place_of(p);
    return place != kNone && (words_[place / 64].live & bit(place)) != 0;
  }

 private:
  using Guard = StdSync::Guard;
  // Of 64 places.
  struct Word {
    std::uint64_t live;
    std::uint64_t taken;  // once at least
  };
  static constexpr std::size_t kNone = SIZE_MAX;
  static constexpr std::size_t kLooks = 1024;
  static constexpr std::size_t kStep = 64 * kKiB;  // of committing words

  static std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }
  static std::uint64_t bit(std::size_t place) { return std::uint64_t{1} << place % 64; }

  void retire() REQUIRES(mutex_, any_mutex) { is_lost_ = true; }

  // kNone of an address outside, or between the places, or of one that no search has come to.
  std::size_t place_of(const void* p) const REQUIRES(mutex_, any_mutex) {
    if (!has(p)) return kNone;
    const std::uintptr_t offset = address(p) - begin_.load(StdSync::kRelaxed);
    if (offset % kGrain != 0 || offset / kGrain / 64 >= committed_) return kNone;
    return offset / kGrain;
  }

  // The next place from the cursor on, at a multiple of `apart`, that is not live; kNone if there
  // is none near.
  std::size_t find(std::size_t apart) REQUIRES(mutex_, any_mutex) {
    const std::size_t places = bytes_.load(StdSync::kRelaxed) / kGrain;
    // Of each word the multiples; of those of more than a word its first place, if that is one.
    constexpr std::uint64_t kAll = ~std::uint64_t{0};
    const std::uint64_t multiples = apart < 64 ? kAll / (kAll >> (64 - apart)) : 1;
    for (std::size_t looks = 0; looks < kLooks; ++looks) {
      std::size_t at = (cursor_ + apart - 1) & ~(apart - 1);
      if (at >= places || !commit_word(at / 64)) at = 0;
      if (!commit_word(at / 64)) return kNone;
      const std::uint64_t free = ~words_[at / 64].live & multiples & (kAll << at % 64);
      if (free != 0) return at / 64 * 64 + std::size_t(std::countr_zero(free));
      cursor_ = at / 64 * 64 + 64;
    }
    return kNone;
  }

  [[nodiscard]] bool commit_word(std::size_t word) REQUIRES(mutex_, any_mutex) {
    while (word >= committed_) {
      const std::size_t all = words_bytes(bytes_.load(StdSync::kRelaxed));
      const std::size_t left = all - committed_ * sizeof(Word);
      const std::size_t step = left < kStep ? left : kStep;
      if (!os::commit(words_ + committed_, step)) return false;
      committed_ += step / sizeof(Word);
    }
    return true;
  }

  // Whole OS pages.
  static std::size_t words_bytes(std::size_t bytes) {
    const std::size_t exact = bytes / kGrain / 64 * sizeof(Word);
    return (exact + os::page_size() - 1) & ~(os::page_size() - 1);
  }

  [[nodiscard]] bool reserve() REQUIRES(mutex_, any_mutex) {
    const bool is_limited = os::address_space_limit() != SIZE_MAX;
    if (!is_limited && reserve(most_bytes_)) return true;
    return (is_limited || most_bytes_ > kLimitedBytes) &&
           reserve(most_bytes_ < kLimitedBytes ? most_bytes_ : kLimitedBytes);
  }
  [[nodiscard]] bool reserve(std::size_t bytes) REQUIRES(mutex_, any_mutex) {
    void* const range = os::reserve(bytes, kMostAlign, nullptr);
    if (range == nullptr) return false;
    const std::size_t guard = os::page_size();
    void* const words = os::reserve(guard + words_bytes(bytes) + guard, guard, nullptr);
    if (words == nullptr) {
      os::release(range, bytes);
      return false;
    }
    words_ = reinterpret_cast<Word*>(address(words) + guard);
    begin_.store(address(range), StdSync::kRelaxed);
    // Release pairs with the acquire in has().
    bytes_.store(bytes, StdSync::kRelease);
    return true;
  }

  const std::size_t most_bytes_;
  // Both are written once, the bytes last: until then no address lies in the range.
  StdSync::Atomic<std::uintptr_t> begin_{0};
  StdSync::Atomic<std::size_t> bytes_{0};
  StdSync::Mutex mutex_;
  bool is_lost_ GUARDED_BY(mutex_) = false;
  Word* words_ GUARDED_BY(mutex_) = nullptr;
  std::size_t committed_ GUARDED_BY(mutex_) = 0;  // words
  std::size_t cursor_ GUARDED_BY(mutex_) = 0;     // the place to look at next
};

// The process's.
extern constinit EmptyBlocks empty_blocks;

}  // namespace ralloc
