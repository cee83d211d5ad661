// The world in which a model runs the bookkeeper and local pools: few pages, tiny spans, a
// kernel that is a counter, and for each block a payload that its holder writes.
//
// The arena's addresses have no memory. What the program would write into a block is a Cell of
// its own, and so is what the kernel does to a page, so that two holders, or a purge of memory
// in use, are races to Relacy.
//
// Thread safety: a model's threads are fibers of one thread; nothing here switches them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

#include "global_pool/global_pool.h"
#include "local_pool/local_pool.h"
#include "shim/defences.h"
#include "verify/relacy_sync.h"

namespace ralloc_verify {

inline constexpr unsigned kPageShift = 16;
inline constexpr std::size_t kPageBytes = std::size_t{1} << kPageShift;
inline constexpr unsigned kWindowBits = 6;
inline constexpr std::size_t kWindowPages = std::size_t{1} << kWindowBits;
// Near the end of the window, so that the first piece wraps around in the map.
inline constexpr std::uintptr_t kFirstPage = (std::uintptr_t{1} << 20) - 4;
inline constexpr std::size_t kWorldPages = 48;

inline void require(bool holds, const char* what, Place place = Place::here()) {
  if (!holds) report(what, rl::test_result_user_assert_failed, place);
}

// Eight payloads a page: each block of a span has its own, and each part that models free.
inline constexpr unsigned kPayloadShift = kPageShift - 3;
inline constexpr std::size_t kPayloadBytes = std::size_t{1} << kPayloadShift;

struct World {
  // --- What a model may set up
  static inline std::uint64_t now_ms = 10'000;
  static inline std::size_t address_limit = SIZE_MAX;
  static inline unsigned refused_reserves = 0;  // the next so many
  static inline unsigned clashing_reserves = 0;  // the next so many share places in the map
  static inline unsigned granted_commits = 0;    // before those that are refused
  static inline unsigned refused_commits = 0;
  static inline unsigned refused_maps = 0;
  static inline bool refuses_purges = false;
  static inline unsigned refused_closes = 0;  // the next so many
  static inline unsigned refused_backing = 0;  // the next so many commits, but those of the map
  static inline bool reuses_addresses = false;  // those that were released may be reserved again
  static inline unsigned granted_records = 0;  // before those that are refused
  static inline unsigned refused_records = 0;
  static inline std::size_t slack = 0;  // bytes of a block of kTwoBlocks that nobody asked for
  static inline std::size_t dirty_bytes = SIZE_MAX;  // beyond which memory is returned at once
  static inline std::size_t decay_bytes = SIZE_MAX;  // what is returned in one go

  // --- What happened
  static inline std::uintptr_t next_page = kFirstPage;
  static inline Cell<unsigned> payloads[kWorldPages << (kPageShift - kPayloadShift)];
  static inline bool is_held[kWorldPages << (kPageShift - kPayloadShift)];
  static inline bool is_released[kWorldPages];
  static inline std::size_t pages_purged = 0;
  static inline std::size_t pages_released = 0;
  static inline std::size_t records_out = 0;  // but those of runs

  static void begin() {
    now_ms = 10'000;
    address_limit = SIZE_MAX;
    refused_reserves = clashing_reserves = granted_commits = refused_commits = refused_maps =
        granted_records = refused_records = 0;
    refuses_purges = false;
    refused_closes = refused_backing = 0;
    reuses_addresses = false;
    slack = 0;
    dirty_bytes = decay_bytes = SIZE_MAX;
    pages_purged = pages_released = records_out = 0;
    // The execution before has used these.
    const std::size_t used = (next_page - kFirstPage) << (kPageShift - kPayloadShift);
    for (std::size_t i = 0; i < used; ++i) new (&payloads[i]) Cell<unsigned>;
    std::memset(is_held, 0, used);
    std::memset(is_released, 0, sizeof is_released);
    next_page = kFirstPage;
    std::memset(records, 0, records_used);
    std::memset(map_memory, 0, sizeof map_memory);
    records_used = 0;
    Execution::zeroed[0][0] = records;
    Execution::zeroed[0][1] = records + kRecordBytes;
    Execution::zeroed[1][0] = map_memory;
    Execution::zeroed[1][1] = map_memory + sizeof map_memory;
  }

  // The payloads of [p, p + bytes).
  static std::size_t index(const void* p) {
    const std::uintptr_t offset =
        reinterpret_cast<std::uintptr_t>(p) - (kFirstPage << kPageShift);
    require(offset < kWorldPages << kPageShift, "memory outside the arena");
    return offset >> kPayloadShift;
  }
  // The program writes into a block that it holds.
  static void use(void* block, Place place = Place::here()) {
    payloads[index(block)].set(this_thread(), place);
  }
  // The kernel takes the contents of pages.
  static void wipe(void* p, std::size_t bytes, Place place = Place::here()) {
    const std::size_t first = index(p);
    for (std::size_t i = 0; i < bytes >> kPayloadShift; ++i) {
      require(!is_held[first + i], "memory in use is purged or released (I6)", place);
      payloads[first + i].set(~0u, place);
    }
  }
  // I1: a block is in one place.
  static void hold(void* block, Place place = Place::here()) {
    require(!is_held[index(block)], "a block is given out twice (I1)", place);
    is_held[index(block)] = true;
    use(block, place);
  }
  static void let_go(void* block, Place place = Place::here()) {
    use(block, place);
    is_held[index(block)] = false;
  }

  // Memory of the page map, and of records: never reused within an execution, and poisoned
  // when given back, so that a late access is noticed in every schedule.
  static constexpr std::size_t kRecordBytes = 256 * 1024;
  alignas(64) static inline unsigned char records[kRecordBytes];
  static inline std::size_t records_used = kRecordBytes;
  alignas(64) static inline unsigned char map_memory[kWindowPages * 3 * sizeof(Cell<void*>)];
};

struct WorldMemory {
  static void* address(std::uintptr_t page) { return reinterpret_cast<void*>(page << kPageShift); }

  static void* reserve(std::size_t bytes, std::size_t, void*) {
    const std::size_t pages = bytes >> kPageShift;
    if (World::refused_reserves != 0) {
      --World::refused_reserves;
      return nullptr;
    }
    if (World::clashing_reserves != 0) {
      --World::clashing_reserves;
      return address(kFirstPage + kWindowPages);
    }
    if (World::next_page + pages > kFirstPage + kWorldPages) return nullptr;
    World::next_page += pages;
    return address(World::next_page - pages);
  }
  // What is reserved next lies behind the last; more than the map covers may be free.
  static bool reserve_at(void* p, std::size_t bytes) {
    const std::size_t pages = bytes >> kPageShift;
    if (World::reuses_addresses && take_released(p, bytes)) return true;
    if (p != address(World::next_page)) return false;
    if (pages > kWindowPages) return true;
    if (World::next_page + pages > kFirstPage + kWorldPages) return false;
    World::next_page += pages;
    return true;
  }
  static bool extend(void* p, std::size_t bytes, std::size_t more) {
    void* const end = static_cast<char*>(p) + bytes;
    return reserve_at(end, more) && (commit(end, more) || (release(end, more), false));
  }
  static void* reserve_zeros(std::size_t bytes) {
    require(bytes <= sizeof World::map_memory, "the page map is larger than the world");
    if (World::refused_maps != 0) {
      --World::refused_maps;
      return nullptr;
    }
    return World::map_memory;
  }
  static bool commit(void* p, std::size_t) {
    const bool is_of_arena = p >= address(kFirstPage) && p < address(kFirstPage + kWorldPages);
    if (is_of_arena && World::refused_backing != 0) {
      --World::refused_backing;
      return false;
    }
    if (World::granted_commits != 0) {
      --World::granted_commits;
      return true;
    }
    if (World::refused_commits == 0) return true;
    --World::refused_commits;
    return false;
  }
  static bool purge(void* p, std::size_t bytes) {
    if (World::refuses_purges) return false;
    World::wipe(p, bytes);
    World::pages_purged += bytes >> kPageShift;
    return true;
  }
  static bool close(void* p, std::size_t bytes) {
    if (World::refused_closes != 0) {
      --World::refused_closes;
      return false;
    }
    World::wipe(p, bytes);
    return true;
  }
  static void release(void* p, std::size_t bytes) {
    if (p == address(kFirstPage + kWindowPages) || p == World::map_memory) return;
    if (bytes >> kPageShift > kWindowPages) return;  // never covered
    World::wipe(p, bytes);
    World::pages_released += bytes >> kPageShift;
    std::memset(&World::is_released[page_index(p)], 1, bytes >> kPageShift);
  }
  static std::size_t granule() { return kPayloadBytes; }
  static std::size_t limit() { return World::address_limit; }
  static std::uint64_t now_ms() { return World::now_ms; }
  static unsigned cpu_count() { return 1; }
  // The window's first place, which the first piece has soon.
  static std::uint64_t random() { return 0x5ec0; }

 private:
  static std::size_t page_index(void* p) { return World::index(p) >> (kPageShift - kPayloadShift); }
  static bool take_released(void* p, std::size_t bytes) {
    const std::size_t pages = bytes >> kPageShift;
    if (p < address(kFirstPage) || p >= address(World::next_page)) return false;
    bool* const first = &World::is_released[page_index(p)];
    for (std::size_t i = 0; i < pages; ++i) {
      if (!first[i]) return false;
    }
    std::memset(first, 0, pages);
    // Fresh pages: it is the kernel that puts their uses in order.
    for (std::size_t i = 0; i < bytes >> kPayloadShift; ++i) {
      new (&World::payloads[World::index(p) + i]) Cell<unsigned>;
    }
    return true;
  }
};

class WorldMetadata {
 public:
  void* take(std::size_t bytes) {
    if (World::granted_records != 0) {
      --World::granted_records;
    } else if (World::refused_records != 0) {
      --World::refused_records;
      return nullptr;
    }
    const std::size_t size = (bytes + 63) / 64 * 64;
    require(World::records_used + size <= World::kRecordBytes, "the world has no more records");
    void* piece = World::records + World::records_used;
    World::records_used += size;
    taken_.set(taken_.get() + bytes);
    World::records_out += is_of_run(bytes) ? 0 : 1;
    return piece;
  }
  void give(void* piece, std::size_t bytes) {
    std::memset(piece, 0xDD, bytes);
    taken_.set(taken_.get() - bytes);
    World::records_out -= is_of_run(bytes) ? 0 : 1;
  }
  bool open_reserve() { return true; }
  void retire() {}
  std::size_t mapped() const { return taken_.get(); }
  std::size_t guards() const { return 0; }

 private:
  static bool is_of_run(std::size_t bytes);
  Cell<std::size_t> taken_{};
};

constexpr ralloc::SizeClass tiny_class(std::uint32_t block_size, std::uint32_t pages) {
  const std::uint32_t reciprocal =
      std::uint32_t((std::uint64_t{1} << 31) / (block_size / ralloc::kGrain) + 1);
  return {block_size, pages, reciprocal, 1, 1, 3};
}

struct TinyConfig : ralloc::Config {
  static constexpr std::size_t kArenaPiece = 8 * kPageBytes;
  static constexpr std::size_t kArenaAlign = kPageBytes;
  static constexpr std::size_t commit_bytes(std::size_t needed, std::size_t) {
    return needed < 2 * kPageBytes ? 2 * kPageBytes : needed;
  }
  static constexpr unsigned kWindowBits = ralloc_verify::kWindowBits;
  static constexpr unsigned kWindowBitsLeast = ralloc_verify::kWindowBits;
  static constexpr unsigned kSwingEvents = 2;
  static constexpr std::size_t kBatchBlocks = 2;
  static constexpr std::size_t kOutgoingFirst = 1;
  static constexpr std::size_t kOutgoingBlocks = 3;
  static constexpr std::size_t kOutgoingBytes = 2 * kPageBytes;
  static constexpr std::size_t kLargeKeptMost = 0;  // but in kept_world.h
  static constexpr std::size_t kSpareBytes = 0;     // but in spares_model.cc
  static constexpr std::size_t large_spare_bytes(unsigned) { return 0; }  // but in large_spares_model.cc
  static constexpr unsigned kClockEvents = 2;
  static constexpr unsigned kIdleScanEvents = 3;
};

inline constexpr unsigned kTwoBlocks = 0;    // in a span of one page
inline constexpr unsigned kThreeBlocks = 1;  // in a span of one page
inline constexpr unsigned kManyBlocks = 2;   // 128 in a span of one page: two words of bits

struct TinyLimits {
  using Config = TinyConfig;
  using Defences = ralloc::NoDefences;
  static constexpr unsigned kClasses = 3;
  static constexpr unsigned kShards = 2;
  static constexpr unsigned kLedgers = 1;
  static constexpr unsigned kPageShift = ralloc_verify::kPageShift;
  static constexpr std::size_t kSectorPages = 4;
  static constexpr std::size_t kPoolRecord = 312;  // 8 words of first arrays: too few for all

  static constexpr ralloc::SizeClass kSizeClasses[kClasses] = {
      tiny_class(32768, 1), tiny_class(21840, 1), tiny_class(512, 1)};
  static constexpr const ralloc::SizeClass& size_class(unsigned c) { return kSizeClasses[c]; }
  static constexpr std::uint32_t span_pages(unsigned c, std::size_t spans) {
    return spans >= 2 ? 2 : size_class(c).pages;
  }
  static constexpr std::size_t kPartGrain = kPageBytes / 32;
  static std::size_t slack_of(const void*, unsigned size_class) {
    return size_class == kTwoBlocks ? World::slack : 0;
  }

  static unsigned shards(unsigned cores) { return 2 * cores; }
  static std::size_t magazine_bytes() { return ralloc::Config::kMagazineBytes; }
  static std::size_t pool_bytes() { return 2 * kPageBytes; }
  static constexpr std::size_t kAllPoolsBytes = kPageBytes;
  static std::size_t all_pools_bytes() { return kAllPoolsBytes; }
  static constexpr std::uint64_t kDecayMs = 1000;
  static std::uint64_t decay_ms() { return kDecayMs; }
  static std::size_t decay_bytes() { return World::decay_bytes; }
  static std::size_t dirty_bytes() { return World::dirty_bytes; }

  using Metadata = WorldMetadata;
  using Memory = WorldMemory;
};

template <class Sync, class Limits = TinyLimits>
using TinyPool = ralloc::GlobalPool<Sync, Limits>;
using TinyLocalPool = ralloc::LocalPool<RelacySync, TinyLimits>;

// No other record has their size.
inline bool WorldMetadata::is_of_run(std::size_t bytes) {
  return bytes == sizeof(ralloc::Span<RelacySync, TinyLimits>);
}

}  // namespace ralloc_verify
