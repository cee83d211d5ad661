// Says, for any address, whether a live block of ours can begin in its page, of which shard
// and size class, and which span the page belongs to: one load each, and unknown addresses
// are recognised without following anything.
//
// The map is an array over a window of pages, indexed by the low bits of the page number. A
// tag holds the page number xor a key, so reading it back for the right page gives the key,
// and for any other page of the same place (or for null, kernel addresses and every other
// wild value) a number that no key equals. Page numbers have 48 bits; a key's bit 48 marks it.
// (A two-level map costs 6 instructions more on each free, a range check before a flat map
// one more, and a branch each; docs/design.md.)
//
// Thread safety: entries are plain. Whoever reads the entry of a live block was handed that
// block after the entry was written, and it is cleared only when no block of its span lives
// (I3). Span entries change under the mutex of the ledger that keeps the sector; tags are changed
// by who alone holds the pages. Null reads the first tag: should a page of the arena have that
// place, the value read may be old or new, and is no key for null either way.
// Invariants: I8 two pages that are covered never share a place, nor one among the states of blocks.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "shim/config.h"
#include "shim/fatal.h"
#include "shim/log.h"

namespace ralloc {

// What a tag says of a page: bit 48, the shard, and sixteen times the size class.
using Key = std::uint64_t;
inline constexpr Key kLiveKey = Key{1} << 48;
inline constexpr unsigned kKeyShardShift = 12;
inline constexpr unsigned kKeyBits = kKeyShardShift + 7;
inline constexpr Key kKeyClassMask = (Key{1} << kKeyShardShift) - 1;
inline constexpr Key kLargeClass = kKeyClassMask & ~Key{15};  // in the place of the class

// Of a page in which a large block began that was freed: no key of a live one, nor of any address
// that was never ours.
inline constexpr Key kFreedKey = Key{1} << 49;

constexpr Key home_key(unsigned shard) { return kLiveKey | Key{shard} << kKeyShardShift; }
constexpr bool is_live(Key key) { return (key >> kKeyBits) == (kLiveKey >> kKeyBits); }
constexpr unsigned shard_of(Key key) { return unsigned(key >> kKeyShardShift) & 127; }
constexpr unsigned class_of(Key key) { return unsigned(key & kKeyClassMask) / 16; }
constexpr bool is_large(Key key) { return (key & kKeyClassMask) == kLargeClass; }

template <class Sync, class Limits>
class PageMap {
  template <class T>
  using Cell = typename Sync::template Cell<T>;
  using Tag = Cell<std::uint64_t>;
  using Entry = Cell<void*>;
  using Owner = Cell<std::uintptr_t>;
  using Keeper = typename Sync::template Posted<std::uint8_t>;
  using Config = typename Limits::Config;

 public:
  static constexpr std::size_t kSectorPages = Limits::kSectorPages;

  constexpr PageMap() = default;

  static std::uintptr_t page_of(const void* p) {
    return reinterpret_cast<std::uintptr_t>(p) >> Limits::kPageShift;
  }

  // The key of the page that `p` lies in; not is_live() unless a live span is there.
  Key key_of(const void* p) const {
    const std::uintptr_t page = page_of(p);
    // Acquire pairs with the release in open(): a mask never meets a shorter array.
    const std::uintptr_t place = page & mask_.load(Sync::kAcquire);
    return tags_.load(Sync::kRelaxed)[place].get() ^ page;
  }

  // Whether a large block began in the page that was freed, and nothing has been there since.
  bool was_freed(const void* p) const { return key_of(p) == kFreedKey; }

  // The span or free run that has an entry at `page`, which must be covered; else null.
  void* span_at(std::uintptr_t page) const {
    // Relaxed: whoever asks has the ledger's mutex or a live block, and so comes after open().
    const std::uintptr_t place = page & mask_.load(Sync::kRelaxed);
    return spans_.load(Sync::kRelaxed)[place].get();
  }

  // --- For the ledger, under its mutex, or for who alone holds the pages --------------------
  void set_span(std::uintptr_t page, std::size_t pages, void* span) {
    Entry* const spans = spans_.load(Sync::kRelaxed);
    for_places(page, pages, [=](std::uintptr_t place, std::uintptr_t) { spans[place].set(span); });
  }
  void set_key(std::uintptr_t page, std::size_t pages, Key key) {
    Tag* const tags = tags_.load(Sync::kRelaxed);
    for_places(page, pages, [=](std::uintptr_t place, std::uintptr_t p) { tags[place].set(p ^ key); });
  }
  void clear_key(std::uintptr_t page, std::size_t pages) {
    Tag* const tags = tags_.load(Sync::kRelaxed);
    for_places(page, pages, [=](std::uintptr_t place, std::uintptr_t) { tags[place].set(0); });
  }

  // --- Which ledger keeps a sector (I12) --------------------------------------------------------
  // Any may ask; the answer is certain for who has that ledger's mutex, and for who has memory there.
  std::uint8_t keeper_of(std::uintptr_t page) const {
    if constexpr (!kHasKeepers) return 0;
    const Keeper* const keepers = keepers_.load(Sync::kRelaxed);
    return keepers != nullptr ? keepers[place(page) / kSectorPages].load(Sync::kRelaxed) : 0;
  }
  // For who has a loose run of whole sectors alone, under the mutex of the ledger that it leaves, with
  // kNoKeeper, and of the one that it comes to.
  static constexpr std::uint8_t kNoKeeper = 255;
  void set_keeper(std::uintptr_t page, std::size_t pages, std::uint8_t keeper) {
    DCHECK(page % kSectorPages == 0 && pages % kSectorPages == 0);
    if constexpr (kHasKeepers) {
      Keeper* const keepers = keepers_.load(Sync::kRelaxed);
      for (std::uintptr_t p = page; p != page + pages; p += kSectorPages) {
        keepers[place(p) / kSectorPages].store(keeper, Sync::kRelaxed);
      }
    }
  }

  // --- For the first ledger, under its mutex: pieces of the arena, in whole sectors --------------
  // Makes the entries of `pages` pages from `page` writable. False if another covered page
  // has one of their places, or memory is short; then nothing has changed.
  [[nodiscard]] bool cover(std::uintptr_t page, std::size_t pages) {
    if (mask_.load(Sync::kRelaxed) == 0 && !open()) return false;
    if (pages > window_pages()) return false;
    DCHECK(page % kSectorPages == 0 && pages % kSectorPages == 0);
    if (!has_places(page, pages)) return false;
    if (!commit_entries(page, pages)) return false;
    if constexpr (Limits::Defences::kStates) {
      if (!Limits::cover_states(page, pages)) return false;
    }
    for (std::uintptr_t p = page; p != page + pages; p += kSectorPages) owner(p).set(p);
    if constexpr (Limits::Defences::kGuardsLarge) forget_freed(page, pages);
    return true;
  }
  // So many pages, rounded up to whole sectors.
  static constexpr std::size_t in_sectors(std::size_t pages) {
    return (pages + kSectorPages - 1) / kSectorPages * kSectorPages;
  }
  // Whether no covered page has a place of these, whole sectors.
  bool has_places(std::uintptr_t page, std::size_t pages) const {
    if (mask_.load(Sync::kRelaxed) == 0) return true;  // not even the map has one
    if constexpr (Limits::Defences::kStates) {
      if (pages > Limits::states_window()) return false;
    }
    for (std::uintptr_t p = page; p != page + pages; p += kSectorPages) {
      if (is_place_taken(p)) return false;
    }
    return true;
  }
  // The addresses of these covered pages are given up.
  void uncover(std::uintptr_t page, std::size_t pages) {
    DCHECK(page % kSectorPages == 0 && pages % kSectorPages == 0);
    set_keeper(page, pages, 0);
    for (std::uintptr_t p = page; p != page + pages; p += kSectorPages) owner(p).set(0);
  }
  // For the ledger, under its mutex: whether the page is covered.
  bool covers(std::uintptr_t page) const {
    return mask_.load(Sync::kRelaxed) != 0 &&
           owners_.get()[place(page) / kSectorPages].get() == page / kSectorPages * kSectorPages;
  }
  // For a ledger, under its mutex, to look at all sectors that it keeps: the first page of the next
  // one, whose number `sector` becomes, which is that or larger; 0 if there is none.
  std::uintptr_t next_covered(std::size_t& sector, std::uint8_t keeper) const {
    if (mask_.load(Sync::kRelaxed) == 0) return 0;
    for (; sector < window_pages() / kSectorPages; ++sector) {
      if (keeper_of(sector * kSectorPages) != keeper) continue;
      if (const std::uintptr_t page = owners_.get()[sector].get(); page != 0) return page;
    }
    return 0;
  }
  // No more pages than this can be covered; unknown before the first are.
  std::size_t window_pages() const {
    const std::uintptr_t mask = mask_.load(Sync::kRelaxed);
    return mask == 0 ? SIZE_MAX : mask + 1;
  }

 private:
  static constexpr bool kHasKeepers = Limits::kLedgers > 1;

  std::uintptr_t place(std::uintptr_t page) const { return page & mask_.load(Sync::kRelaxed); }

  // What was freed here was another's.
  void forget_freed(std::uintptr_t page, std::size_t pages) {
    Tag* const tags = tags_.load(Sync::kRelaxed);
    for_places(page, pages, [=](std::uintptr_t place, std::uintptr_t p) {
      if (tags[place].get() == (p ^ kFreedKey)) tags[place].set(0);
    });
  }

  // Calls visit(place, page) for each; the places are consecutive but where the window ends.
  template <class Visit>
  void for_places(std::uintptr_t page, std::size_t pages, Visit visit) {
    const std::uintptr_t first = place(page);
    const std::size_t before_end = mask_.load(Sync::kRelaxed) + 1 - first;
    const std::size_t head = pages < before_end ? pages : before_end;
    for (std::size_t i = 0; i < head; ++i) visit(first + i, page + i);
    for (std::size_t i = head; i < pages; ++i) visit(i - head, page + i);
  }

  // The first page of the sector that has this place, or 0 (I8).
  Cell<std::uintptr_t>& owner(std::uintptr_t page) const {
    return owners_.get()[place(page) / kSectorPages];
  }
  bool is_place_taken(std::uintptr_t page) const {
    if constexpr (Limits::Defences::kStates) {
      // Their window may be smaller: places that are so far apart here are one there.
      const std::size_t step = Limits::states_window();
      for (std::size_t i = step; i < window_pages(); i += step) {
        if (owner(page + i).get() != 0) return true;
      }
    }
    return owner(page).get() != 0;
  }

  // Finds a window that the process may have. (Under a limit on address space one for as
  // much; the least has room for keys to tell foreign pages apart.)
  bool open() {
    const std::size_t limit = Limits::Memory::limit();
    const unsigned wanted = unsigned(std::bit_width(limit >> Limits::kPageShift));
    unsigned bits = wanted < Config::kWindowBits ? wanted : Config::kWindowBits;
    if (bits < Config::kWindowBitsLeast) bits = Config::kWindowBitsLeast;
    for (; bits >= Config::kWindowBitsLeast; --bits) {
      const std::size_t pages = std::size_t{1} << bits;
      const std::size_t bytes =
          pages * (sizeof(Tag) + sizeof(Entry)) +
          pages / kSectorPages * (sizeof(Owner) + (kHasKeepers ? sizeof(Keeper) : 0));
      char* memory = static_cast<char*>(Limits::Memory::reserve_zeros(bytes));
      if (memory == nullptr) continue;
      if constexpr (Limits::Defences::kStates) {
        if (!Limits::open_states(pages)) {
          Limits::Memory::release(memory, bytes);
          continue;
        }
      }
      tags_.store(reinterpret_cast<Tag*>(memory), Sync::kRelaxed);
      memory += pages * sizeof(Tag);
      spans_.store(reinterpret_cast<Entry*>(memory), Sync::kRelaxed);
      memory += pages * sizeof(Entry);
      owners_.set(reinterpret_cast<Owner*>(memory));
      if constexpr (kHasKeepers) {
        memory += pages / kSectorPages * sizeof(Owner);
        keepers_.store(reinterpret_cast<Keeper*>(memory), Sync::kRelaxed);
      }
      // Release pairs with the acquire in key_of: it publishes the arrays.
      mask_.store(pages - 1, Sync::kRelease);
      return true;
    }
    log_warning("the OS does not reserve addresses for the page map");
    return false;
  }

  bool commit_entries(std::uintptr_t page, std::size_t pages) {
    const std::uintptr_t first = place(page);
    const std::size_t to_end = window_pages() - first;
    const std::size_t head = pages < to_end ? pages : to_end;
    return commit_places(first, head) && (head == pages || commit_places(0, pages - head));
  }

  bool commit_places(std::uintptr_t first, std::size_t count) {
    return commit_range(tags_.load(Sync::kRelaxed) + first, count) &&
           commit_range(spans_.load(Sync::kRelaxed) + first, count) &&
           commit_range(owners_.get() + first / kSectorPages, count / kSectorPages) &&
           (!kHasKeepers || commit_range(keepers_.load(Sync::kRelaxed) + first / kSectorPages,
                                         count / kSectorPages));
  }

  template <class T>
  static bool commit_range(T* first, std::size_t count) {
    const std::uintptr_t granule = Limits::Memory::granule();
    const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(first) & ~(granule - 1);
    const std::uintptr_t end =
        (reinterpret_cast<std::uintptr_t>(first + count) + granule - 1) & ~(granule - 1);
    if (Limits::Memory::commit(reinterpret_cast<void*>(begin), end - begin)) return true;
    log_warning("the OS does not commit % bytes of the page map", end - begin);
    return false;
  }

  // What the map reads before it is open: nothing is known.
  static inline constinit Tag no_tag_{};
  static inline constinit Entry no_span_{};

  typename Sync::template Once<std::uintptr_t> mask_{0};
  typename Sync::template Once<Tag*> tags_{&no_tag_};
  typename Sync::template Once<Entry*> spans_{&no_span_};
  Cell<Owner*> owners_{};
  typename Sync::template Once<Keeper*> keepers_{nullptr};
};

}  // namespace ralloc
