// One thread's magazines: arrays of pointers to free blocks, one for each size class.
//
// Thread safety: a pool is touched by its own thread alone, and so needs neither locks nor
// atomics. It meets the other threads only through the bookkeeper's take and give.
// Invariants: I1 a block is in one magazine or outgoing array at most. Magazines hold blocks at
// home in this pool's shard, and foreign ones only of sizes that are multiples of a cache line:
// others, were they reused here while their neighbours live on another core, would put one line
// under two writers. I7 what a pool held when it was closed is all in the global pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "global_pool/global_pool.h"
#include "global_pool/size_class.h"
#include "local_pool/arrays.h"
#include "local_pool/large_stacks.h"
#include "local_pool/magazine.h"
#include "local_pool/magazine_log.h"
#include "shim/annotations.h"
#include "shim/fatal.h"
#include "shim/log.h"

namespace ralloc {

// The pool's random numbers, where a defence asks for them.
template <class Limits>
struct PoolRandom {
  typename Limits::Random random;
  void* recent = nullptr;  // the block that the last refill gave
};
struct NoPoolRandom {};
struct NoLargeStacks {};

template <class Sync, class Limits>
class LocalPool : public PoolRack<Limits> {
  using Config = typename Limits::Config;
  using Defences = typename Limits::Defences;
  using Rack = PoolRack<Limits>;

 public:
  using GlobalPool = ralloc::GlobalPool<Sync, Limits>;
  using Rack::home;
  using Rack::magazines;

  // A fresh pool with a home shard; null if memory is short.
  static LocalPool* open(GlobalPool& global) {
    const auto place = global.ledger().attach_pool(sizeof(LocalPool));
    if (place.record == nullptr) return nullptr;
    log_note("a pool for this thread, at home in shard %", place.shard);
    LocalPool* const pool = new (place.record) LocalPool(global, place.shard);
    if constexpr (kHasQuarantine<Limits>) pool->open_quarantine();
    return pool;
  }
  // Gives all home, the pool's own memory too.
  void close();

  // A block, when the magazine is empty; null if there is no memory.
  void* refill(unsigned size_class);
  // Frees a block whose page has the live key of a small class, where give_hit would not.
  void give_miss(void* block, Key key) {
    if (shard_of(key) == shard_) {
      overflow(class_of(key), block);
    } else if (!give_foreign_hit(block, key)) {
      send(block, class_of(key));
    }
  }
  // The same, where it is another shard's and there is room for it. False if not.
  [[gnu::always_inline]] bool give_foreign_hit(void* block, Key key) {
    if (shard_of(key) == shard_) return false;
    return this->adopt_hit(block, key) || send_hit(block, class_of(key));
  }
  // Frees such a block by and by: others are freed before it can be used again.
  [[gnu::always_inline]] void give_later(void* block, Key key, std::size_t bytes) {
    if constexpr (kHasQuarantine<Limits>) {
      if (LIKELY(this->has_quarantine()) && !Quarantine::passes_by(bytes)) {
        this->quarantine->enter(Quarantine::entry_of(block, key), bytes, own_.random);
        if (UNLIKELY(this->quarantine->is_over())) give_oldest_now();
        return;
      }
    }
    give_now(block, key);
  }
  // --- Large blocks, where no defence has to see them come and go
  static constexpr bool kKeepsLarge =
      GlobalPool::kKeepsLarge && Config::kLargeKeptMost >> Limits::kPageShift != 0;
  using Span = typename GlobalPool::Span;
  // Whether any thread would keep it, if it has room.
  static bool may_keep(const Span* span) {
    return span->bytes() <= Config::kLargeKeptMost && !span->is_apart_.get();
  }
  // One of so many pages that this thread has freed; null if there is none. For a block that
  // grows it is cut off a longer one, if there is one: the rest is room for that, until another
  // takes it.
  template <class = void>
  [[gnu::always_inline]] Span* take_large(std::size_t pages, bool will_grow)
    requires(kKeepsLarge)
  {
    Span* const span = will_grow ? large_.pop_longer(pages) : large_.pop(pages);
    if (span == nullptr) return nullptr;
    large_.last_event = events_;
    log_debug("%, which was kept, is taken", extent_of(span));
    global_.take_up(span);
    if (will_grow && span->pages_.get() != pages) global_.shorten_large(span, pages);
    return span;
  }
  // Keeps what the program frees, all of a large block, or leaves it to this pool's shard. False if
  // it has to go to the ledger.
  template <class = void>
  [[nodiscard]] bool keep_large(Span* span)
    requires(kKeepsLarge)
  {
    if (span->bytes() > Config::kLargeKeptMost) return global_.leave_large(span, shard_);
    if (!may_keep(span) || (!has_large_room(span) && !make_large_room())) return false;
    // Else nothing would decay while a thread frees only such.
    if (large_.is_clock_due()) {
      large_.turns = 0;
      global_.decay(Limits::Memory::now_ms());
    }
    set_aside(span);
    return true;
  }
  // The same where there is room, and it is not the time to look at the clock.
  template <class = void>
  [[nodiscard, gnu::always_inline]] bool keep_large_hit(Span* span)
    requires(kKeepsLarge)
  {
    if (!may_keep(span) || !has_large_room(span) || large_.is_clock_due()) return false;
    set_aside(span);
    return true;
  }
  // One that this pool's shard keeps, as take_large.
  template <class = void>
  [[nodiscard]] Span* take_large_spare(std::size_t pages, std::size_t align, bool will_grow)
    requires(kKeepsLarge)
  {
    return global_.take_large_spare(shard_, pages, align, will_grow);
  }
  // Bytes in those that it keeps.
  template <class = void>
  std::size_t large_bytes() const
    requires(kKeepsLarge)
  {
    return large_.bytes();
  }
  // Gives all free blocks home.
  void flush();
  // Bytes in free blocks, but for large ones.
  std::size_t bytes() const;

  // Debug builds and tests: the shape of every magazine.
  bool is_valid() const;

 private:
  // The array of a magazine, and the number of its last event: a refill or flush.
  struct Shelf {
    void** array;
    std::uint32_t last_event;
  };

  LocalPool(GlobalPool& global, std::uint32_t shard) : Rack{}, global_(global), shard_(shard) {
    this->empty_without_room();
    home = home_key(shard);
    arrays_.give(words_, kWords);
  }

  static constexpr std::uint32_t kSampleReach = 2;  // blocks before and behind
  static constexpr bool kSamples = Defences::kStates && Defences::kChecksNeighbours;
  static constexpr bool kHasRandom = kSamples || Defences::kShufflesBlocks || kHasQuarantine<Limits>;
  using OwnRandom = std::conditional_t<kHasRandom, PoolRandom<Limits>, NoPoolRandom>;
  using Quarantine = ThreadQuarantine<Limits>;
  using KeptLarge = std::conditional_t<kKeepsLarge, LargeStacks<Sync, Limits>, NoLargeStacks>;

  [[gnu::always_inline]] void give_now(void* block, Key key) {
    if (!this->give_hit(block, key)) give_miss(block, key);
  }
  // What each take needs.
  Seed<Limits> seed() {
    if constexpr (Defences::kShufflesBlocks) {
      return own_.random.next();
    } else {
      return {};
    }
  }
  // (Templates, since clang 14 makes all other members of a class, whatever they require.)
  // Each order is as likely as any other.
  template <class = void>
  void shuffle(void** blocks, std::size_t n)
    requires(Defences::kShufflesBlocks)
  {
    for (; n > 1; --n) std::swap(blocks[n - 1], blocks[own_.random.bits(16) * n >> 16]);
  }
  // Nobody may have written to a free block that goes home.
  template <class = void>
  static void check_untouched(const void* block, unsigned size_class)
    requires(Defences::kFindsWritesAtFlush)
  {
    if (UNLIKELY(!Limits::is_untouched(block, size_class))) {
      die_of_misuse(Misuse::kWriteAfterFree, block);
    }
  }
  // Without memory for it, blocks go where they go in other builds.
  template <class = void>
  void open_quarantine()
    requires(kHasQuarantine<Limits>)
  {
    void* const memory = global_.ledger().take_metadata(sizeof(Quarantine));
    if (memory != nullptr) this->quarantine = new (memory) Quarantine;
  }
  template <class = void>
  void close_quarantine()
    requires(kHasQuarantine<Limits>)
  {
    if (this->quarantine == nullptr) return;
    global_.ledger().give_metadata(this->quarantine, sizeof(Quarantine));
  }
  // What has lain longest may be used again.
  template <class = void>
  [[gnu::noinline]] void give_oldest_now()
    requires(kHasQuarantine<Limits>)
  {
    Quarantine& before = *this->quarantine;
    while (before.is_high()) {
      const auto entry = before.leave();
      give_now(Quarantine::block_of(entry), Quarantine::key_of(entry));
    }
  }
  // Looks at what a program is most likely to have just run over: the block that the refill before
  // gave, with its neighbours, and those that were freed last.
  template <class = void>
  void sample()
    requires(kSamples)
  {
    void* const recent = std::exchange(own_.recent, nullptr);
    if (recent != nullptr) global_.check_near(shard_, recent, kSampleReach);
    if constexpr (kHasQuarantine<Limits> && Defences::kFindsWritesAtFlush) {
      if (this->quarantine == nullptr) return;
      this->quarantine->for_some([](void* block, Key key) { check_untouched(block, class_of(key)); });
    }
  }
  // Gives all of it home, past the magazines.
  template <class = void>
  void empty_quarantine()
    requires(kHasQuarantine<Limits>)
  {
    if (this->quarantine == nullptr) return;
    void* blocks[Config::kBatchBlocks];
    std::size_t n = 0;
    while (const auto entry = this->quarantine->leave_last()) {
      blocks[n] = Quarantine::block_of(entry);
      if constexpr (Defences::kFindsWritesAtFlush) {
        check_untouched(blocks[n], class_of(Quarantine::key_of(entry)));
      }
      if (++n == Config::kBatchBlocks) global_.give(blocks, std::exchange(n, 0));
    }
    if (n != 0) global_.give(blocks, n);
  }

  std::size_t room(unsigned size_class) const {
    return std::size_t(magazines[size_class].end - shelves_[size_class].array);
  }
  std::size_t count(unsigned size_class) const {
    return std::size_t(magazines[size_class].top - shelves_[size_class].array);
  }
  // What a magazine may always grow to, while so many threads are at home in this shard.
  std::size_t base_room(const SizeClass& info) const {
    const unsigned halvings = Config::base_halvings(global_.ledger().pools_of(shard_));
    return info.base_room >> (halvings < 16 ? halvings : 16);
  }
  // Blocks to exchange at once: at most half of the room, so that what comes next has a place.
  std::size_t batch(unsigned size_class) const {
    const std::size_t half = (room(size_class) + 1) / 2;
    return half < Config::kBatchBlocks ? half : Config::kBatchBlocks;
  }
  // Blocks that leave a full magazine: an eighth at least, else to move the others down would cost
  // more than to give them.
  std::size_t surplus(unsigned size_class) const {
    const std::size_t eighth = (room(size_class) + 1) / 8;
    return batch(size_class) < eighth ? eighth : batch(size_class);
  }
  // For the log: this pool's magazines, with the cursor at a class, and the size of its blocks.
  MagazinesPicture<Rack> picture(unsigned size_class) const { return {this, size_class}; }
  static std::uint32_t block_size(unsigned size_class) {
    return Limits::size_class(size_class).block_size;
  }
  // Whether a foreign block was freed a moment ago.
  bool is_last_freed(const void* block, unsigned size_class) const {
    return *magazines[size_class].top == block ||
           (outgoing_count_ != 0 && outgoing_[outgoing_count_ - 1] == block);
  }
  void overflow(unsigned size_class, void* block);
  // False if there is no room, or the block was the last to be freed.
  [[gnu::always_inline]] bool send_hit(void* block, unsigned size_class) {
    const std::size_t n = outgoing_count_;
    if (n == outgoing_room_ || outgoing_bytes_ >= Config::kOutgoingBytes) return false;
    if (UNLIKELY(is_last_freed(block, size_class))) return false;
    outgoing_[n] = block;
    outgoing_count_ = n + 1;
    outgoing_bytes_ += Limits::size_class(size_class).block_size;
    return true;
  }
  void send(void* block, unsigned size_class);
  bool grow(unsigned size_class);
  void shrink(unsigned size_class);
  void replace_array(unsigned size_class, void** array, std::size_t room);
  void give_oldest(unsigned size_class, std::size_t n);
  void empty_magazines();
  template <class = void>
  bool has_large_room(const Span* span) const
    requires(kKeepsLarge)
  {
    return large_.bytes() + span->bytes() <= large_.room;
  }
  template <class = void>
  [[gnu::always_inline]] void set_aside(Span* span)
    requires(kKeepsLarge)
  {
    ++large_.turns;
    large_.last_event = events_;
    log_debug("% is kept", extent_of(span));
    global_.set_aside(span);
    large_.push(span);
  }
  template <class = void>
  bool make_large_room()
    requires(kKeepsLarge);
  template <class = void>
  void give_large_home()
    requires(kKeepsLarge);
  template <class = void>
  void drop_large_room()
    requires(kKeepsLarge);
  void shrink_unused();
  void send_all();
  void grow_outgoing();
  void note_event();
  // Of room + 1 words for a magazine.
  void** take_array(std::size_t words);
  void give_array(void** array, std::size_t words);

  GlobalPool& global_;
  const std::uint32_t shard_;
  std::uint32_t events_ = 0;
  // Of all magazines beyond their first, and of large blocks; drawn from the budget.
  std::size_t room_bytes_ = 0;
  void** outgoing_ = nullptr;    // blocks of other shards
  std::size_t outgoing_room_ = 0;
  std::size_t outgoing_count_ = 0;
  std::size_t outgoing_bytes_ = 0;
  Shelf shelves_[Limits::kClasses] = {};
  Arrays arrays_;
  [[no_unique_address]] OwnRandom own_;
  [[no_unique_address]] KeptLarge large_;

  // First arrays lie here, so that a fresh pool is two OS pages.
  static constexpr std::size_t kWords =
      (Limits::kPoolRecord - sizeof(Rack) - 7 * 8 - sizeof(Arrays) - Limits::kClasses * sizeof(Shelf) -
       (kHasRandom ? sizeof(OwnRandom) : 0) - (kKeepsLarge ? sizeof(KeptLarge) : 0)) /
      sizeof(void*);
  void* words_[kWords];
};

// --- The end ---------------------------------------------------------------------------------------

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::close() {
  flush();
  log_note("the pool of this thread is closed, after % refills and flushes", events_);
  for (unsigned c = 0; c < Limits::kClasses; ++c) {
    if (shelves_[c].array != nullptr) give_array(shelves_[c].array, room(c) + 1);
  }
  if (outgoing_ != nullptr) give_array(outgoing_, 2 * (outgoing_room_ + 1));
  if constexpr (kHasQuarantine<Limits>) close_quarantine();
  global_.budget().put_back(room_bytes_);
  global_.ledger().detach_pool({this, shard_}, sizeof(LocalPool), arrays_.chunks());
}

// --- Arrays --------------------------------------------------------------------------------------

template <class Sync, class Limits>
void** LocalPool<Sync, Limits>::take_array(std::size_t words) {
  if (words > Arrays::kMostWords) {
    return static_cast<void**>(global_.ledger().take_metadata(words * sizeof(void*)));
  }
  void** const array = arrays_.take(words);
  if (array != nullptr) return array;
  const std::size_t bytes = arrays_.next_chunk(words);
  void* const chunk = global_.ledger().take_metadata(bytes);
  if (chunk == nullptr) return nullptr;
  arrays_.add_chunk(chunk, bytes);
  return arrays_.take(words);
}

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::give_array(void** array, std::size_t words) {
  if (words <= Arrays::kMostWords) return arrays_.give(array, words);
  global_.ledger().give_metadata(array, words * sizeof(void*));
}

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::replace_array(unsigned size_class, void** array, std::size_t room) {
  Magazine& magazine = magazines[size_class];
  Shelf& shelf = shelves_[size_class];
  std::size_t n = 0;
  if (shelf.array != nullptr) {
    n = count(size_class);
    std::memcpy(array + 1, shelf.array + 1, n * sizeof(void*));
    give_array(shelf.array, this->room(size_class) + 1);
  }
  array[0] = nullptr;
  shelf.array = array;
  magazine = {array + n, array + room};
}

// Doubles a magazine's room, or gives it its first. False at its limit, or at that of the
// pool, or of all pools. The first room is not drawn from the budgets: a thread that comes
// when others have used them up still gets its batches.
template <class Sync, class Limits>
bool LocalPool<Sync, Limits>::grow(unsigned size_class) {
  const SizeClass& info = Limits::size_class(size_class);
  const bool first = shelves_[size_class].array == nullptr;
  const std::size_t old_room = first ? 0 : room(size_class);
  const std::size_t new_room = first ? info.first_room : 2 * old_room + 1;
  if (new_room > info.most_room) return false;
  // Beyond its base a magazine grows only while it swings between empty and full.
  if (!first && events_ - shelves_[size_class].last_event > Config::kSwingEvents &&
      new_room > base_room(info)) {
    return false;
  }
  const std::size_t bytes = first ? 0 : (new_room - old_room) * info.block_size;
  if (!first && new_room * info.block_size > Limits::magazine_bytes()) return false;
  if (room_bytes_ + bytes > Limits::pool_bytes()) return false;
  if (!global_.budget().draw(bytes, Limits::all_pools_bytes())) {
    log_internal("the budget of all pools has no % bytes", bytes);
    return false;
  }
  void** array = take_array(new_room + 1);
  if (array == nullptr) {
    global_.budget().put_back(bytes);
    return false;
  }
  replace_array(size_class, array, new_room);
  room_bytes_ += bytes;
  log_internal(picture(size_class), "the magazine of % B grows to % places", block_size(size_class),
               new_room);
  return true;
}

// Halves the room of a magazine that is at most half full.
template <class Sync, class Limits>
void LocalPool<Sync, Limits>::shrink(unsigned size_class) {
  const SizeClass& info = Limits::size_class(size_class);
  const std::size_t old_room = room(size_class);
  const std::size_t new_room = old_room / 2;
  if (new_room < info.first_room || count(size_class) > new_room) return;
  void** array = take_array(new_room + 1);
  if (array == nullptr) return;
  replace_array(size_class, array, new_room);
  const std::size_t bytes = (old_room - new_room) * info.block_size;
  room_bytes_ -= bytes;
  global_.budget().put_back(bytes);
  log_internal(picture(size_class), "the magazine of % B shrinks to % places",
               block_size(size_class), new_room);
}

// --- Refill and flush ------------------------------------------------------------------------------

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::note_event() {
  ++events_;
  if (events_ % Config::kClockEvents == 0) global_.decay(Limits::Memory::now_ms());
  if (events_ % Config::kIdleScanEvents == 0) shrink_unused();
  DCHECK(events_ % Config::kIdleScanEvents != 0 || is_valid());
  DCHECK(events_ % Config::kValidateEvents != 0 || global_.is_valid());
}

// A magazine without an event since the last look has more blocks and room than it needs:
// it gives half of them home.
template <class Sync, class Limits>
void LocalPool<Sync, Limits>::shrink_unused() {
  for (unsigned c = 0; c < Limits::kClasses; ++c) {
    if (shelves_[c].array == nullptr) continue;
    if (events_ - shelves_[c].last_event <= Config::kIdleScanEvents) continue;
    give_oldest(c, (count(c) + 1) / 2);
    shrink(c);
  }
  if constexpr (kKeepsLarge) {
    if (events_ - large_.last_event > Config::kIdleScanEvents) drop_large_room();
  }
}

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::give_oldest(unsigned size_class, std::size_t n) {
  if (n == 0) return;
  void** const oldest = shelves_[size_class].array + 1;
  const std::size_t rest = count(size_class) - n;
  if constexpr (Defences::kFindsWritesAtFlush) {
    for (std::size_t i = 0; i < n; ++i) check_untouched(oldest[i], size_class);
  }
  for (std::size_t given = 0; given < n;) {
    const std::size_t many = n - given < Config::kBatchBlocks ? n - given : Config::kBatchBlocks;
    global_.give(oldest + given, many);
    given += many;
  }
  std::memmove(oldest, oldest + n, rest * sizeof(void*));
  magazines[size_class].top -= n;
  log_debug(picture(size_class), "give % blocks of % B home", n, block_size(size_class));
}

// Few blocks of each of many classes, as of a thread that ends: they go home together, since each
// batch takes the shard's mutex.
template <class Sync, class Limits>
void LocalPool<Sync, Limits>::empty_magazines() {
  void* blocks[Config::kBatchBlocks];
  std::size_t n = 0;
  for (unsigned c = 0; c < Limits::kClasses; ++c) {
    if (shelves_[c].array == nullptr) continue;
    const std::size_t many = count(c);
    if (many > Config::kBatchBlocks - n) global_.give(blocks, std::exchange(n, 0));
    if (many > Config::kBatchBlocks) {
      give_oldest(c, many);
      continue;
    }
    for (; *magazines[c].top != nullptr; --magazines[c].top) {
      if constexpr (Defences::kFindsWritesAtFlush) check_untouched(*magazines[c].top, c);
      blocks[n++] = *magazines[c].top;
    }
  }
  global_.give(blocks, n);
}

template <class Sync, class Limits>
void* LocalPool<Sync, Limits>::refill(unsigned size_class) {
  note_event();
  if constexpr (kSamples) sample();
  Magazine& magazine = magazines[size_class];
  if (*magazine.top == nullptr) {
    (void)grow(size_class);
    shelves_[size_class].last_event = events_;
    if (shelves_[size_class].array == nullptr) {  // not even the first room: no memory to spare
      void* block = nullptr;
      (void)global_.take(shard_, size_class, &block, 1, seed());
      return block;
    }
    const std::size_t n =
        global_.take(shard_, size_class, magazine.top + 1, batch(size_class), seed());
    if constexpr (Defences::kShufflesBlocks) shuffle(magazine.top + 1, n);
    magazine.top += n;
    log_debug(picture(size_class), "take % blocks of % B from shard %", n, block_size(size_class),
              shard_);
    if (*magazine.top == nullptr) return nullptr;
    if constexpr (kSamples) own_.recent = *magazine.top;
  }
  return *magazine.top--;
}

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::overflow(unsigned size_class, void* block) {
  Magazine& magazine = magazines[size_class];
  if (*magazine.top == block) die_of_misuse(Misuse::kDoubleFree, block);
  note_event();
  if (magazine.top == magazine.end) {
    const bool grown = grow(size_class);
    shelves_[size_class].last_event = events_;
    if (shelves_[size_class].array == nullptr) return global_.give(&block, 1);
    if (!grown) give_oldest(size_class, surplus(size_class));
  }
  *++magazine.top = block;
}

// --- Blocks of other shards ---------------------------------------------------------------------

// The array has twice the room: its second half is where send_all sorts.
template <class Sync, class Limits>
void LocalPool<Sync, Limits>::grow_outgoing() {
  const std::size_t room = outgoing_ == nullptr ? Config::kOutgoingFirst : 2 * outgoing_room_ + 1;
  if (room > Config::kOutgoingBlocks) return;
  void** array = take_array(2 * (room + 1));
  if (array == nullptr) return;
  if (outgoing_ != nullptr) give_array(outgoing_, 2 * (outgoing_room_ + 1));
  outgoing_ = array;
  outgoing_room_ = room;
  log_internal("the outgoing array grows to % places", room);
}

// Grouped by shard first, by counting: else each of many shards would look at all blocks.
template <class Sync, class Limits>
void LocalPool<Sync, Limits>::send_all() {
  const std::size_t n = std::exchange(outgoing_count_, 0);
  outgoing_bytes_ = 0;
  if (n == 0) return;
  std::uint16_t ends[Config::kShardsMost] = {};
  unsigned shards = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Key key = global_.map().key_of(outgoing_[i]);
    if constexpr (Defences::kFindsWritesAtFlush) check_untouched(outgoing_[i], class_of(key));
    const unsigned shard = shard_of(key);
    ++ends[shard];
    if (shards <= shard) shards = shard + 1;
  }
  void** sorted = outgoing_;
  if (ends[shards - 1] == n) {
    ends[shards - 1] = 0;  // all of them are one shard's
  } else {
    sorted += outgoing_room_;
    for (unsigned s = 1; s < shards; ++s) ends[s] = std::uint16_t(ends[s] + ends[s - 1]);
    for (std::size_t i = n; i-- > 0;) {
      sorted[--ends[shard_of(global_.map().key_of(outgoing_[i]))]] = outgoing_[i];
    }
  }
  // The ends are begins now.
  for (unsigned s = 0; s < shards; ++s) {
    const std::size_t end = s + 1 < shards ? ends[s + 1] : n;
    if (end == ends[s]) continue;
    log_debug("send % outgoing blocks to shard %", end - ends[s], s);
    global_.give(sorted + ends[s], end - ends[s]);
  }
}

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::send(void* block, unsigned size_class) {
  if (is_last_freed(block, size_class)) die_of_misuse(Misuse::kDoubleFree, block);
  note_event();
  const bool full = outgoing_count_ == outgoing_room_;
  send_all();
  if (full) grow_outgoing();  // it is empty now: nothing to copy
  if (!send_hit(block, size_class)) global_.give(&block, 1);
}

// --- Large blocks ---------------------------------------------------------------------------------

// For a block that finds no room. False if there is none to be had at all.
template <class Sync, class Limits>
template <class>
bool LocalPool<Sync, Limits>::make_large_room()
  requires(kKeepsLarge)
{
  note_event();
  if (large_.room != 0) {
    give_large_home();
    return true;
  }
  constexpr std::size_t kBytes = Config::kLargeKeptBytes;
  if (room_bytes_ + kBytes > Limits::pool_bytes()) return false;
  if (!global_.budget().draw(kBytes, Limits::all_pools_bytes())) return false;
  room_bytes_ += kBytes;
  large_.room = kBytes;
  return true;
}

template <class Sync, class Limits>
template <class>
void LocalPool<Sync, Limits>::give_large_home()
  requires(kKeepsLarge)
{
  while (Span* const span = large_.pop_longer(1)) global_.give_aside(span);
}

template <class Sync, class Limits>
template <class>
void LocalPool<Sync, Limits>::drop_large_room()
  requires(kKeepsLarge)
{
  give_large_home();
  room_bytes_ -= large_.room;
  global_.budget().put_back(std::exchange(large_.room, 0));
}

// --- All of it ------------------------------------------------------------------------------------

template <class Sync, class Limits>
void LocalPool<Sync, Limits>::flush() {
  if constexpr (kHasQuarantine<Limits>) empty_quarantine();
  empty_magazines();
  send_all();
  if constexpr (kKeepsLarge) drop_large_room();
}

template <class Sync, class Limits>
std::size_t LocalPool<Sync, Limits>::bytes() const {
  std::size_t bytes = outgoing_bytes_;
  if constexpr (kHasQuarantine<Limits>) {
    if (this->quarantine != nullptr) bytes += this->quarantine->bytes();
  }
  for (unsigned c = 0; c < Limits::kClasses; ++c) {
    if (shelves_[c].array != nullptr) bytes += count(c) * Limits::size_class(c).block_size;
  }
  return bytes;
}

template <class Sync, class Limits>
bool LocalPool<Sync, Limits>::is_valid() const {
  if constexpr (kHasQuarantine<Limits>) {
    if (this->quarantine != nullptr && !this->quarantine->is_valid(global_.map())) return false;
  }
  std::size_t room_bytes = 0;
  if constexpr (kKeepsLarge) {
    if (!large_.is_valid() || large_.bytes() > large_.room) return false;
    room_bytes += large_.room;
  }
  for (unsigned c = 0; c < Limits::kClasses; ++c) {
    const Magazine& magazine = magazines[c];
    if (shelves_[c].array == nullptr) {
      if (magazine.top != &nothing || magazine.end != &nothing) return false;
      continue;
    }
    if (shelves_[c].array[0] != nullptr || count(c) > room(c)) return false;
    for (void** p = shelves_[c].array + 1; p <= magazine.top; ++p) {
      const Key key = global_.map().key_of(*p);
      if (key != (home_key(shard_of(key)) | c * 16)) return false;
      if (shard_of(key) != shard_ && !Rack::has_own_lines(c)) return false;
    }
    const SizeClass& info = Limits::size_class(c);
    room_bytes += (room(c) - info.first_room) * info.block_size;
  }
  return room_bytes == room_bytes_ && nothing == nullptr && outgoing_count_ <= outgoing_room_;
}

}  // namespace ralloc
