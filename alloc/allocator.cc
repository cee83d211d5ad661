#include "alloc/allocator.h"

#include <cerrno>
#include <cstring>

#include "alloc/checked.h"
#include "alloc/growing.h"
#include "alloc/leaks.h"
#include "alloc/sized.h"
#include "shim/log.h"
#include "shim/options.h"
#include "shim/os.h"

namespace ralloc {
namespace {

using Run = LargeBlock;

bool is_aligned(const void* p, std::size_t align) {
  return (reinterpret_cast<std::uintptr_t>(p) & (align - 1)) == 0;
}

// The large block at `block`, whose page has the key of one.
[[gnu::always_inline]] inline Run* large_span(const void* block, Misuse misuse) {
  Run* span = bookkeeper.large_at(block);
  if (span == nullptr) die_of_misuse(misuse, block);
  if (UNLIKELY(span->is_aside())) {
    die_of_misuse(misuse == Misuse::kNotABlock ? Misuse::kDoubleFree : misuse, block);
  }
  if (has_freed_parts(span)) die_of_misuse(Misuse::kPartFreed, block);
  return span;
}

// What is left of free_slow, apart from it: it saves no register for what is rare. Both keep errno.
[[gnu::noinline]] void free_large(Run* span) {
  const int kept_errno = errno;
  if (!keep_large(span)) bookkeeper.free_large(span);
  errno = kept_errno;
}
[[gnu::noinline]] void free_small(void* block, Key key) {
  const int kept_errno = errno;
  give_miss(block, key);
  errno = kept_errno;
}
[[gnu::always_inline]] inline void keep_or_free(Run* span) {
  if (!keep_large_hit(span)) free_large(span);
}

// Moves a large block that cannot grow where it is by its pages, into a mapping of its own,
// where it pays. Null if it does not, or the kernel cannot.
Run* move_by_pages(Run* span, std::size_t pages) {
  if (pages < span->pages_.get() || !Config::moves_by_pages(span->bytes())) return nullptr;
  // Room to grow costs only addresses: untouched pages have no backing.
  Run* fresh = bookkeeper.take_apart(pages + Config::room_to_grow(pages * kPage) / kPage);
  if (fresh == nullptr) return nullptr;
  switch (os::move_pages(span->begin(), span->bytes(), fresh->begin(), fresh->bytes())) {
    case os::Moved::kYes:
      log_debug("the pages of % are moved to %", extent_of(span), extent_of(fresh));
      bookkeeper.give_large(span, SpanState::kClean);
      return fresh;
    case os::Moved::kNo:
      bookkeeper.give_large(fresh, SpanState::kClean);
      return nullptr;
    case os::Moved::kLost:
      bookkeeper.lose_large(fresh);
      return nullptr;
  }
  return nullptr;
}

// For want of memory: what was freed and waits, and what this thread has, is for others.
void give_all_home() {
  if constexpr (kDebugger) free_quarantined();
  if constexpr (kSecure) (void)bookkeeper.release_quarantined();
  flush_this_pool();
}

// After the other destructors of this library or program, and so of most.
[[gnu::destructor(101)]] void at_exit() {
  if constexpr (kSecure) secured_check_all();
  if (option::leaks()) list_leaks();
}

}  // namespace

void* allocate_class(unsigned size_class) noexcept {
  if (void* block = take_hit(size_class * sizeof(Magazine))) return block;
  if (void* block = take_miss(size_class)) return block;
  // The last resort before failure: what this thread keeps back of other classes.
  log_warning("no memory: this thread gives home what it has, for a block of % B",
              size_class_info(size_class).block_size);
  give_all_home();
  if (void* block = take_miss(size_class)) return block;
  return bookkeeper.take_anywhere(size_class);
}

namespace {

Run* allocate_fresh(std::size_t pages, std::size_t align_pages, bool will_grow = false) {
  if (Run* spare = take_large_spare(pages, align_pages, will_grow)) return spare;
  const std::uint32_t shard = this_shard();
  if (Run* span = bookkeeper.take_large(pages, align_pages, will_grow, shard)) return span;
  log_warning("no memory: this thread gives home what it has, for % pages", pages);
  give_all_home();
  return bookkeeper.take_large(pages, align_pages, false, shard);
}

}  // namespace

LargeBlock* allocate_large(std::size_t pages, std::size_t align_pages, bool will_grow) noexcept {
  Run* const kept = align_pages == 1 ? take_kept(pages, will_grow) : nullptr;
  return kept != nullptr ? kept : allocate_fresh(pages, align_pages, will_grow);
}

constinit thread_local Growing growing;

Room room_to_grow(const void* block, std::size_t old_size, std::size_t size) noexcept {
  const bool again = growing.knows(block);
  std::size_t bytes =
      again ? Config::grown_again_size(old_size, size) : Config::grown_size(old_size, size);
  // What is small gets no more than a small block for that alone.
  if (size <= kSmallMost && bytes > kSmallMost) bytes = kSmallMost;
  return {bytes <= kSizeMost ? bytes : size, again};
}

LargeBlock* allocate_pages_to_grow(Room room) noexcept {
  if (room.bytes > kSmallMost) return allocate_large(pages_for(room.bytes), 1, true);
  static_assert(kPage > kSmallMost);
  Budget<StdSync>& early = bookkeeper.ledger().early();
  if (!room.again || room.bytes < Config::kEarlyLeast || !early.draw(kPage, Config::kEarlyMost)) {
    return nullptr;
  }
  Run* const span = allocate_large(1, 1, true);
  if (span == nullptr) {
    early.put_back(kPage);
    return nullptr;
  }
  span->begin_early();
  return span;
}

LargeBlock* move_large(LargeBlock* span, std::size_t size, std::size_t used) noexcept {
  const std::size_t pages = pages_for(size);
  Run* fresh = move_by_pages(span, pages);
  if (fresh == nullptr) {
    fresh = allocate_large(pages_for(Config::grown_size(used, size)), 1, true);
    if (fresh == nullptr) fresh = allocate_large(pages, 1);
    if (fresh == nullptr) return nullptr;
    // The old place is not kept: its pages are room to grow for others.
    std::memcpy(fresh->begin(), span->begin(), used);
    bookkeeper.give_large(span, SpanState::kDirty);
  }
  fresh->need(pages);
  return fresh;
}

void free_whole_large(LargeBlock* span) noexcept { keep_or_free(span); }

bool resize_large(LargeBlock* span, std::size_t size) noexcept {
  span->forget_whole();
  const std::size_t pages = pages_for(size);
  if (pages > span->pages_.get()) {
    // (Builds with exact sizes know what lies behind the bytes that were asked for.)
    const std::size_t ahead = kExactSizes ? 0 : Config::taken_ahead(pages * kPage) / kPage;
    if (!bookkeeper.extend_large(span, pages, ahead)) return false;
  } else if (!is_of_pages(span, pages)) {
    bookkeeper.shorten_large(span, pages);
  }
  if (size > kSmallMost) span->end_early(bookkeeper.ledger().early());
  return true;
}

// --- Blocks of malloc; where sizes are exact they are those of the C++ API -------------------------

void* allocate_slow(std::size_t size) noexcept {
  if constexpr (kExactSizes) return allocate_sized_slow(size);
  if (void* block = allocate_kept(size)) return block;
  if (size > kSizeMost) return nullptr;
  if (size <= kSmallMost) return allocate_class(size == 0 ? 0 : size_class_of(size));
  Run* span = allocate_fresh(pages_for(size), 1);
  return span != nullptr ? span->begin() : nullptr;
}

void* allocate_aligned(std::size_t size, std::size_t align) noexcept {
  if constexpr (kExactSizes) return allocate_sized_aligned(size, align);
  if (align <= kGrain) return allocate(size);
  if (size > kSizeMost) return nullptr;
  if (size <= kSmallMost && align <= kSmallMost) {
    const unsigned size_class = size_class_of(size == 0 ? 1 : size, align);
    if (size_class < kSizes) return allocate_class(size_class);
  }
  Run* span = allocate_large(pages_for(size == 0 ? 1 : size), align <= kPage ? 1 : align / kPage);
  return span != nullptr ? span->begin() : nullptr;
}

void* allocate_zeroed(std::size_t size) noexcept {
  if constexpr (kDebugger) return checked_zeroed(size);
  if constexpr (kSecure) return secured_zeroed(size);
  if (size <= kSmallMost) {
    void* block = allocate(size);
    return block != nullptr ? std::memset(block, 0, size) : nullptr;
  }
  if (size > kSizeMost) return nullptr;
  Run* span = allocate_large(pages_for(size), 1);
  if (span == nullptr) return nullptr;
  // Pages fresh from the OS are zeros already.
  return span->was_clean_.get() ? span->begin() : std::memset(span->begin(), 0, size);
}

void free_slow(void* block) noexcept {
  if (block == nullptr) return;
  const Key key = bookkeeper.map().key_of(block);
  if (UNLIKELY(!is_live(key))) die_of_misuse(Misuse::kForeignFree, block);
  if (is_large(key)) {
    keep_or_free(large_span(block, Misuse::kNotABlock));
  } else if (!give_foreign_hit(block, key)) {
    free_small(block, key);
  }
}

namespace {

void* allocate_growing(const void* block, std::size_t old_size, std::size_t size,
                       std::size_t align) {
  const Room room = room_to_grow(block, old_size, size);
  if (align <= kPage) {
    if (Run* const span = allocate_pages_to_grow(room)) return span->begin();
    if (room.bytes > kSmallMost) return nullptr;
  }
  return allocate_aligned(room.bytes, align);
}

// By its bytes, into a block of another length.
void* move(void* block, std::size_t old_size, std::size_t size, std::size_t align) {
  void* fresh = nullptr;
  if (size > old_size) fresh = allocate_growing(block, old_size, size, align);
  if (fresh == nullptr) fresh = allocate_aligned(size, align);
  if (fresh == nullptr) {
    // A block that is larger than asked for serves as well.
    return size <= old_size && is_aligned(block, align) ? block : nullptr;
  }
  if (size > old_size) growing.moved(block, fresh);
  std::memcpy(fresh, block, size < old_size ? size : old_size);
  deallocate(block);
  return fresh;
}

void* reallocate_small(void* block, unsigned size_class, std::size_t size, std::size_t align) {
  const std::size_t old_size = size_class_info(size_class).block_size;
  if (size <= old_size && is_aligned(block, align) &&
      (Config::stays_when_shrunk(old_size, size) || size_class_of(size) == size_class)) {
    return block;
  }
  return move(block, old_size, size, align);
}

void* reallocate_large(Run* span, std::size_t size, std::size_t align) {
  char* const block = span->begin();
  const std::size_t old_size = span->bytes();
  if (is_aligned(block, align)) {
    if (size > kSmallMost) {
      if (resize_large(span, size)) return block;
      if (align <= kPage) {
        Run* const moved = move_large(span, size, old_size);
        return moved != nullptr ? moved->begin() : nullptr;
      }
    } else if (size <= old_size && (Config::stays_when_shrunk(old_size, size) ||
                                    stays_early(span, size))) {
      return block;
    }
  }
  return move(block, old_size, size, align);
}

}  // namespace

void* reallocate(void* block, std::size_t size, std::size_t align) noexcept {
  const Key key = bookkeeper.map().key_of(block);
  if (!is_live(key)) die_of_misuse(Misuse::kForeignRealloc, block);
  Run* const span = is_large(key) ? large_span(block, Misuse::kForeignRealloc) : nullptr;
  if (size > kSizeMost) return nullptr;
  if (span != nullptr) return reallocate_large(span, size, align);
  return reallocate_small(block, class_of(key), size, align);
}

std::size_t usable_size(const void* block, Misuse misuse) noexcept {
  if constexpr (kDebugger) return checked_usable_size(block, misuse);
  if constexpr (kSecure) return secured_usable_size(block, misuse);
  const Key key = bookkeeper.map().key_of(block);
  if (!is_live(key)) die_of_misuse(misuse, block);
  if (is_large(key)) return large_span(block, misuse)->bytes();
  return size_class_info(class_of(key)).block_size;
}

std::size_t usable_size_for(std::size_t size) noexcept {
  if constexpr (kExactSizes) return size == 0 ? 1 : size <= kSizeMost ? size : 0;
  if (size == 0) return kGrain;
  if (size <= kSmallMost) return size_class_info(size_class_of(size)).block_size;
  return size <= kSizeMost ? pages_for(size) * kPage : 0;
}

std::size_t trim() noexcept {
  if constexpr (kDebugger) free_quarantined();
  flush_this_pool();
  return bookkeeper.trim();
}

}  // namespace ralloc
