// What most models are made of: a bookkeeper, blocks that are taken, used and given back, and
// what must hold at the end.
//
// Thread safety: a model's threads are fibers of one thread.
#pragma once

#include "verify/expected_misuse.h"
#include "verify/search.h"

namespace ralloc_verify {

template <class Model, unsigned kThreads, class Sync = RelacySync, class Limits = TinyLimits>
struct PoolScenario : Scenario<Model, kThreads> {
  using Pool = ralloc::GlobalPool<Sync, Limits>;
  using LocalPool = ralloc::LocalPool<Sync, Limits>;
  using Span = typename Pool::Span;

  typename Pool::Shards shards{};
  Pool pool{shards};

  // --- As alloc/ does it for a thread without a pool
  void* take(unsigned shard, unsigned size_class, Place place = Place::here()) {
    void* block = nullptr;
    require(pool.take(shard, size_class, &block, 1) == 1, "no memory", place);
    World::hold(block, place);
    return block;
  }
  void give(void* block, Place place = Place::here()) {
    check_key(block, place);
    World::let_go(block, place);
    pool.give(&block, 1);
  }
  void take_and_give(unsigned shard, unsigned size_class, Place place = Place::here()) {
    give(take(shard, size_class, place), place);
  }
  // I3: whoever frees a live block reads its key by plain loads.
  ralloc::Key check_key(void* block, Place place = Place::here()) {
    const ralloc::Key key = pool.map().key_of(block);
    require(ralloc::is_live(key) && !ralloc::is_large(key), "a live block has no key (I3)", place);
    return key;
  }

  Span* take_large(std::size_t pages, std::size_t align = 1, Place place = Place::here()) {
    Span* span = pool.take_large(pages, align);
    require(span != nullptr, "no memory", place);
    hold_large(span, pages, place);
    return span;
  }
  void give_large(Span* span, std::size_t pages, Place place = Place::here()) {
    require(pool.large_at(span->begin()) == span, "a large block is not found", place);
    let_go_large(span, pages, place);
    pool.give_large(span, ralloc::SpanState::kDirty);
  }
  static void hold_large(Span* span, std::size_t pages, Place place = Place::here()) {
    for (std::size_t i = 0; i < pages; ++i) World::hold(span->begin() + i * kPageBytes, place);
  }
  static void let_go_large(Span* span, std::size_t pages, Place place = Place::here()) {
    for (std::size_t i = 0; i < pages; ++i) World::let_go(span->begin() + i * kPageBytes, place);
  }

  // Large blocks of so many pages, as the list of leaks tells them.
  std::size_t large_blocks(std::size_t pages) {
    using Ledger = typename Pool::Ledger;
    std::size_t blocks = 0;
    std::size_t runs[Ledger::kRunsAtOnce];
    for (std::size_t sector = 0;;) {
      const std::size_t found = pool.ledgers().large_runs(sector, runs);
      if (found == 0) return blocks;
      for (std::size_t i = 0; i < found; ++i) blocks += runs[i] == pages * kPageBytes;
    }
  }

  // --- Parts
  static void hold_bytes(void* p, std::size_t bytes, Place place = Place::here()) {
    for (std::size_t i = 0; i < bytes; i += kPayloadBytes) {
      World::hold(static_cast<char*>(p) + i, place);
    }
  }
  static void let_go_bytes(void* p, std::size_t bytes, Place place = Place::here()) {
    for (std::size_t i = 0; i < bytes; i += kPayloadBytes) {
      World::let_go(static_cast<char*>(p) + i, place);
    }
  }
  void give_part(void* part, std::size_t bytes, Place place = Place::here()) {
    const ralloc::Key key = check_key(part, place);
    let_go_bytes(part, bytes, place);
    require(pool.give_part(part, bytes, key), "no memory", place);
  }
  // A large block's first page has a key as long as a byte of it lives, its others have none.
  void give_large_part(void* part, std::size_t bytes, Place place = Place::here()) {
    const ralloc::Key key = pool.map().key_of(part);
    require(!ralloc::is_live(key) || ralloc::is_large(key), "a wrong key (I3)", place);
    let_go_bytes(part, bytes, place);
    require(pool.give_large_part(part, bytes, true), "no memory", place);
  }

  // --- As alloc/ does it for a thread with a pool
  void* allocate(LocalPool* local, unsigned size_class, Place place = Place::here()) {
    void* block = local->take_hit(size_class * sizeof(ralloc::Magazine));
    if (block == nullptr) block = local->refill(size_class);
    require(block != nullptr, "no memory", place);
    World::hold(block, place);
    return block;
  }
  void deallocate(LocalPool* local, void* block, Place place = Place::here()) {
    const ralloc::Key key = check_key(block, place);
    World::let_go(block, place);
    if (!local->give_hit(block, key)) local->give_miss(block, key);
  }

  // --- At the end
  // Every block is home, every page in a free run, and neighbours of one state are one run.
  void check_all_is_home(Place place = Place::here()) {
    require(pool.is_valid(), "a structure is not valid", place);
    const auto counts = pool.counts();
    require(counts.shards.blocks_bytes == 0, "blocks are lost (I1, I2)", place);
    require(counts.shards.spans_bytes == 0, "a wholly free span has not left (I4)", place);
    require(counts.shards.large_bytes == 0, "a large block has not left (I4)", place);
    require(counts.large_bytes() == 0 && counts.ledger.dirty_bytes + counts.ledger.clean_bytes ==
                                             counts.ledger.committed_bytes,
            "pages are lost (I9)", place);
    require(pool.budget().drawn() == 0, "the budget is not even", place);
    require(World::records_out == 0, "a record is lost", place);
    for (std::uintptr_t page = kFirstPage; page < World::next_page; ++page) {
      require(!ralloc::is_live(pool.map().key_of(WorldMemory::address(page))),
              "a page of a free run has a key (I3)", place);
    }
  }
};

}  // namespace ralloc_verify
