#include "local_pool/this_pool.h"

#include <new>

#include "shim/debugger.h"
#include "shim/log.h"
#include "shim/options.h"
#include "shim/os.h"

namespace ralloc {

template class LocalPool<StdSync, ShippedLimits>;

namespace {

// The rack of all threads without a pool. (One, since its pointers are entries for the dynamic linker.)
constinit ThisRack without_pool = rack_without_room<ShippedLimits>();
// This thread had its pool, and is ending.
constinit thread_local bool has_ended [[gnu::tls_model("initial-exec")]] = false;

// For a thread that owns no generator: rare enough to ask the system.
Seed<ShippedLimits> fresh_seed() {
  Seed<ShippedLimits> seed{};
  if constexpr (Defences::kShufflesBlocks) (void)os::fill_random(&seed, sizeof seed);
  return seed;
}

// From now on this thread goes past the magazines to the shards (I7).
void close_this_pool(ThisPool* pool) {
  this_rack = &without_pool;
  has_ended = true;
  pool->close();
}

void on_thread_exit(void* pool) {
  // A destructor that runs later, whosever it is, finds no pool.
  if (this_rack == pool) close_this_pool(static_cast<ThisPool*>(pool));
  // Threads that do little see the clock nowhere else.
  bookkeeper.decay(os::now_ms());
}

}  // namespace

constinit thread_local ThisRack* this_rack = &without_pool;

ThisPool* attach_this_pool() {
  if (has_ended) return nullptr;
  // A magazine's array would hold pointers to blocks that the program lost.
  if (kDebugger && debugger::is_memcheck()) return nullptr;
  if (ThisPool* pool = existing_pool()) return pool;
  (void)options();  // before a lock is held, for it may have something to say
  ThisPool* pool = ThisPool::open(bookkeeper);
  if (pool == nullptr) return nullptr;
  // From here on this thread has a pool: at_thread_exit may allocate.
  this_rack = pool;
  if (os::at_thread_exit(&on_thread_exit, pool)) return pool;
  // Without the hook the pool would be lost with the thread.
  log_warning("no pool for this thread: it cannot be told of the thread's end");
  close_this_pool(pool);
  return nullptr;
}

void* take_miss(unsigned size_class) {
  if (ThisPool* pool = attach_this_pool()) return pool->refill(size_class);
  void* block = nullptr;
  (void)bookkeeper.take(0, size_class, &block, 1, fresh_seed());
  return block;
}

void give_miss(void* block, Key key) {
  if (ThisPool* pool = attach_this_pool()) return pool->give_miss(block, key);
  bookkeeper.give(&block, 1);
}

bool keep_large(Bookkeeper::Span* span) {
  if (!ThisPool::kKeepsLarge || (!ThisPool::may_keep(span) && !bookkeeper.may_leave_large(span))) {
    return false;
  }
  if (attach_this_pool() == nullptr) return false;
  return if_it_keeps_large(false, [=](auto& pool) { return pool.keep_large(span); });
}

Bookkeeper::Span* take_large_spare(std::size_t pages, std::size_t align, bool will_grow) {
  return if_it_keeps_large(static_cast<Bookkeeper::Span*>(nullptr), [=](auto& pool) {
    return pool.take_large_spare(pages, align, will_grow);
  });
}

void flush_this_pool() {
  if (ThisPool* pool = existing_pool()) pool->flush();
}

std::size_t bytes_in_this_pool() {
  const ThisPool* pool = existing_pool();
  return pool != nullptr ? pool->bytes() : 0;
}

std::size_t large_bytes_in_this_pool() {
  return if_it_keeps_large(std::size_t{0}, [](auto& pool) { return pool.large_bytes(); });
}

}  // namespace ralloc
