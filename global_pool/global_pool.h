// The bookkeeper: everything that threads share. Its shards keep the spans of blocks, its
// ledger the free runs of pages, its page map says what lies where.
//
// Thread safety: every member function may be called from any thread, with no lock held.
// Misuse that comes to light here is fatal, with no lock held.
// Invariants: I1 to I10 (docs/invariants.md); at most one mutex is held at any time (I5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "global_pool/budget.h"
#include "global_pool/ledgers.h"
#include "global_pool/limits.h"
#include "global_pool/loose_run.h"
#include "global_pool/page_map.h"
#include "global_pool/shard.h"
#include "shim/log.h"
#include "shim/sync.h"

namespace ralloc {

// The page map comes first and alone in its cache line: every free reads it.
template <class Sync, class Limits>
class alignas(64) GlobalPool {
  using Config = typename Limits::Config;
  using Defences = typename Limits::Defences;
  static constexpr bool kGuardsLarge = Defences::kGuardsLarge;

 public:
  // Where no defence has to see large blocks come and go, threads keep them, and shards.
  static constexpr bool kKeepsLarge = !kGuardsLarge && !Defences::kStates && !Defences::kZeroesFreed;
  using Span = ralloc::Span<Sync, Limits>;
  using LooseRun = ralloc::LooseRun<Sync, Limits>;
  using Shard = ralloc::Shard<Sync, Limits>;
  using Ledgers = ralloc::Ledgers<Sync, Limits>;
  using Ledger = typename Ledgers::Ledger;
  using PageMap = ralloc::PageMap<Sync, Limits>;
  using Shards = Shard[Limits::kShards];
  using Seed = ralloc::Seed<Limits>;

  // The shards lie apart: being all zeros they cost no space in a file.
  constexpr explicit GlobalPool(Shards& shards) : shards_(shards) {}

  const PageMap& map() const { return map_; }
  Ledgers& ledgers() { return ledgers_; }
  // The first.
  Ledger& ledger() { return ledgers_.first(); }
  Budget<Sync>& budget() { return budget_; }

  // --- Blocks -------------------------------------------------------------------------------
  // Takes 1 to `n` free blocks of a class into blocks[0 .. taken), ascending from the end, or from
  // places that the seed says.
  // Returns how many; 0 if there is no memory.
  [[nodiscard]] std::size_t take(std::uint32_t shard, std::uint32_t size_class, void** blocks,
                                 std::size_t n, Seed seed = {}) {
    void** const end = blocks + n;
    const typename Shard::Taken from_spans = shards_[shard].take(size_class, end, n, seed);
    std::size_t taken = from_spans.count;
    if (taken == 0) {
      LooseRun span = take_span(shard, size_class, from_spans.spans);
      if (!span) return 0;
      taken = shards_[shard].adopt(shard, std::move(span), end, n, seed);
    }
    if (taken < n) std::memmove(blocks, end - taken, taken * sizeof *blocks);
    return taken;
  }

  // A free block of a class from any shard: the last resort, when `take` has failed. Null if
  // there is none.
  [[nodiscard]] void* take_anywhere(std::uint32_t size_class) {
    log_warning("no memory: a block of % B is sought in all shards",
                Limits::size_class(size_class).block_size);
    void* block = nullptr;
    for (Shard& shard : shards_) {
      if (shard.take(size_class, &block + 1, 1).count != 0) return block;
    }
    return nullptr;
  }

  // Gives `n` free blocks home, whatever their shards: one lock a shard. Reorders the array.
  void give(void** blocks, std::size_t n) {
    while (n != 0) {
      const Span* first = span_of(blocks[0]);
      if (first == nullptr || first->home_.get() == Span::kNobody) {
        die_of_misuse(Misuse::kDoubleFree, blocks[0]);
      }
      const std::uint32_t shard = first->home_.get() & 255;
      typename Shard::Given given = shards_[shard].give(shard, map_, blocks, n);
      log_debug("% blocks come home to shard %", n - given.kept, shard);
      give_emptied(std::move(given.emptied));
      if (given.culprit != nullptr) die_of_misuse(given.misuse, given.culprit);
      n = given.kept;
    }
  }

  // Frees a part of a block whose page has the live key of a small class. False if no record
  // can be had for it; then nothing has changed.
  [[nodiscard]] bool give_part(void* part, std::size_t size, Key key) {
    const unsigned index = shard_of(key);
    log_debug("a part of a block of shard % comes home, %", index, Extent{part, size});
    const std::size_t needs =
        conclude(shards_[index].give_part(index, map_, part, size, nullptr), nullptr, 0);
    if (needs == 0) return true;
    void* const memory = ledger().take_metadata(needs);
    if (memory == nullptr) return false;
    conclude(shards_[index].give_part(index, map_, part, size, memory), memory, needs);
    return true;
  }
  // The size of a part of `size` bytes, or of a block, after it was lengthened to at most `most`
  // and at least `least` bytes, not less than it has; 0, and nothing has changed, if it cannot.
  [[nodiscard]] std::size_t extend_part(void* part, std::size_t size, std::size_t least,
                                        std::size_t most, Key key) {
    const unsigned index = shard_of(key);
    const auto grown = shards_[index].extend_part(index, map_, part, size, least, most);
    if (grown.culprit != nullptr) {
      die_of_misuse(grown.misuse == Misuse::kOverFree     ? Misuse::kOverRealloc
                    : grown.misuse == Misuse::kDoubleFree ? Misuse::kForeignRealloc
                                                          : grown.misuse,
                    grown.culprit);
    }
    if (grown.unused != nullptr) ledger().give_metadata(grown.unused, grown.unused_bytes);
    log_debug("part % has % bytes now, wanted were % to %", Extent{part, size}, grown.bytes, least,
              most);
    return grown.bytes;
  }

  // --- Large blocks ---------------------------------------------------------------------------
  // A run of pages that is one block; its first page a multiple of `align` pages. One that will grow,
  // of no alignment, lies where it has room. For a thread of the shard; who has none is at home in the
  // first.
  [[nodiscard]] Span* take_large(std::size_t pages, std::size_t align, bool will_grow = false,
                                 std::uint32_t shard = 0) {
    return hand_out(take_run(shard, pages, align, SpanState::kLarge, 0, will_grow));
  }
  // A large block of at least `pages` pages with a mapping of its own, which is reserved only:
  // pages are to be moved there. Null if there is no memory.
  [[nodiscard]] Span* take_apart(std::size_t pages) {
    if (pages > map_.window_pages()) return nullptr;
    return hand_out(ledger().take_apart(pages));
  }
  // The span of blocks that `p` lies in, whose page has the live key of a small class.
  Span* span_of(const void* p) const {
    return static_cast<Span*>(map_.span_at(PageMap::page_of(p)));
  }
  // The large block that begins at `p`, whose page has the key of one, or one that is aside; null if
  // none does.
  Span* large_at(const void* p) const {
    Span* span = span_of(p);
    return span != nullptr && span->begin() == p ? span : nullptr;
  }
  // How to name the free of what is no block: of one that was freed, if that is known.
  Misuse foreign_free(const void* part) const {
    if constexpr (Limits::Defences::kStates) {
      if (map_.was_freed(part) && Limits::is_freed(part)) return Misuse::kDoubleFree;
    }
    const Key key = map_.key_of(part);
    const Span* const span = is_live(key) && is_large(key) ? large_at(part) : nullptr;
    return span != nullptr && span->is_aside() ? Misuse::kDoubleFree : Misuse::kForeignFree;
  }
  // Takes a large block back, dirty or reading as zeros.
  void give_large(Span* span, SpanState state) {
    if (!span->is_apart_.get()) return void(give_run(LooseRun(*span), state));
    if (span->is_guarded()) return give_guarded(span);
    map_.clear_key(span->first_page_.get(), 1);
    release(LooseRun(*span));
  }
  // The same of what the program freed, all that there was of it; and others that have decayed.
  void free_large(Span* span) {
    if (span->is_apart_.get()) {
      give_large(span, SpanState::kDirty);
      return decay(Limits::Memory::now_ms());
    }
    decay(give_run(LooseRun(*span), SpanState::kDirty));
  }
  // A large block of which nothing was freed, that the program has freed, becomes nobody's: a
  // thread keeps it, or a shard, and hands it out again, or gives it. To the ledger it is still
  // taken. Its key stays, since others' lie in the same cache line.
  void set_aside(Span* span) {
    DCHECK(!span->is_apart_.get());
    span->is_aside_.store(true, Sync::kRelaxed);
    span->was_clean_.set(false);
    span->slack_.set(0);
    span->ahead_.set(0);
    span->forget_whole();
    span->end_early(ledger().early());
  }
  // The program has it again.
  void take_up(Span* span) { span->is_aside_.store(false, Sync::kRelaxed); }
  void give_aside(Span* span) {
    span->is_aside_.store(false, Sync::kRelaxed);
    give_run(LooseRun(*span), SpanState::kDirty);
  }
  // Takes a large block back, the addresses of whose mapping are lost: the kernel may have
  // given them to somebody else.
  void lose_large(Span* span) {
    log_warning("the addresses of % are lost", extent_of(span));
    map_.clear_key(span->first_page_.get(), 1);
    ledger().forget(LooseRun(*span));
  }
  // Frees bytes of a large block: a part, or all that were asked for. False if no record can be
  // had for a part; then nothing has changed.
  // What was not written to has no backing that would be worth a system call.
  [[nodiscard]] bool give_large_part(void* part, std::size_t size, bool was_written) {
    log_debug("bytes of a large block come home, %", Extent{part, size});
    const Bytes bytes = bytes_of(part, size);
    const std::uint64_t now_ms = Limits::Memory::now_ms();
    begin_breaking(bytes);
    Ledger& ledger = ledgers_.of_address(bytes.begin);
    typename Ledger::PartGiven given = ledger.give_part(bytes, !was_written, now_ms);
    if (given.needs_purge) {
      // Its bytes are the caller's until they are given.
      if constexpr (Limits::Defences::kZeroesFreed) Limits::wipe(part, size);
      for (const Bytes& dead : given.os_pages) {
        if (dead.begin == dead.end) continue;
        (void)Limits::Memory::purge(reinterpret_cast<void*>(dead.begin), dead.end - dead.begin);
      }
      given = ledger.give_part(bytes, true, now_ms);
    }
    if (given.state != PartState::kLive) {
      die_of_misuse(given.state == PartState::kForeign ? foreign_free(part)
                    : given.state == PartState::kFreed ? Misuse::kPartFreed
                                                       : Misuse::kOverFree,
                    part);
    }
    if (given.apart != nullptr) give_large(given.apart, SpanState::kDirty);
    return given.is_done;
  }
  // The large block of just these bytes, none of them freed before; null if there is none.
  [[nodiscard]] Span* whole_large(const void* block, std::size_t size) {
    Span* const known = known_whole(block, size);
    if (known != nullptr) return known;
    const Bytes bytes = bytes_of(block, size);
    return ledgers_.of_address(bytes.begin).whole(bytes);
  }
  // The same without the mutex: null also where that is not known. Others may free or lengthen parts
  // meanwhile only if the caller has not all of it, and then these are not its bytes, before and after.
  [[nodiscard]] Span* known_whole(const void* block, std::size_t size) const {
    const Key key = map_.key_of(block);
    if (!is_live(key) || !is_large(key)) return nullptr;
    Span* const span = large_at(block);
    const bool is_whole = span != nullptr && size != 0 &&
                          span->whole_bytes_.load(Sync::kRelaxed) == size;
    return is_whole ? span : nullptr;
  }
  // The large block of no bytes that has the address; null if none has.
  [[nodiscard]] Span* empty_large(void* p) {
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(p);
    return ledgers_.of_address(address).empty_at(address);
  }
  // As extend_part, for a large block; it may get pages of a free neighbour.
  [[nodiscard]] std::size_t extend_large_part(void* part, std::size_t size, std::size_t least,
                                              std::size_t most) {
    const Bytes bytes = bytes_of(part, size);
    if (most > size) begin_breaking(bytes);
    const auto grown = ledgers_.of_address(bytes.begin).extend_part(bytes, least, most);
    if (grown.state != PartState::kLive) {
      die_of_misuse(grown.state == PartState::kForeign ? Misuse::kForeignRealloc
                    : grown.state == PartState::kFreed ? Misuse::kPartFreed
                                                       : Misuse::kOverRealloc,
                    part);
    }
    return grown.bytes;
  }
  // As Ledger::extend.
  [[nodiscard]] bool extend_large(Span* span, std::size_t pages, std::size_t ahead = 0) {
    return ledgers_.of(span).extend(span, pages, ahead);
  }
  // Shortens a large block to `pages` pages, or not much more.
  void shorten_large(Span* span, std::size_t pages) {
    if (!span->is_apart_.get()) {
      (void)ledgers_.of(span).shorten(span, pages, Limits::Memory::now_ms());
      return;
    }
    const Pages rest = ledger().shorten_apart(span, pages);
    if (rest.count == 0) return;
    Limits::Memory::release(reinterpret_cast<void*>(rest.first << Limits::kPageShift),
                            rest.count << Limits::kPageShift);
  }

  // --- Large blocks that shards keep ------------------------------------------------------------
  // Frees all of a large block, for a thread of a shard: that keeps it, or sends it to the ledger.
  // False, and nothing has changed, where no shard would keep it.
  [[nodiscard]] bool leave_large(Span* span, std::uint32_t shard) {
    if (!may_leave_large(span)) return false;
    set_aside(span);
    give_emptied(shards_[shard].keep_large(span, large_spare_pages()));
    decay(Limits::Memory::now_ms());
    return true;
  }
  bool may_leave_large(const Span* span) const {
    return has_large_spares() && !span->is_apart_.get() &&
           Shard::LargeSpares::may_have(span->pages_.get(), large_spare_pages());
  }
  // A large block of just so many pages that the shard has, the first a multiple of `align`; null if it
  // has none. One that will grow gets none: it needs room.
  [[nodiscard]] Span* take_large_spare(std::uint32_t shard, std::size_t pages, std::size_t align,
                                       bool will_grow) {
    const bool threads_keep_such = pages <= Config::kLargeKeptMost >> Limits::kPageShift;
    if (!has_large_spares() || threads_keep_such) return nullptr;
    typename Shard::LargeTaken taken = shards_[shard].take_large(pages, align, will_grow);
    give_emptied(std::move(taken.left));
    if (taken.span != nullptr) take_up(taken.span);
    return taken.span;
  }

  // --- Large blocks between inaccessible pages, in the security build ---------------------------
  // A large block of `bytes` bytes, the first page a multiple of `align` pages (a power of two), in
  // a mapping of its own of which just the OS pages with these bytes are accessible; an arena page
  // before and an OS page behind are not, nor is what it may grow into. Null if it cannot be had
  // so, and the caller takes an ordinary one: for want of memory or mappings, or if as many live as
  // may, or where addresses are short.
  [[nodiscard]] Span* take_guarded(std::size_t bytes, std::size_t align) {
    if constexpr (kGuardsLarge) {
      if (bytes >> Limits::kPageShift > map_.window_pages() || align > kGuardMost) return nullptr;
      const std::size_t open = in_os_pages(bytes);
      const std::size_t pages =
          pages_for(open + Limits::Memory::granule() + Config::room_to_grow(bytes));
      std::size_t was_open = 0;
      LooseRun run =
          ledger().take_guarded({pages, align, open / Limits::Memory::granule()}, was_open);
      if (!run) return nullptr;
      was_open *= Limits::Memory::granule();
      check_untouched(run->begin(), was_open);
      if (!open_just(run->begin(), was_open, open)) {
        log_warning("no backing, or no mapping, for % B between inaccessible pages", open);
        release(std::move(run));
        return nullptr;
      }
      run->slack_.set(run->bytes() - bytes);
      return hand_out(LooseRun(run.hand_over()));
    }
    return nullptr;
  }
  // Makes just the OS pages with the first `bytes` bytes accessible; what is closed loses its
  // contents. The slack is for the caller to set, who has the block alone. False, and the block is
  // as it was, if it cannot be so in place.
  [[nodiscard]] bool resize_guarded(Span* span, std::size_t bytes) {
    if (bytes >> Limits::kPageShift > map_.window_pages() || !span->is_guarded()) return false;
    if constexpr (kGuardsLarge) {
      const std::size_t open = in_os_pages(bytes);
      const std::size_t needed = open + Limits::Memory::granule();
      if (needed > span->bytes() && !ledger().extend_guarded(span, pages_for(needed))) return false;
      const std::size_t was_open = open_bytes(span);
      if (open == was_open) return true;
      if (!open_just(span->begin(), was_open, open)) return false;
      ledger().set_open(span, open / Limits::Memory::granule());
      return true;
    }
    return false;
  }
  // Releases all that wait. Returns how many bytes of them had backing.
  std::size_t release_quarantined() {
    std::size_t given = 0;
    if constexpr (kGuardsLarge) {
      for (;;) {
        LooseRun run = ledger().take_quarantined(true);
        if (!run) break;
        check_untouched(run->begin(), open_bytes(run.operator->()));
        given += open_bytes(run.operator->());
        release(std::move(run));
      }
    }
    return given;
  }

  // --- Returning memory -------------------------------------------------------------------------
  // Gives the backing of runs of at least `least` bytes that are free since `before_ms` or
  // earlier back to the OS, at least while it has looked at less than `most_bytes`. Returns the
  // bytes given. A long run goes by parts of so many bytes: while one is away nobody can have it.
  // (Rare, and so in one place and not in each of its callers; as are those below.)
  [[gnu::noinline]] std::size_t purge(std::uint64_t before_ms, std::uint64_t now_ms,
                                      std::size_t most_bytes, std::size_t least = 0,
                                      std::size_t part_bytes = SIZE_MAX) {
    // What is not worth it, or the OS would not take (locked memory, say) stays dirty, and is
    // young again.
    const std::uint64_t again_ms = now_ms > before_ms ? now_ms : before_ms + 1;
    // Of which run the OS does not take a part, all is offered at once, to be young again as a whole.
    const std::size_t part = (part_bytes > least ? part_bytes : least) >> Limits::kPageShift;
    std::size_t at_once = part;
    std::size_t given = 0;
    // Each time from another ledger on, lest the last of them wait for ever.
    unsigned from = unsigned(now_ms);
    for (std::size_t tried = 0; tried < most_bytes;) {
      LooseRun run = ledgers_.take_from_any(
          from, [=](Ledger& ledger) { return ledger.take_decayed(before_ms, at_once); });
      if (!run) break;
      const bool is_part = run->pages_.get() == at_once;
      const bool is_offered = run->bytes() >= least;
      if (is_offered && Limits::Memory::purge(run->begin(), run->bytes())) {
        if constexpr (Limits::Defences::kStates) {
          Limits::purge_states(run->first_page_.get(), run->pages_.get());
        }
        at_once = part;
        tried += run->bytes();
        given += run->bytes();
        give_back(std::move(run), SpanState::kClean, 0);
      } else {
        if (is_offered) log_warning("the OS does not take back %", extent_of(run.operator->()));
        at_once = is_part ? SIZE_MAX : part;
        tried += is_part ? 0 : run->bytes();
        give_back(std::move(run), SpanState::kDirty, again_ms);
      }
    }
    if (given != 0) log_note("% bytes have been given back to the OS, addresses kept", given);
    return given;
  }
  // What is due by the decay, if somebody has not just looked.
  void decay(std::uint64_t now_ms) {
    const std::uint64_t decay_ms = Limits::decay_ms();
    if (ledger().is_decay_due(now_ms, decay_ms) && now_ms > decay_ms) {
      return_decayed(now_ms - decay_ms, now_ms);
    }
  }
  // All free runs at once.
  [[gnu::noinline]] std::size_t trim() {
    give_up_spares(true);
    const std::uint64_t now_ms = Limits::Memory::now_ms();
    const std::size_t given =
        release_quarantined() + purge(now_ms, now_ms, SIZE_MAX, 0, Limits::decay_bytes());
    if (Limits::Memory::limit() != SIZE_MAX) release_sectors();
    return given;
  }

  // The addresses of free memory without backing, whole sectors: where the process may not have many,
  // for each hole costs a mapping.
  [[gnu::cold, gnu::noinline]] void release_sectors() {
    unsigned from = 0;
    for (;;) {
      LooseRun run =
          ledgers_.take_from_any(from, [](Ledger& ledger) { return ledger.take_sectors(); });
      if (!run) break;
      log_note("% is released", extent_of(run.operator->()));
      release(std::move(run));
    }
  }

  struct Counts {
    typename Shard::Counts shards;
    typename Ledger::Counts ledger;

    // In large blocks of the program, or that threads keep; and in what a fork lost. (0 where a run was
    // counted twice, on its way from a shard to the ledger.)
    std::size_t large_bytes() const {
      const std::size_t others = ledger.clean_bytes + ledger.dirty_bytes + shards.spans_bytes +
                                 shards.large_bytes;
      return ledger.committed_bytes > others ? ledger.committed_bytes - others : 0;
    }
  };
  Counts counts() {
    Counts counts;
    for (Shard& shard : shards_) {
      const typename Shard::Counts one = shard.counts();
      counts.shards.blocks_bytes += one.blocks_bytes;
      counts.shards.spans_bytes += one.spans_bytes;
      counts.shards.large_bytes += one.large_bytes;
    }
    counts.ledger = ledgers_.counts();
    return counts;
  }

  // Wholly free spans and large blocks that shards keep go to the ledger: all, or those that nobody has
  // had use for since the last call but one.
  [[gnu::noinline]] void give_up_spares(bool all) {
    if constexpr (Config::kSpareBytes == 0 && !kHasLargeSpares) return;
    const unsigned shards = ledger().shards();
    for (unsigned s = 0; s < shards; ++s) give_emptied(shards_[s].give_up_spares(all));
  }

  // Adds to each class its blocks outside the spans: held, or in local pools.
  void count_outside(std::size_t (&blocks)[Limits::kClasses]) {
    for (Shard& shard : shards_) shard.count_outside(blocks);
  }

  // (Templates, since clang 14 makes all other members of a class, whatever they require.)
  // Dies of what has come to light of a small block that a shard gave, or of the `reach` blocks
  // before and behind it; what lies not where the shard took its latest blocks is not looked at.
  template <class = void>
  void check_near(std::uint32_t shard, const void* block, std::uint32_t reach)
    requires(Limits::Defences::kStates)
  {
    const auto found = shards_[shard].look_at(block, reach);
    if (found.culprit != nullptr) die_of_misuse(found.misuse, found.culprit);
  }
  // The same of all blocks in spans that have a free one, of at most so many bytes.
  template <class = void>
  void check_blocks(std::size_t most_bytes)
    requires(Limits::Defences::kStates)
  {
    std::size_t pages = most_bytes >> Limits::kPageShift;
    for (Shard& shard : shards_) {
      const auto found = shard.look_at_all(pages);
      if (found.culprit != nullptr) die_of_misuse(found.misuse, found.culprit);
    }
  }

  // Debug builds and tests.
  bool is_valid() {
    for (Shard& shard : shards_) {
      if (!shard.is_valid()) return false;
    }
    return ledgers_.is_valid();
  }

 private:
  static constexpr bool kHasLargeSpares = kKeepsLarge && Config::large_spare_bytes(1) != 0;
  static bool has_large_spares() { return kHasLargeSpares && Limits::dirty_bytes() == SIZE_MAX; }
  // What a shard may keep.
  std::size_t large_spare_pages() const {
    return Config::large_spare_bytes(ledgers_.first().shards()) >> Limits::kPageShift;
  }
  static Bytes bytes_of(const void* begin, std::size_t size) {
    const std::uintptr_t address = reinterpret_cast<std::uintptr_t>(begin);
    return {address, address + size};
  }
  // Before a part leaves a block that was whole until now, or grows at its end.
  void begin_breaking([[maybe_unused]] Bytes part) {
    if constexpr (Limits::Defences::kStates) {
      Span* const overwritten = ledgers_.of_address(part.begin).break_at(part);
      if (overwritten != nullptr) die_of_misuse(Misuse::kOverflow, overwritten->begin());
    }
  }
  // What is left to do for a part, with no lock held. Returns the bytes of a record that it
  // still needs.
  std::size_t conclude(typename Shard::PartGiven given, void* memory, std::size_t bytes) {
    if (memory != nullptr && !given.took_memory) ledger().give_metadata(memory, bytes);
    if (given.unused != nullptr) ledger().give_metadata(given.unused, given.unused_bytes);
    give_emptied(std::move(given.emptied));
    if (given.culprit != nullptr) die_of_misuse(given.misuse, given.culprit);
    return given.needs;
  }

  LooseRun take_run(std::uint32_t shard, std::size_t pages, std::size_t align, SpanState state,
                    std::uint32_t words, bool will_grow = false) RETURN_TYPESTATE(unknown) {
    if (pages > map_.window_pages() || align > map_.window_pages()) return LooseRun(nullptr);
    LooseRun run = take_from_ledgers(shard, pages, align, state, words, will_grow);
    if constexpr (kGuardsLarge) {
      if (!run && ledger().drop_ballast()) {
        log_warning("no memory: mappings that were kept are for others now");
        run = ledgers_.take(shard, pages, align, state, words);
      }
    }
    if (!run) run = take_scraped(shard, pages, align, state, words);
    return run;
  }
  // The same, of what is free here and there.
  [[gnu::cold, gnu::noinline]] LooseRun take_scraped(std::uint32_t shard, std::size_t pages,
                                                     std::size_t align, SpanState state,
                                                     std::uint32_t words)
      RETURN_TYPESTATE(unknown) {
    give_up_spares(true);
    if (!may_scrape_together(pages)) return LooseRun(nullptr);
    log_warning("% pages are scraped together from free memory", pages);
    trim();
    release_sectors();
    return ledgers_.take(shard, pages, align, state, words);
  }
  // What shards keep is used before the arena grows.
  LooseRun take_from_ledgers(std::uint32_t shard, std::size_t pages, std::size_t align,
                             SpanState state, std::uint32_t words, bool will_grow = false)
      RETURN_TYPESTATE(unknown) {
    if constexpr (kHasLargeSpares) {
      LooseRun run = ledgers_.take_at_hand(shard, pages, align, state, words, will_grow);
      if (!run) {
        give_up_large_spares();
        run = ledgers_.take(shard, pages, align, state, words, will_grow);
      }
      return run;
    } else {
      return ledgers_.take(shard, pages, align, state, words, will_grow);
    }
  }
  template <class = void>
  [[gnu::cold, gnu::noinline]] void give_up_large_spares() requires(kHasLargeSpares) {
    const unsigned shards = ledger().shards();
    for (unsigned s = 0; s < shards; ++s) give_emptied(shards_[s].give_up_large());
  }
  // Purged runs merge with clean ones, and the addresses of both may be needed elsewhere. A
  // request beyond all of them is hopeless, unless it is the limit on addresses that failed it.
  bool may_scrape_together(std::size_t pages) {
    const typename Ledger::Counts counts = ledgers_.counts();
    return Limits::Memory::limit() != SIZE_MAX ||
           counts.dirty_bytes + counts.clean_bytes >= pages << Limits::kPageShift;
  }

  // What is free since `before_ms` or earlier.
  [[gnu::noinline]] void return_decayed(std::uint64_t before_ms, std::uint64_t now_ms) {
    give_up_spares(false);
    purge(before_ms, now_ms, Limits::decay_bytes(), Config::kPurgeLeast, Limits::decay_bytes());
    if constexpr (kGuardsLarge) {
      while (see_off(ledger().take_old_open(before_ms))) {
      }
    }
    // A process that may not have many addresses needs them for stacks and files too.
    if (Limits::Memory::limit() != SIZE_MAX) release_sectors();
  }

  // Whether some of the blocks that were freed stay accessible.
  static constexpr bool kStaysOpen =
      Defences::kLargeOpenMost != 0 && Defences::kLargeOpenBytes != 0;
  // More alignment than this is for ordinary blocks.
  static constexpr std::size_t kGuardMost = std::size_t{1} << 15;
  static std::size_t in_os_pages(std::size_t bytes) {
    const std::size_t granule = Limits::Memory::granule();
    return (bytes + granule - 1) / granule * granule;
  }
  static std::size_t pages_for(std::size_t bytes) {
    return (bytes + (std::size_t{1} << Limits::kPageShift) - 1) >> Limits::kPageShift;
  }
  static std::size_t open_bytes(const Span* span) {
    return span->open_.get() * Limits::Memory::granule();
  }
  // For who has a guarded block, of which `had` bytes are accessible: makes it `open`, both whole
  // OS pages. False, and nothing has changed, if that cannot be.
  template <class = void>
  bool open_just(char* begin, std::size_t had, std::size_t open) requires(kGuardsLarge) {
    if (open <= had) return open == had || Limits::Memory::close(begin + open, had - open);
    // It may be that mappings are missing that were kept.
    return Limits::Memory::commit(begin + had, open - had) ||
           (ledger().drop_ballast() && Limits::Memory::commit(begin + had, open - had));
  }
  // The program frees a guarded block: nobody gets its addresses for a while, and if it is large, or many others
  // wait, nobody can access it any more.
  void give_guarded(Span* span) {
    map_.set_key(span->first_page_.get(), 1, kFreedKey);
    if constexpr (kGuardsLarge) {
      const std::size_t open = zero_or_close(span);
      span->freed_ms_.set(Limits::Memory::now_ms());
      (void)see_off(ledger().put_in_quarantine(LooseRun(*span), open));
    }
  }
  // Nobody can access it any more. Without a mapping to spare it stays accessible, and loses its
  // backing at least.
  template <class = void>
  void close(Span* span) requires(kGuardsLarge) {
    if (Limits::Memory::close(span->begin(), open_bytes(span))) return;
    log_warning("% is freed and stays accessible", Extent{span->begin(), open_bytes(span)});
    (void)Limits::Memory::purge(span->begin(), open_bytes(span));
  }
  // For who frees it: how many OS pages of it stay accessible, and are zeros.
  template <class = void>
  std::size_t zero_or_close(Span* span) requires(kGuardsLarge) {
    if constexpr (kStaysOpen) {
      if (open_bytes(span) <= Defences::kLargeOpenMost) {
        Limits::zero(span->begin(), open_bytes(span));
        return span->open_.get();
      }
    }
    close(span);
    return 0;
  }
  // Who leaves the quarantine, if anybody, and all that have to after that: who was open is closed,
  // and waits on. False if nobody did.
  template <class = void>
  bool see_off(LooseRun leaving PARAM_TYPESTATE(unknown)) requires(kGuardsLarge) {
    bool did_one = false;
    for (;;) {
      if (!leaving) return did_one;
      did_one = true;
      if (leaving->open_.get() != 0) {
        check_untouched(leaving->begin(), open_bytes(leaving.operator->()));
        close(leaving.operator->());
        leaving = ledger().put_in_quarantine(std::move(leaving), 0);
      } else {
        release(std::move(leaving));
        leaving = ledger().take_quarantined(false);
      }
    }
  }
  // What was freed and is open must still be zeros.
  void check_untouched([[maybe_unused]] const char* begin, [[maybe_unused]] std::size_t open) {
    if constexpr (kStaysOpen && Defences::kFindsWritesAtReuse) {
      if (open == 0 || Limits::is_zero(begin, open)) return;
      die_of_misuse(Misuse::kWriteAfterFree, begin);
    }
  }

  // Makes a run, if there is one, a large block of the program's.
  Span* hand_out(LooseRun&& run PARAM_TYPESTATE(unknown) RETURN_TYPESTATE(consumed)) {
    if (!run) return nullptr;
    map_.set_key(run->first_page_.get(), 1, kLiveKey | kLargeClass);
    if constexpr (Limits::Defences::kStates) Limits::begin_large_states(run->begin());
    return run.hand_over();
  }

  // First the record: once the addresses are gone, another thread may reserve them anew.
  void release(LooseRun&& run TAKEN_OVER) {
    char* const begin = run->reserved_begin();
    const std::size_t bytes = run->reserved_bytes();
    ledger().forget(std::move(run));
    Limits::Memory::release(begin, bytes);
  }

  // A fresh span of a class for a shard that has `spans` of it.
  LooseRun take_span(std::uint32_t shard, std::uint32_t size_class, std::size_t spans)
      RETURN_TYPESTATE(unknown) {
    // The long one only if it is at hand: all free memory is scraped together for the least.
    const std::uint32_t pages = Limits::span_pages(size_class, spans);
    const std::uint32_t least = Limits::span_pages(size_class, 0);
    LooseRun span = take_from_ledgers(shard, pages, 1, SpanState::kBlocks, more_words(size_class, pages));
    if (!span) span = take_run(shard, least, 1, SpanState::kBlocks, more_words(size_class, least));
    if (span) {
      span->cut(size_class);
      if constexpr (Limits::Defences::kStates) {
        Limits::begin_span_states(span->first_page_.get(), span->pages_.get());
      }
      map_.set_key(span->first_page_.get(), span->pages_.get(), home_key(shard) | size_class * 16);
    }
    return span;
  }
  // Words that a span needs beside those in its record.
  static std::uint32_t more_words(std::uint32_t size_class, std::uint32_t pages) {
    return Span::more_words_for(Span::capacity_of(Limits::size_class(size_class), pages));
  }

  // Apart from the loop over the blocks, which has no register to spare for it.
  [[gnu::noinline]] void give_emptied(typename Shard::LooseRuns spans) {
    for (;;) {
      LooseRun span = spans.pop();
      if (!span) break;
      give_run(std::move(span), SpanState::kDirty);
    }
  }
  // To the ledger that keeps it, as Ledger::give.
  std::size_t give_back(LooseRun&& run TAKEN_OVER, SpanState state, std::uint64_t now_ms) {
    Ledger& ledger = ledgers_.of(run.operator->());
    return ledger.give(std::move(run), state, now_ms);
  }
  // Returns the time.
  std::uint64_t give_run(LooseRun&& run TAKEN_OVER, SpanState state) {
    // First the keys: once the ledger has the run, another thread may write new ones.
    const bool large = run->state_.get() == SpanState::kLarge;
    map_.clear_key(run->first_page_.get(), large ? 1 : run->pages_.get());
    const std::uint64_t now_ms = Limits::Memory::now_ms();
    const std::size_t dirty = give_back(std::move(run), state, now_ms);
    const std::size_t most = Limits::dirty_bytes();
    if (dirty > most) purge(now_ms, now_ms, dirty - Config::dirty_kept(most));
    return now_ms;
  }

  PageMap map_{};
  alignas(64) Ledgers ledgers_{map_};
  Budget<Sync> budget_;
  Shards& shards_;
};

using Bookkeeper = GlobalPool<StdSync, ShippedLimits>;
extern template class GlobalPool<StdSync, ShippedLimits>;

// The one of this process.
extern constinit Bookkeeper bookkeeper;

}  // namespace ralloc
