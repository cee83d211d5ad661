// A bookkeeper that a test can see through: spans of few blocks, an arena that is nothing
// but addresses, and a platform and records that fail when the test wants it.
//
// Thread safety: any thread; what steers it is set by one thread, before the others start.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "global_pool/loose_run.h"
#include "global_pool/metadata.h"
#include "global_pool/size_class.h"
#include "shim/defences.h"
#include "shim/os.h"

namespace ralloc_test {

// Stands for the kernel. The arena's addresses have no memory behind them, so that a
// bookkeeper that touched a block would crash; the page map's have.
struct FakeMemory {
  struct State {
    std::uintptr_t lowest = std::uintptr_t{1} << 45;  // all reserved addresses lie above
    std::deque<std::uintptr_t> next;                   // where the next reservations lie
    std::vector<std::pair<void*, std::size_t>> maps;   // memory of page maps
    std::size_t largest_reserve = SIZE_MAX;            // more at once is refused
    std::size_t free_behind = 0;                       // each piece; 0 is that of others
    std::size_t largest_commit = SIZE_MAX;
    std::set<std::uintptr_t> refused_begins;  // what begins there is not committed
    std::uint64_t random = 0;
    std::size_t reserve_limit = SIZE_MAX;  // more in sum is refused
    unsigned refuse_maps = 0;              // so many page maps are refused, one after another
    bool refuse_map_commits = false;
    bool refuse_purges = false;
    const char* locked = nullptr;  // what holds it is not purged
    bool refuse_closes = false;
    std::map<std::uintptr_t, bool> open;  // where accessible memory begins, and where it ends
    std::size_t address_limit = SIZE_MAX;
    std::size_t dirty_bytes = SIZE_MAX;  // beyond which memory is returned at once
    std::vector<void*> hints;
    std::size_t reserved = 0;
    std::size_t committed = 0;
    std::atomic<std::size_t> purged{0};
    std::atomic<std::uint64_t> now_ms{0};
  };
  static inline State* state = nullptr;

  static void* reserve(std::size_t bytes, std::size_t align, void* hint) {
    State& s = *state;
    s.hints.push_back(hint);
    if (bytes > s.largest_reserve || s.reserved + bytes > s.reserve_limit) return nullptr;
    std::uintptr_t begin = (s.lowest - bytes) / align * align;
    if (s.next.empty()) {
      s.lowest = begin;
    } else {
      begin = s.next.front();
      s.next.pop_front();
    }
    s.reserved += bytes;
    return reinterpret_cast<void*>(begin);
  }
  static bool reserve_at(void*, std::size_t bytes) {
    if (bytes > state->free_behind) return false;
    state->reserved += bytes;
    return true;
  }
  static bool extend(void* begin, std::size_t bytes, std::size_t more) {
    void* const end = static_cast<char*>(begin) + bytes;
    if (!reserve_at(end, more)) return false;
    if (commit(end, more)) return true;
    state->reserved -= more;
    return false;
  }
  static void* reserve_zeros(std::size_t bytes) {
    if (state->refuse_maps != 0) {
      --state->refuse_maps;
      return nullptr;
    }
    state->maps.emplace_back(ralloc::os::reserve_zeros(bytes), bytes);
    return state->maps.back().first;
  }
  static bool commit(void* p, std::size_t bytes) {
    for (const auto& [begin, size] : state->maps) {
      const auto offset = std::size_t(static_cast<char*>(p) - static_cast<char*>(begin));
      if (offset < size) return !state->refuse_map_commits && ralloc::os::commit(p, bytes);
    }
    if (bytes > state->largest_commit) return false;
    if (state->refused_begins.count(reinterpret_cast<std::uintptr_t>(p)) != 0) return false;
    state->committed += bytes;
    set_open(p, bytes, true);
    return true;
  }
  static bool purge(void* p, std::size_t bytes) {
    const char* const begin = static_cast<char*>(p);
    const bool is_locked = begin <= state->locked && state->locked < begin + bytes;
    if (state->refuse_purges || is_locked) return false;
    state->purged += bytes;
    return true;
  }
  static bool close(void* p, std::size_t bytes) {
    if (state->refuse_closes) return false;
    set_open(p, bytes, false);
    return true;
  }
  static void release(void* p, std::size_t bytes) {
    set_open(p, bytes, false);
    state->reserved -= bytes;
  }
  static std::uint64_t random() { return state->random; }
  static std::size_t granule() { return ralloc::os::page_size(); }
  static std::size_t limit() { return state->address_limit; }
  static std::uint64_t now_ms() { return state->now_ms; }
  static unsigned cpu_count() { return 1; }

  // Whether the byte at an address could be accessed.
  static bool is_open(const void* p) {
    const auto next = state->open.upper_bound(reinterpret_cast<std::uintptr_t>(p));
    return next != state->open.begin() && std::prev(next)->second;
  }

 private:
  static void set_open(void* p, std::size_t bytes, bool is_open) {
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(p);
    const std::uintptr_t end = begin + bytes;
    std::map<std::uintptr_t, bool>& open = state->open;
    const bool behind = FakeMemory::is_open(reinterpret_cast<void*>(end));
    open.erase(open.lower_bound(begin), open.upper_bound(end));
    open[begin] = is_open;
    open[end] = behind;
  }
};

// The real records, with a count of what is out, and a count of takes until one fails.
struct FakeMetadata : ralloc::Metadata {
  static inline std::size_t outstanding = 0;
  static inline unsigned takes_until_failure = 0;  // 0: none fails
  static inline bool has_reserve = true;

  void* take(std::size_t bytes) {
    if (takes_until_failure != 0 && --takes_until_failure == 0) return nullptr;
    outstanding += bytes;
    return ralloc::Metadata::take(bytes);
  }
  void give(void* piece, std::size_t bytes) {
    outstanding -= bytes;
    ralloc::Metadata::give(piece, bytes);
  }
  bool open_reserve() { return has_reserve; }
};

constexpr ralloc::SizeClass small_class(std::uint32_t block_size, std::uint32_t pages) {
  const std::uint64_t grains = block_size / ralloc::kGrain;
  return {block_size, pages, std::uint32_t((std::uint64_t{1} << 31) / grains + 1), 1, 1, 1};
}

// Tests count on the numbers of the default, whatever is configured, and on each span that leaves its
// shard when it is wholly free (but those of spares_test.cc).
struct SmallConfig : ralloc::DefaultConfig {
  static constexpr std::size_t kSpareBytes = 0;
  static constexpr std::size_t large_spare_bytes(unsigned) { return 0; }
};

struct SmallLimits {
  using Config = SmallConfig;
  using Defences = ralloc::NoDefences;
  static constexpr unsigned kClasses = 4;
  static constexpr unsigned kShards = 3;
  static constexpr unsigned kLedgers = 1;
  static constexpr unsigned kPageShift = 16;
  static constexpr std::size_t kSectorPages = 16;

  static constexpr ralloc::SizeClass kSizeClasses[kClasses] = {
      small_class(320, 1),    // 204 blocks: four words of bits, the last of them not full
      small_class(1024, 1),   // 64 blocks: one full word
      small_class(32768, 1),  // 2 blocks
      small_class(32768, 3),  // 6 blocks, and more in the spans of a shard that has some
  };
  static constexpr const ralloc::SizeClass& size_class(unsigned c) { return kSizeClasses[c]; }
  static constexpr std::uint32_t span_pages(unsigned c, std::size_t spans) {
    return c == 3 && spans >= 2 ? 5 : size_class(c).pages;
  }

  static constexpr std::size_t kPartGrain = 1;
  static std::size_t slack_of(const void*, unsigned) { return 0; }

  static unsigned shards(unsigned cores) { return 4 * cores; }
  static std::size_t magazine_bytes() { return Config::kMagazineBytes; }
  static std::size_t pool_bytes() { return Config::kPoolBytes; }
  static std::size_t all_pools_bytes() { return Config::kAllPoolsBytes; }
  static std::uint64_t decay_ms() { return Config::kDecayMs; }
  static std::size_t decay_bytes() { return Config::kDecayBytes; }
  static std::size_t dirty_bytes() { return FakeMemory::state->dirty_bytes; }

  using Metadata = FakeMetadata;
  using Memory = FakeMemory;
};

inline constexpr std::size_t kSmallPage = std::size_t{1} << SmallLimits::kPageShift;
constexpr std::size_t small_capacity(unsigned c, std::size_t pages) {
  return pages * kSmallPage / SmallLimits::size_class(c).block_size;
}

// The span of a run that the test keeps by pointer; null if there is none.
template <class Sync, class Limits>
ralloc::Span<Sync, Limits>* span_of(ralloc::LooseRun<Sync, Limits>&& run PARAM_TYPESTATE(unknown)
                                        RETURN_TYPESTATE(consumed)) {
  if (!run) return nullptr;
  return run.hand_over();
}

// A kernel for as long as it lives; one at a time.
class FakeKernel {
 public:
  FakeKernel() {
    FakeMemory::state = &state_;
    FakeMetadata::outstanding = 0;
    FakeMetadata::takes_until_failure = 0;
    FakeMetadata::has_reserve = true;
  }
  ~FakeKernel() {
    for (const auto& [begin, size] : state_.maps) ralloc::os::release(begin, size);
    FakeMemory::state = nullptr;
  }
  FakeKernel(const FakeKernel&) = delete;
  FakeMemory::State& state() { return state_; }

 private:
  FakeMemory::State state_;
};

// A test with a kernel of its own.
class SmallPoolTest : public testing::Test {
 private:
  FakeKernel kernel_;

 protected:
  FakeMemory::State& memory_ = kernel_.state();
};

}  // namespace ralloc_test
