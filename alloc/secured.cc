#include "alloc/secured.h"

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "alloc/allocator.h"
#include "shim/os.h"

namespace ralloc {
namespace {

bool lies_at(const void* block, std::size_t align) {
  return std::has_single_bit(align) && (reinterpret_cast<std::uintptr_t>(block) & (align - 1)) == 0;
}

// What a free finds where no live block begins.
[[noreturn, gnu::cold]] void refuse_free(const void* block, BlockState state) {
  die_of_misuse(state.kind() == BlockState::kBroken ? Misuse::kPartFreed
                : state.kind() == BlockState::kFree ? Misuse::kDoubleFree
                                                    : Misuse::kNotABlock,
                block);
}

// Takes a block back that is live, and dies if it is not.
[[gnu::always_inline]] inline BlockState take_back(void* block) {
  const bool is_at_grain = reinterpret_cast<std::uintptr_t>(block) % kGrain == 0;
  if (UNLIKELY(!is_at_grain)) refuse_free(block, BlockState(BlockState::kNothing, 0));
  const BlockState was = block_states.take_back<Defences::kExchangesStates>(block);
  if (UNLIKELY(was.kind() != BlockState::kLive)) {
    // A handler of SIGABRT may go on with it.
    block_states.restore(block, was);
    refuse_free(block, was);
  }
  return was;
}

// What was said of a block must be so.
[[gnu::always_inline]] inline void check_said(void* block, BlockState was, std::size_t asked,
                                              std::size_t size, std::size_t align) {
  if constexpr (!Defences::kChecksSizes) return;
  const bool is_right_size = size == kUnknownSize || size == asked;
  const bool is_right_place = align == 1 || lies_at(block, align);
  if (LIKELY(is_right_size && is_right_place)) return;
  block_states.restore(block, was);
  die_of_misuse(is_right_size ? Misuse::kWrongAlignment : Misuse::kWrongSize, block);
}

[[noreturn, gnu::cold]] void die_of_overflow(const void* block) {
  die_of_misuse(Misuse::kOverflow, block);
}

// --- Large blocks --------------------------------------------------------------------------------

using Limits = ShippedLimits;

void free_large(void* ptr, std::size_t size, std::size_t align) {
  const BlockState was = take_back(ptr);
  // Nobody else frees it from here on.
  SecuredLarge* const block = bookkeeper.large_at(ptr);
  if (block == nullptr || block->continues_.get() || block->freed_.get() != nullptr) {
    block_states.restore(ptr, was);
    die_of_misuse(block == nullptr ? Misuse::kNotABlock : Misuse::kPartFreed, ptr);
  }
  const std::size_t asked = Limits::asked_of(block);
  check_said(ptr, was, asked, size, align);
  if (UNLIKELY(!has_canary(ptr, asked, Limits::room_of(block)))) die_of_overflow(ptr);
  if (!block->is_guarded()) {
    if constexpr (Defences::kZeroesFreed) Limits::wipe(ptr, block->bytes());
  }
  bookkeeper.give_large(block, SpanState::kDirty);
  bookkeeper.decay(os::now_ms());
}

// All but the small blocks.
[[gnu::noinline, gnu::cold]] void free_other(void* block, Key key, std::size_t size,
                                             std::size_t align) {
  if (block == nullptr) return;
  const int kept_errno = errno;
  if (is_live(key)) {
    free_large(block, size, align);
  } else if (empty_blocks.has(block)) {
    switch (empty_blocks.give(block)) {
      case EmptyBlocks::Freed::kYes: break;
      case EmptyBlocks::Freed::kDouble: die_of_misuse(Misuse::kDoubleFree, block);
      case EmptyBlocks::Freed::kNotABlock: die_of_misuse(Misuse::kNotABlock, block);
    }
    if (size != kUnknownSize && size != 0) die_of_misuse(Misuse::kWrongSize, block);
  } else {
    const bool was_block = bookkeeper.map().was_freed(block) &&
                           block_states.state_of(block).kind() == BlockState::kFree;
    die_of_misuse(was_block ? Misuse::kDoubleFree : Misuse::kForeignFree, block);
  }
  errno = kept_errno;
}

}  // namespace

void secured_deallocate(void* block, std::size_t size, std::size_t align) noexcept {
  const Key key = bookkeeper.map().key_of(block);
  if (UNLIKELY(!is_live(key) || is_large(key))) return free_other(block, key, size, align);
  const BlockState was = take_back(block);
  const std::size_t block_size = size_class_info(class_of(key)).block_size;
  const std::size_t asked = block_size - block_states.slack_of(block, was);
  check_said(block, was, asked, size, align);
  if (UNLIKELY(!has_canary(block, asked, block_size))) die_of_overflow(block);
  if constexpr (Defences::kZeroesFreed) {
    make_zero(block, block_size);
  } else {
    clear_canary(block, asked, block_size);
  }
  give_later(block, key);
}

void* secured_zeroed(std::size_t size) noexcept {
  void* const block = allocate(size);
  // What is free is zeros already.
  if (Defences::kZeroesFreed || block == nullptr) return block;
  return std::memset(block, 0, size);
}

void rearm(void* block, std::size_t block_size, std::size_t old_asked, std::size_t asked) noexcept {
  if (UNLIKELY(!has_canary(block, old_asked, block_size))) die_of_overflow(block);
  clear_canary(block, old_asked, block_size);
  if (Defences::kZeroesFreed && asked < old_asked) {
    std::memset(static_cast<char*>(block) + asked, 0, old_asked - asked);
  }
  block_states.set(block, BlockState::kLive, block_size - asked);
  put_canary(block, asked, block_size);
}

void check_has(const void* block, Misuse misuse) noexcept {
  const bool is_at_grain = reinterpret_cast<std::uintptr_t>(block) % kGrain == 0;
  const BlockState state = block_states.state_of(block);
  if (is_at_grain && state.kind() == BlockState::kLive) return;
  const bool is_broken = is_at_grain && state.kind() == BlockState::kBroken;
  die_of_misuse(is_broken ? Misuse::kPartFreed : misuse, block);
}

namespace {

// What is to be accessible of a large block: where its bytes end with a page, a guard follows at
// once; else there is room for the canary.
std::size_t with_canary(std::size_t size) {
  return size % os::page_size() == 0 ? size : size + kRedZone;
}

}  // namespace

SecuredLarge* secured_large(std::size_t size, std::size_t align_pages) noexcept {
  SecuredLarge* block = nullptr;
  if constexpr (Defences::kGuardsLarge) block = bookkeeper.take_guarded(with_canary(size), align_pages);
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

}  // namespace ralloc
