// Large blocks of which parts are freed: they fall into several runs, each with a record.
//
// A run is live from its begin to its slack, but for a single page of which some bytes are
// freed: that one has a bit for each byte. Whole pages that are freed leave the block at once.
// Runs of one block that lie behind each other are linked by `continues_`.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: I9; I10 a byte of a block is freed once, and the block's memory is there for
// others when all of its bytes are (a whole page, when all of that page's are). The page map
// has the first page of each run; only that of the whole block has a key, as long as a byte
// of that page is live.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <new>

#include "global_pool/budget.h"
#include "global_pool/freed_bits.h"
#include "global_pool/loose_run.h"
#include "global_pool/page_map.h"
#include "global_pool/span.h"

namespace ralloc {

// Bytes that follow each other, by their addresses.
struct Bytes {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

enum class PartState : std::uint8_t {
  kLive,
  kForeign,  // no large block is there
  kFreed,    // some of it is freed already
  kOver,     // it goes beyond the end of the block
};

template <class Sync, class Limits>
class LargeParts {
  template <class T>
  using Cell = typename Sync::template Cell<T>;
  using Metadata = typename Limits::Metadata;
  using Freed = FreedBits<Sync>;

 public:
  using Span = ralloc::Span<Sync, Limits>;
  using LooseRun = ralloc::LooseRun<Sync, Limits>;
  using LooseRuns = ralloc::LooseRuns<Sync, Limits>;
  using PageMap = ralloc::PageMap<Sync, Limits>;

  constexpr LargeParts(PageMap& map, std::uint8_t ledger, Metadata& metadata, Budget<Sync>& early)
      : map_(map), ledger_(ledger), metadata_(metadata), early_(early) {}

  // The run of a large block that has the address; null if none. O(pages before it), but for
  // those that were found lately: who frees long ones from their ends asks for these again.
  Span* run_at(std::uintptr_t address) {
    const std::uintptr_t page = page_of(address);
    for (const Cell<Span*>& one : found_) {
      Span* const run = one.get();
      if (run != nullptr && has_page(run, page)) return of_program(run);
    }
    for (std::uintptr_t p = page; is_kept_here(p); --p) {
      Span* const run = static_cast<Span*>(map_.span_at(p));
      if (run == nullptr) continue;
      if (run->state_.get() != SpanState::kLarge || !has_page(run, page)) return nullptr;
      remember(run);
      return of_program(run);
    }
    return nullptr;
  }
  static std::uintptr_t live_end(const Span* run) { return run->end() - run->slack_.get(); }
  static Bytes all_of(const Span* run)
    requires(Limits::Defences::kStates)
  {
    return {begin_of(run), live_end(run)};
  }
  // Whether the run is a large block of which nothing was ever freed, and these are its bytes.
  static bool is_whole(const Span* run, Bytes part) {
    return !run->is_piece_.get() && !run->continues_.get() && run->freed_.get() == nullptr &&
           begin_of(run) == part.begin && live_end(run) == part.end;
  }

  PartState state_of(Bytes part) {
    const Span* run = run_at(part.begin);
    if (run == nullptr) return PartState::kForeign;
    for (std::uintptr_t at = part.begin;; run = run_at(at)) {
      const std::uintptr_t stop = part.end < live_end(run) ? part.end : live_end(run);
      if (at > stop) return PartState::kOver;
      if (run->freed_.get() != nullptr && !freed(run).none(bit(run, at), bit(run, stop))) {
        return PartState::kFreed;
      }
      if (stop == part.end) return PartState::kLive;
      if (!run->continues_.get()) return PartState::kOver;
      at = stop;
    }
  }

  // What the OS can have of the first (or last) page of a part that is about to be freed, if
  // that page stays: its OS pages that are wholly of the part, or freed before. Nobody else
  // may get those meanwhile: what is freed of a page is not taken again before all of it is.
  Bytes os_pages_of(Bytes part, bool last_page) {
    const std::uintptr_t granule = Limits::Memory::granule();
    const std::uintptr_t page = page_of(last_page ? part.end - 1 : part.begin);
    if (last_page && page == page_of(part.begin)) return {};
    const Span* const run = run_at(page << Limits::kPageShift);
    const bool to_end = part.end == live_end(run);
    Bytes bytes{page << Limits::kPageShift, (page + 1) << Limits::kPageShift};
    const Bytes all = bytes;
    if (part.begin > bytes.begin) bytes.begin = part.begin;
    if (part.end < bytes.end && !to_end) bytes.end = part.end;
    if (run->freed_.get() != nullptr) {
      const std::uintptr_t lower = bytes.begin / granule * granule;
      const std::uintptr_t upper = (bytes.end + granule - 1) / granule * granule;
      if (freed(run).all(bit(run, lower), bit(run, bytes.begin))) bytes.begin = lower;
      if (freed(run).all(bit(run, bytes.end), bit(run, upper))) bytes.end = upper;
    } else if (bytes.begin == all.begin && bytes.end == all.end) {
      return {};  // it will leave the block as a whole
    }
    bytes.begin = (bytes.begin + granule - 1) / granule * granule;
    bytes.end = bytes.end / granule * granule;
    return bytes.begin < bytes.end ? bytes : Bytes{};
  }

  // Cuts the block's runs so that the part, which is live, is made of whole runs, of bytes in
  // pages with freed bits, and of the end of a run that ends the block. False if no record can
  // be had; the block may have more runs then, and is as live as before. Either way runs may
  // have left, which are for the caller to give.
  [[nodiscard]] bool isolate(Bytes part, LooseRuns& left) {
    return isolate_begin(part, left) && isolate_end(part, left);
  }

  // Frees a part that was isolated.
  void remove(Bytes part, LooseRuns& left) {
    for (std::uintptr_t at = part.begin; at < part.end;) {
      Span* const run = run_at(at);
      const std::uintptr_t end = live_end(run);
      const std::uintptr_t stop = part.end < end ? part.end : end;
      if (run->freed_.get() != nullptr) {
        freed(run).set(bit(run, at), bit(run, stop));
        if (freed(run).all(0, kPageBits)) leave(run, left);
      } else if (at > begin_of(run)) {
        run->slack_.set(run->end() - at);
        run->continues_.set(false);
      } else {
        leave(run, left);
      }
      at = stop;
    }
  }

  // A thread died with fork while it held the mutex.
  void retire() {
    finish_split();
    for (Cell<Span*>& one : found_) one.set(nullptr);
  }
  // Takes a large block, or a run of one, out of the map.
  void leave(Span* run, LooseRuns& left) {
    if (run->is_piece_.get()) {
      // What is there may be another block by now, whose owner reads this with no lock held: it
      // does not continue, and is not written to.
      Span* const before = run_at(begin_of(run) - 1);
      if (before != nullptr && before->continues_.get()) before->continues_.set(false);
    }
    if (run->freed_.get() != nullptr) {
      metadata_.give(run->freed_.get(), Freed::bytes_for(kPageBits));
    }
    map_.set_span(run->first_page_.get(), 1, nullptr);
    map_.clear_key(run->first_page_.get(), 1);
    forget_block(run);
    left.push(LooseRun(*run));
  }
  // What the record of a run knew as a block, or a piece of one.
  void forget_block(Span* run) {
    for (Cell<Span*>& one : found_) {
      if (one.get() == run) one.set(nullptr);
    }
    run->slack_.set(0);
    run->ahead_.set(0);
    run->forget_whole();
    run->end_early(early_);
    run->continues_.set(false);
    run->is_piece_.set(false);
    run->freed_.set(nullptr);
  }

 private:
  static constexpr std::size_t kPageBytes = std::size_t{1} << Limits::kPageShift;
  static constexpr std::size_t kPageBits = kPageBytes / Limits::kPartGrain;

  // In the place of what is none any more, else of each by turns.
  void remember(Span* run) {
    turn_.set((turn_.get() + 1) % std::size(found_));
    Cell<Span*>* place = &found_[turn_.get()];
    for (Cell<Span*>& one : found_) {
      if (one.get() == nullptr) place = &one;
    }
    place->set(run);
  }
  static bool has_page(const Span* run, std::uintptr_t page) {
    return page - run->first_page_.get() < run->pages_.get();
  }
  // Whether the page is this ledger's. (Who shares a place with one that is will not be found there.)
  bool is_kept_here(std::uintptr_t page) const {
    return map_.keeper_of(page) == ledger_ && (ledger_ != 0 || map_.covers(page));
  }
  // What is set aside is no block.
  static Span* of_program(Span* run) {
    return run->is_aside() ? nullptr : run;
  }
  static std::uintptr_t page_of(std::uintptr_t address) { return address >> Limits::kPageShift; }
  static std::uintptr_t begin_of(const Span* run) {
    return run->first_page_.get() << Limits::kPageShift;
  }
  static bool is_inside_page(std::uintptr_t address) { return (address & (kPageBytes - 1)) != 0; }
  static Freed freed(const Span* run) { return Freed(run->freed_.get()); }
  static std::size_t bit(const Span* run, std::uintptr_t address) {
    return (address - begin_of(run)) / Limits::kPartGrain;
  }

  [[nodiscard]] bool isolate_begin(Bytes part, LooseRuns& left) {
    Span* const run = run_at(part.begin);
    // Its pages become like any others: what leaves a block is for everybody.
    run->is_apart_.set(false);
    if (run->freed_.get() != nullptr || part.begin == begin_of(run)) return true;
    if (part.end < live_end(run)) {
      return is_inside_page(part.begin) ? isolate_page(part.begin, left)
                                        : split(run, page_of(part.begin), left);
    }
    // The end of the run: what is freed of its page becomes slack, and the other pages leave,
    // unless no record can be had: then they are slack too.
    const std::uintptr_t next = page_of(part.begin + kPageBytes - 1);
    return split(run, next, left) || !run->continues_.get();
  }
  [[nodiscard]] bool isolate_end(Bytes part, LooseRuns& left) {
    Span* const run = run_at(part.end - 1);
    if (part.end == live_end(run) || run->freed_.get() != nullptr) return true;
    return is_inside_page(part.end) ? isolate_page(part.end, left)
                                    : split(run, page_of(part.end), left);
  }

  // Gives the page of an address that is inside it a run of its own, with freed bits.
  [[nodiscard]] bool isolate_page(std::uintptr_t address, LooseRuns& left) {
    const std::uintptr_t page = page_of(address);
    void* const bits = metadata_.take(Freed::bytes_for(kPageBits));
    if (bits == nullptr) return false;
    if (!split(run_at(address), page, left) || !split(run_at(address), page + 1, left)) {
      metadata_.give(bits, Freed::bytes_for(kPageBits));
      return false;
    }
    Span* const run = run_at(address);
    run->freed_.set(Freed::make(bits, kPageBits));
    freed(run).set(bit(run, live_end(run)), kPageBits);
    run->slack_.set(0);
    return true;
  }

  // Cuts a run in two at a page, where it is not cut already. Should the thread be lost to a
  // fork meanwhile, what was begun is finished in retire().
  [[nodiscard]] bool split(Span* run, std::uintptr_t page, LooseRuns& left) {
    if (page == run->first_page_.get() || page == run->end_page()) return true;
    void* const piece = metadata_.take(sizeof(Span));
    if (piece == nullptr) return false;
    Span* const rest = new (piece) Span;
    rest->first_page_.set(page);
    rest->pages_.set(run->end_page() - page);
    rest->state_.set(SpanState::kLarge);
    rest->is_piece_.set(true);
    const std::size_t bytes = rest->bytes();
    const std::size_t slack = run->slack_.get();
    const bool is_live = slack < bytes;
    rest->slack_.set(is_live ? slack : 0);
    rest->continues_.set(run->continues_.get());
    begun_run_.set(run);
    begun_slack_.set(is_live ? 0 : slack - bytes);
    begun_is_live_.set(is_live);
    begun_rest_.set(rest);
    finish_split();
    if (!is_live) left.push(LooseRun(*rest));
    return true;
  }
  // What a split does to the map and to the run in front, as often as it takes.
  void finish_split() {
    Span* const rest = begun_rest_.get();
    if (rest == nullptr) return;
    Span* const run = begun_run_.get();
    if (begun_is_live_.get()) map_.set_span(rest->first_page_.get(), 1, rest);
    run->pages_.set(rest->first_page_.get() - run->first_page_.get());
    run->slack_.set(begun_slack_.get());
    run->ahead_.set(0);
    run->continues_.set(begun_is_live_.get());
    begun_rest_.set(nullptr);
  }

  PageMap& map_;
  const std::uint8_t ledger_;
  Metadata& metadata_;
  Budget<Sync>& early_;
  Cell<Span*> found_[4] = {};  // lately; null, or a taken run
  Cell<unsigned> turn_{};
  // A split that has begun: all of it is known once there is a rest.
  Cell<Span*> begun_rest_{};
  Cell<Span*> begun_run_{};
  Cell<std::size_t> begun_slack_{};  // of the run in front, from now on
  Cell<bool> begun_is_live_{};       // whether any of the rest is live
};

}  // namespace ralloc
