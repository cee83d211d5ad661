#include "alloc/secured.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "alloc/allocator.h"
#include "alloc/sized.h"
#include "shim/os.h"

namespace ralloc {
namespace {

bool lies_at(const void* block, std::size_t align) {
  return is_power_of_two(align) && (reinterpret_cast<std::uintptr_t>(block) & (align - 1)) == 0;
}

// What a free finds where no live block begins. What it took is put back, for a handler of SIGABRT
// may go on with it.
[[noreturn, gnu::cold, gnu::noinline]] void refuse_free(void* block, BlockState was) {
  block_states.restore(block, was);
  die_of_misuse(was.kind() == BlockState::kBroken ? Misuse::kPartFreed
                : was.kind() == BlockState::kFree ? Misuse::kDoubleFree
                                                  : Misuse::kNotABlock,
                block);
}
[[noreturn, gnu::cold, gnu::noinline]] void die_of_overflow(const void* block) {
  die_of_misuse(Misuse::kOverflow, block);
}

bool is_at_grain(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % kGrain == 0; }
// Of a page that is covered.
BlockState::Kind kind_at(const void* p) {
  return is_at_grain(p) ? block_states.state_of(p).kind() : BlockState::kNothing;
}

// Takes a block back that is live, and dies if it is not.
[[gnu::always_inline]] inline BlockState take_back(void* block) {
  if (UNLIKELY(!is_at_grain(block))) die_of_misuse(Misuse::kNotABlock, block);
  const BlockState was = block_states.take_back<Defences::kExchangesStates>(block);
  if (UNLIKELY(was.kind() != BlockState::kLive)) refuse_free(block, was);
  return was;
}

// Of a block in the same page, if there is one before this.
[[gnu::always_inline]] inline void check_before(char* block, std::size_t block_size) {
  char* const before = block - block_size;
  const bool is_in_page = (reinterpret_cast<std::uintptr_t>(before) ^
                           reinterpret_cast<std::uintptr_t>(block)) >> Config::kPageShift == 0;
  if (!is_in_page || LIKELY(!is_overwritten(before, block_size))) return;
  if (is_still_overwritten(before, block_size)) die_of_overflow(before);
}

// Whether a block with much slack has nothing in it between the two places of the canary.
[[gnu::noinline]] bool has_clean_slack(const char* block, std::size_t asked,
                                       std::size_t block_size) {
  const std::size_t first = (asked + kCanaryBytes + kGrain - 1) & ~(kGrain - 1);
  const std::size_t last = block_size - kGrain;
  return first >= last || is_all_zero(block + first, last - first);
}

// What is said of a block must be so, which is live, or was a moment ago.
[[gnu::noinline]] void check_said(const void* block, std::size_t asked, std::size_t size,
                                  std::size_t align) {
  if constexpr (!Defences::kChecksSizes) return;
  if (size != kUnknownSize && size != asked) die_of_misuse(Misuse::kWrongSize, block);
  if (align != 1 && !lies_at(block, align)) die_of_misuse(Misuse::kWrongAlignment, block);
}

// --- Large blocks --------------------------------------------------------------------------------

using Limits = ShippedLimits;

void free_large(void* ptr) {
  const BlockState was = take_back(ptr);
  // Nobody else frees it from here on.
  SecuredLarge* const block = bookkeeper.large_at(ptr);
  if (block == nullptr || has_freed_parts(block)) {
    block_states.restore(ptr, was);
    die_of_misuse(block == nullptr ? Misuse::kNotABlock : Misuse::kPartFreed, ptr);
  }
  const std::size_t asked = Limits::asked_of(block);
  if (UNLIKELY(!has_canary(ptr, asked, Limits::room_of(block)))) die_of_overflow(ptr);
  if (!block->is_guarded()) {
    if constexpr (Defences::kZeroesFreed) Limits::wipe(ptr, block->bytes());
  }
  bookkeeper.give_large(block, SpanState::kDirty);
  bookkeeper.decay(os::now_ms());
}

// All but the small blocks.
[[gnu::noinline, gnu::cold]] void free_other(void* block) {
  if (block == nullptr) return;
  const int kept_errno = errno;
  if (is_live(bookkeeper.map().key_of(block))) {
    free_large(block);
  } else if (empty_blocks.has(block)) {
    switch (empty_blocks.give(block)) {
      case EmptyBlocks::Freed::kYes: break;
      case EmptyBlocks::Freed::kDouble: die_of_misuse(Misuse::kDoubleFree, block);
      case EmptyBlocks::Freed::kNotABlock: die_of_misuse(Misuse::kNotABlock, block);
    }
  } else {
    die_of_misuse(bookkeeper.foreign_free(block), block);
  }
  errno = kept_errno;
}

// What is said of a large block, or one of no bytes.
[[gnu::noinline, gnu::cold]] void check_other(void* block, Key key, std::size_t size,
                                              std::size_t align) {
  const bool is_empty = empty_blocks.is_live(block);
  const bool is_whole = is_live(key) && kind_at(block) == BlockState::kLive;
  // What is no live block is for the free to tell.
  if (!is_empty && !is_whole) return;
  const LargeBlock* const large = is_empty ? nullptr : bookkeeper.large_at(block);
  if (is_empty || large != nullptr) {
    check_said(block, is_empty ? 0 : Limits::asked_of(large), size, align);
  }
}

template <bool kIsSaid>
[[gnu::always_inline]] inline void free_block(void* block, std::size_t size, std::size_t align) {
  const Key key = bookkeeper.map().key_of(block);
  if (UNLIKELY(!is_live(key) || is_large(key))) {
    if constexpr (kIsSaid) check_other(block, key, size, align);
    return free_other(block);
  }
  const BlockState was = take_back(block);
  const std::size_t block_size = size_class_info(class_of(key)).block_size;
  const std::size_t asked = block_size - block_states.slack_of(block, was);
  if constexpr (kIsSaid && Defences::kChecksSizes) {
    const bool is_right = (size == asked || size == kUnknownSize) && align == 1;
    if (UNLIKELY(!is_right)) check_said(block, asked, size, align);
  }
  if constexpr (Defences::kCanaries) {
    const CanaryPlace place(block, asked, block_size);
    if (UNLIKELY(!place.has(block_states.canary_of(block)))) die_of_overflow(block);
    if (UNLIKELY(was.has_long_slack()) && Defences::kZeroesFreed &&
        !has_clean_slack(static_cast<const char*>(block), asked, block_size)) {
      die_of_overflow(block);
    }
    if constexpr (!Defences::kZeroesFreed) place.clear();
    if constexpr (Defences::kChecksNeighbours) check_before(static_cast<char*>(block), block_size);
  }
  if constexpr (Defences::kZeroesFreed) make_zero(block, block_size);
  give_later(block, key, block_size);
}

}  // namespace

void secured_deallocate(void* block) noexcept { free_block<false>(block, kUnknownSize, 1); }

void secured_deallocate_said(void* block, std::size_t size, std::size_t align) noexcept {
  free_block<true>(block, size, align);
}

std::size_t secured_usable_size(const void* block, Misuse misuse) noexcept {
  const Key key = bookkeeper.map().key_of(block);
  if (LIKELY(is_live(key) && !is_large(key) && is_at_grain(block))) {
    const BlockState state = block_states.state_of(block);
    if (LIKELY(state.kind() == BlockState::kLive)) {
      return size_class_info(class_of(key)).block_size - block_states.slack_of(block, state);
    }
  }
  return asked_size(block, misuse);
}

void secured_check_all() noexcept {
  if constexpr (Config::kCheckedAtExit == 0) return;
  flush_this_pool();  // which looks at what goes home
  bookkeeper.check_blocks(Config::kCheckedAtExit);
}

void* secured_zeroed(std::size_t size) noexcept {
  void* const block = allocate(size);
  // What is free is zeros already.
  if (Defences::kZeroesFreed || block == nullptr) return block;
  return std::memset(block, 0, size);
}

void rearm(void* block, std::size_t block_size, std::size_t old_asked, std::size_t asked) noexcept {
  if (UNLIKELY(!has_canary(block, old_asked, block_size))) die_of_overflow(block);
  block_states.set(block, BlockState::kNothing, 0);  // nobody is to look at it now
  clear_canary(block, old_asked, block_size);
  if (Defences::kZeroesFreed && asked < old_asked) {
    std::memset(static_cast<char*>(block) + asked, 0, old_asked - asked);
  }
  put_canary(block, asked, block_size);
  block_states.set(block, BlockState::kLive, block_size - asked);
}

void check_has(const void* block, Misuse misuse) noexcept {
  const BlockState::Kind kind = kind_at(block);
  if (kind == BlockState::kLive) return;
  die_of_misuse(kind == BlockState::kBroken ? Misuse::kPartFreed : misuse, block);
}

namespace {

// What is to be accessible of a large block: where its bytes end with a page, a guard follows at
// once; else there is room for the canary.
std::size_t with_canary(std::size_t size) {
  return size != 0 && size % os::page_size() == 0 ? size : size + kRedZone;
}

}  // namespace

SecuredLarge* secured_large(std::size_t size, std::size_t align_pages) noexcept {
  SecuredLarge* block = nullptr;
  if constexpr (Defences::kGuardsLarge) {
    block = bookkeeper.take_guarded(with_canary(size), align_pages);
  }
  if (block == nullptr) {
    block = allocate_large(pages_for(size + kRedZone), align_pages);
    if (block == nullptr) return nullptr;
    if (Defences::kFindsWritesAtReuse && !block->was_clean_.get() &&
        !is_all_zero(block->begin(), block->bytes())) {
      die_of_misuse(Misuse::kWriteAfterFree, block->begin());
    }
  }
  block->slack_.set(block->bytes() - size);
  block_states.set(block->begin(), BlockState::kLive, 0);
  put_canary(block->begin(), size, Limits::room_of(block));
  return block;
}

bool secured_resize_large(SecuredLarge* block, std::size_t size) noexcept {
  char* const begin = block->begin();
  const std::size_t old_size = Limits::asked_of(block);
  if (!has_canary(begin, old_size, Limits::room_of(block))) die_of_overflow(begin);
  clear_canary(begin, old_size, Limits::room_of(block));
  const bool is_guarded = block->is_guarded();
  // Pages that others get are zeroed before, and what is closed needs not be.
  const bool is_cut = Defences::kZeroesFreed && size < old_size;
  if (is_cut && !is_guarded) Limits::wipe(begin + size, old_size - size);
  const bool is_done = is_guarded ? bookkeeper.resize_guarded(block, with_canary(size))
                                  : resize_large(block, size + kRedZone);
  const std::size_t now = is_done ? size : old_size;
  if (is_cut && is_guarded && is_done) {
    const std::size_t room = Limits::room_of(block);
    Limits::wipe(begin + size, (old_size < room ? old_size : room) - size);
  }
  block->slack_.set(block->bytes() - now);
  put_canary(begin, now, Limits::room_of(block));
  return is_done;
}

void* secured_large_within(std::size_t size, std::size_t align, std::size_t extra) noexcept {
  SecuredLarge* const block = secured_large(size + extra, 1);
  if (block == nullptr) return nullptr;
  char* const first = block->begin();
  const std::size_t over = reinterpret_cast<std::uintptr_t>(first) % align;
  const std::size_t head = over == 0 ? 0 : align - over;
  const std::size_t tail = extra - head;
  char* const begin = first + head;
  const bool is_ended = tail == 0 || bookkeeper.give_large_part(begin + size, tail, true);
  if (is_ended && (head == 0 || bookkeeper.give_large_part(first, head, true))) return begin;
  CHECK(free_sized(first, is_ended ? head + size : size + extra));
  return nullptr;
}

// --- Blocks of no bytes --------------------------------------------------------------------------

void* secured_empty(std::size_t align) noexcept {
  if constexpr (Defences::kGuardsEmptyBlocks) {
    if (void* const block = empty_blocks.take(align)) return block;
  }
  const unsigned size_class = align <= kSmallMost ? size_class_of(kGrain, align) : kSizes;
  if (size_class == kSizes) {
    SecuredLarge* const large = secured_large(0, pages_for(align));
    return large != nullptr ? large->begin() : nullptr;
  }
  void* const block = allocate_class(size_class + kSizes);
  if (block != nullptr) arm(block, size_class_info(size_class).block_size, 0);
  return block;
}

bool is_live_empty(const void* ptr) noexcept {
  if (empty_blocks.has(ptr)) return empty_blocks.is_live(ptr);
  if (!is_large(bookkeeper.map().key_of(ptr))) return false;
  const SecuredLarge* const block = bookkeeper.large_at(ptr);
  return block != nullptr && Limits::asked_of(block) == 0;
}

}  // namespace ralloc
