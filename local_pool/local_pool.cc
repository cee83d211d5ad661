#include "local_pool/local_pool.h"

#include <cstring>
#include <new>

#include "shim/thread_exit.h"

namespace ralloc {
namespace {

// The place under the top of a magazine without an array: always null, never written.
constinit void* nothing = nullptr;

constexpr MagazineRack without_room() {
  MagazineRack rack{};
  for (Magazine& magazine : rack.magazines) magazine = {&nothing, &nothing};
  rack.home = kLiveKey << 1;  // differs from every key in a high bit
  return rack;
}

constinit MagazineRack before_attach = without_room();
constinit MagazineRack after_exit = without_room();

constexpr std::size_t kOutgoingFirst = 15;

}  // namespace

constinit thread_local MagazineRack* this_rack = &before_attach;

// --- Pools come and go -------------------------------------------------------------------------

LocalPool::LocalPool(std::uint32_t shard) : MagazineRack(without_room()), shard_(shard) {
  home = home_key(shard);
}

LocalPool* LocalPool::attach() {
  if (this_rack == &after_exit) return nullptr;
  if (this_rack != &before_attach) return static_cast<LocalPool*>(this_rack);
  void* memory = bookkeeper.ledger().take_metadata(sizeof(LocalPool));
  if (memory == nullptr) return nullptr;
  auto* pool = new (memory) LocalPool(bookkeeper.ledger().attach_pool());
  // From here on this thread has a pool: at_thread_exit may allocate.
  this_rack = pool;
  if (at_thread_exit(&LocalPool::on_thread_exit, pool)) return pool;
  // Without the hook the pool would be lost with the thread.
  pool->close();
  return nullptr;
}

void LocalPool::on_thread_exit(void* pool) {
  // A destructor that runs later, whosever it is, finds no pool and goes to the shards (I7).
  if (this_rack == pool) static_cast<LocalPool*>(pool)->close();
}

void LocalPool::close() {
  flush();
  for (unsigned c = 0; c < kClasses; ++c) {
    if (shelves_[c].array != nullptr) give_array(shelves_[c].array, room(c));
  }
  if (outgoing_ != nullptr) give_array(outgoing_, 2 * outgoing_room_);
  bookkeeper.budget().put_back(room_bytes_);
  this_rack = &after_exit;
  bookkeeper.ledger().detach_pool(shard_);
  bookkeeper.ledger().give_metadata(this, sizeof(LocalPool));
}

// --- Arrays --------------------------------------------------------------------------------------

// An array of room + 1 words. The first arrays of all fit into the pool itself.
void** LocalPool::take_array(std::size_t room) {
  const std::size_t words = room + 1;
  if (words <= kWords - words_used_ && words <= 2 * kOutgoingFirst + 1) {
    void** array = words_ + words_used_;
    words_used_ += words;
    return array;
  }
  return static_cast<void**>(bookkeeper.ledger().take_metadata(words * sizeof(void*)));
}

void LocalPool::give_array(void** array, std::size_t room) {
  // Those inside the pool go with it.
  if (array >= words_ && array < words_ + kWords) return;
  bookkeeper.ledger().give_metadata(array, (room + 1) * sizeof(void*));
}

void LocalPool::replace_array(unsigned size_class, void** array, std::size_t room) {
  Magazine& magazine = magazines[size_class];
  Shelf& shelf = shelves_[size_class];
  std::size_t n = 0;
  if (shelf.array != nullptr) {
    n = count(size_class);
    std::memcpy(array + 1, shelf.array + 1, n * sizeof(void*));
    give_array(shelf.array, this->room(size_class));
  }
  array[0] = nullptr;
  shelf.array = array;
  magazine = {array + n, array + room};
}

// Doubles a magazine's room, or gives it its first. False at its limit, or at that of the
// pool, or of all pools. The first room is not drawn from the budgets: a thread that comes
// when others have used them up still gets its batches.
bool LocalPool::grow(unsigned size_class) {
  const SizeClass& info = size_class_info(size_class);
  const bool first = shelves_[size_class].array == nullptr;
  const std::size_t old_room = first ? 0 : room(size_class);
  const std::size_t new_room = first ? info.first_room : 2 * old_room + 1;
  if (new_room > info.most_room) return false;
  // Beyond its base a magazine grows only while it swings between empty and full.
  if (new_room > info.base_room && !first &&
      events_ - shelves_[size_class].last_event > Config::kSwingEvents) {
    return false;
  }
  const std::size_t bytes = first ? 0 : (new_room - old_room) * info.block_size;
  if (room_bytes_ + bytes > Config::kPoolBytes) return false;
  if (!bookkeeper.budget().draw(bytes)) return false;
  void** array = take_array(new_room);
  if (array == nullptr) {
    bookkeeper.budget().put_back(bytes);
    return false;
  }
  replace_array(size_class, array, new_room);
  room_bytes_ += bytes;
  return true;
}

// Halves the room of a magazine that is at most half full.
void LocalPool::shrink(unsigned size_class) {
  const SizeClass& info = size_class_info(size_class);
  const std::size_t old_room = room(size_class);
  const std::size_t new_room = old_room / 2;
  if (new_room < info.first_room || count(size_class) > new_room) return;
  void** array = take_array(new_room);
  if (array == nullptr) return;
  replace_array(size_class, array, new_room);
  const std::size_t bytes = (old_room - new_room) * info.block_size;
  room_bytes_ -= bytes;
  bookkeeper.budget().put_back(bytes);
}

// --- Refill and flush ------------------------------------------------------------------------------

void LocalPool::note_event() {
  ++events_;
  if (events_ % Config::kClockEvents == 0) bookkeeper.decay(os::now_ms());
  if (events_ % Config::kIdleScanEvents == 0) shrink_unused();
  DCHECK(events_ % Config::kIdleScanEvents != 0 || is_valid());
  DCHECK(events_ % Config::kValidateEvents != 0 || bookkeeper.is_valid());
}

// A magazine without an event since the last look has more blocks and room than it needs:
// it gives half of them home.
void LocalPool::shrink_unused() {
  for (unsigned c = 0; c < kClasses; ++c) {
    if (shelves_[c].array == nullptr) continue;
    if (events_ - shelves_[c].last_event <= Config::kIdleScanEvents) continue;
    give_oldest(c, (count(c) + 1) / 2);
    shrink(c);
  }
}

void LocalPool::give_oldest(unsigned size_class, std::size_t n) {
  if (n == 0) return;
  void** const oldest = shelves_[size_class].array + 1;
  const std::size_t rest = count(size_class) - n;
  bookkeeper.give(oldest, n);
  std::memmove(oldest, oldest + n, rest * sizeof(void*));
  magazines[size_class].top -= n;
}

void* LocalPool::refill(unsigned size_class) {
  note_event();
  Magazine& magazine = magazines[size_class];
  if (*magazine.top == nullptr) {
    (void)grow(size_class);
    shelves_[size_class].last_event = events_;
    if (shelves_[size_class].array == nullptr) {  // not even the first room: no memory to spare
      void* block = nullptr;
      (void)bookkeeper.take(shard_, size_class, &block, 1);
      return block;
    }
    magazine.top += bookkeeper.take(shard_, size_class, magazine.top + 1, batch(size_class));
    if (*magazine.top == nullptr) return nullptr;
  }
  return *magazine.top--;
}

void LocalPool::overflow(unsigned size_class, void* block) {
  Magazine& magazine = magazines[size_class];
  if (*magazine.top == block) die_of_misuse(Misuse::kDoubleFree, block);
  note_event();
  if (magazine.top == magazine.end) {
    const bool grown = grow(size_class);
    shelves_[size_class].last_event = events_;
    if (shelves_[size_class].array == nullptr) return bookkeeper.give(&block, 1);
    if (!grown) give_oldest(size_class, batch(size_class));
  }
  *++magazine.top = block;
}

// --- Blocks of other shards ---------------------------------------------------------------------

// The array has twice the room: its second half is where send_all sorts.
void LocalPool::grow_outgoing() {
  const std::size_t room = outgoing_ == nullptr ? kOutgoingFirst : 2 * outgoing_room_ + 1;
  if (room > Config::kOutgoingBlocks) return;
  void** array = take_array(2 * room);
  if (array == nullptr) return;
  if (outgoing_ != nullptr) give_array(outgoing_, 2 * outgoing_room_);
  outgoing_ = array;
  outgoing_room_ = room;
}

// Grouped by shard first, by counting: else each of many shards would look at all blocks.
void LocalPool::send_all() {
  if (outgoing_count_ == 0) return;
  void** const sorted = outgoing_ + outgoing_room_;
  std::uint16_t ends[Config::kShardsMost] = {};
  unsigned shards = 0;
  for (std::size_t i = 0; i < outgoing_count_; ++i) {
    const unsigned shard = shard_of(bookkeeper.map().key_of(outgoing_[i]));
    ++ends[shard];
    if (shards <= shard) shards = shard + 1;
  }
  for (unsigned s = 1; s < shards; ++s) ends[s] = std::uint16_t(ends[s] + ends[s - 1]);
  for (std::size_t i = outgoing_count_; i-- > 0;) {
    sorted[--ends[shard_of(bookkeeper.map().key_of(outgoing_[i]))]] = outgoing_[i];
  }
  // The ends are begins now.
  const std::size_t n = outgoing_count_;
  outgoing_count_ = outgoing_bytes_ = 0;
  for (unsigned s = 0; s < shards; ++s) {
    const std::size_t end = s + 1 < shards ? ends[s + 1] : n;
    if (end != ends[s]) bookkeeper.give(sorted + ends[s], end - ends[s]);
  }
}

void LocalPool::send(void* block, unsigned size_class) {
  if (outgoing_count_ != 0 && outgoing_[outgoing_count_ - 1] == block) {
    die_of_misuse(Misuse::kDoubleFree, block);
  }
  if (outgoing_count_ == outgoing_room_ || outgoing_bytes_ >= Config::kOutgoingBytes) {
    note_event();
    const bool full = outgoing_count_ == outgoing_room_;
    send_all();
    if (full) grow_outgoing();  // it is empty now: nothing to copy
    if (outgoing_ == nullptr) return bookkeeper.give(&block, 1);
  }
  outgoing_[outgoing_count_++] = block;
  outgoing_bytes_ += size_class_info(size_class).block_size;
}

// --- All of it ------------------------------------------------------------------------------------

void LocalPool::flush() {
  for (unsigned c = 0; c < kClasses; ++c) {
    if (shelves_[c].array != nullptr) give_oldest(c, count(c));
  }
  send_all();
}

std::size_t LocalPool::bytes() const {
  std::size_t bytes = outgoing_bytes_;
  for (unsigned c = 0; c < kClasses; ++c) {
    if (shelves_[c].array != nullptr) bytes += count(c) * size_class_info(c).block_size;
  }
  return bytes;
}

bool LocalPool::is_valid() const {
  std::size_t room_bytes = 0;
  for (unsigned c = 0; c < kClasses; ++c) {
    const Magazine& magazine = magazines[c];
    if (shelves_[c].array == nullptr) {
      if (magazine.top != &nothing || magazine.end != &nothing) return false;
      continue;
    }
    if (shelves_[c].array[0] != nullptr || count(c) > room(c)) return false;
    for (void** p = shelves_[c].array + 1; p <= magazine.top; ++p) {
      if (bookkeeper.map().key_of(*p) != (home | c * 16)) return false;
    }
    const SizeClass& info = size_class_info(c);
    room_bytes += (room(c) - info.first_room) * info.block_size;
  }
  return room_bytes == room_bytes_ && nothing == nullptr && outgoing_count_ <= outgoing_room_;
}

void* take_miss(unsigned size_class) {
  if (LocalPool* pool = LocalPool::attach()) return pool->refill(size_class);
  void* block = nullptr;
  (void)bookkeeper.take(0, size_class, &block, 1);
  return block;
}

void give_miss(void* block, Key key) {
  LocalPool* pool = LocalPool::attach();
  if (pool == nullptr) return bookkeeper.give(&block, 1);
  if (shard_of(key) == shard_of(pool->home)) {
    pool->overflow(class_of(key), block);
  } else {
    pool->send(block, class_of(key));
  }
}

void flush_this_pool() {
  if (this_rack != &before_attach && this_rack != &after_exit) {
    static_cast<LocalPool*>(this_rack)->flush();
  }
}

std::size_t bytes_in_this_pool() {
  if (this_rack == &before_attach || this_rack == &after_exit) return 0;
  return static_cast<LocalPool*>(this_rack)->bytes();
}

}  // namespace ralloc
