#include "alloc/checked.h"

#include <cerrno>
#include <cstring>

#include "alloc/allocator.h"
#include "alloc/sized.h"
#include "global_pool/call_stacks.h"
#include "global_pool/live_blocks.h"
#include "global_pool/quarantine.h"
#include "shim/call_stack.h"
#include "shim/options.h"

namespace ralloc {

constinit LiveBlocks live_blocks;  // leaks_by_stack.cc lists them
constinit CallStacks call_stacks;

namespace {

using Answer = LiveBlocks::Answer;

constinit Quarantine quarantine;

// The system calls for the table, the quarantine and the unwinder are nobody's business.
class KeptErrno {
 public:
  KeptErrno() : value_(errno) {}
  ~KeptErrno() { errno = value_; }
  KeptErrno(const KeptErrno&) = delete;

 private:
  const int value_;
};

// Where the program asked for the block: the frames above those of this file.
[[gnu::noinline]] LiveBlocks::Stack this_stack(void* caller) {
  if (!option::leaks()) return 0;
  constexpr unsigned kOwn = 6;
  void* frames[CallStacks::kFrames + kOwn];
  const unsigned count = capture_call_stack(frames, CallStacks::kFrames + kOwn);
  unsigned first = 0;
  while (first < count && frames[first] != caller) ++first;
  if (first >= count || first > kOwn) first = 0;
  return call_stacks.number_of(frames + first, count - first);
}

// Of bytes that the table does not know. They may not be the program's as far as the allocator
// itself can tell, too, and then that has the better sentence: so it is asked first, but for blocks
// that lie freed, which it takes for live.
void refuse_quarantined(const void* ptr, Misuse misuse) {
  if (quarantine.has(ptr)) die_of_misuse(misuse, ptr);
}

void refuse_free(void* ptr, std::size_t size) {
  refuse_quarantined(ptr, Misuse::kDoubleFree);
  if (size == 0) return;  // no bytes, at the end of a block
  const Key key = bookkeeper.map().key_of(ptr);
  if (is_live(key) && !is_large(key) && is_whole_block(ptr, size)) {
    const auto begin = reinterpret_cast<std::uintptr_t>(ptr);
    const void* const live = live_blocks.next(begin).begin;
    const bool is_part_live = live_blocks.find(ptr).begin != nullptr ||
                              reinterpret_cast<std::uintptr_t>(live) - begin < size;
    // Else a magazine has it.
    die_of_misuse(is_part_live ? Misuse::kPartFreed : Misuse::kDoubleFree, ptr);
  }
  (void)free_sized_slow(ptr, size);  // says what is wrong
  die_of_misuse(Misuse::kDoubleFree, ptr);
}

void make_room(std::size_t bytes, std::size_t most) {
  while (void* const block = quarantine.take(bytes, most)) deallocate(block);
}

// Of all of a block that was live.
bool let_lie(void* block, std::size_t size) {
  const std::size_t most = option::quarantine_bytes();
  if (size > most) return false;
  make_room(size, most);
  return quarantine.put(block, size, most);
}

}  // namespace

[[gnu::noinline]] void checked_allocated(void* ptr, std::size_t size, bool is_zeroed) noexcept {
  if (ptr == nullptr) return;
  const KeptErrno kept;
  live_blocks.add(ptr, size, is_zeroed, this_stack(__builtin_return_address(0)));
}

void checked_deallocate(void* ptr) noexcept {
  if (ptr == nullptr) return;
  const KeptErrno kept;
  (void)checked_free(ptr, usable_size(ptr, Misuse::kForeignFree));
}

bool checked_free(void* ptr, std::size_t size) noexcept {
  if (ptr == nullptr) return true;
  const KeptErrno kept;
  const LiveBlocks::Stack stack = live_blocks.find(ptr).stack;
  const Answer answer = live_blocks.remove(ptr, size);
  if (answer == Answer::kNo) refuse_free(ptr, size);
  const bool is_whole = answer == Answer::kYes && size != 0 && is_whole_block(ptr, size);
  const bool is_done = (is_whole && let_lie(ptr, size)) || free_sized_slow(ptr, size);
  if (!is_done && answer == Answer::kYes) live_blocks.restore(ptr, size, stack);
  return is_done;
}

std::size_t checked_resize(void* ptr, std::size_t old_size, std::size_t least,
                           std::size_t most) noexcept {
  if (most < old_size) {
    char* const tail = static_cast<char*>(ptr) + most;
    const LiveBlocks::Stack stack = live_blocks.find(ptr).stack;
    const Answer answer = live_blocks.remove(tail, old_size - most);
    if (answer == Answer::kNo) refuse_quarantined(ptr, Misuse::kForeignRealloc);
    const std::size_t size = resize_in_place(ptr, old_size, least, most);
    if (answer == Answer::kNo) die_of_misuse(Misuse::kForeignRealloc, ptr);
    if (size == 0 && answer == Answer::kYes) {
      live_blocks.restore(tail, old_size - most, stack);
    }
    return size;
  }
  const bool is_foreign = live_blocks.are_live(ptr, old_size) == Answer::kNo;
  if (is_foreign) refuse_quarantined(ptr, Misuse::kForeignRealloc);
  const std::size_t size = resize_in_place(ptr, old_size, least, most);
  if (is_foreign && old_size != 0) die_of_misuse(Misuse::kForeignRealloc, ptr);
  if (size > old_size) live_blocks.grow(ptr, old_size, size);
  return size;
}

// Copies where the others move pages: so memcheck follows the contents.
void* checked_reallocate(void* ptr, std::size_t old_size, std::size_t size,
                         std::size_t align) noexcept {
  if (size > kSizeMost) return nullptr;
  if (live_blocks.are_live(ptr, old_size) == Answer::kNo) {
    refuse_quarantined(ptr, Misuse::kForeignRealloc);
    (void)reallocate_sized(ptr, old_size, size, align);  // says what is wrong
    die_of_misuse(Misuse::kForeignRealloc, ptr);
  }
  const bool may_stay = size != 0 && reinterpret_cast<std::uintptr_t>(ptr) % align == 0;
  const bool should_stay = size > old_size / 2;
  if (may_stay && should_stay && checked_resize(ptr, old_size, size, size) != 0) return ptr;
  void* const fresh = allocate_sized_aligned(size, align);
  if (fresh == nullptr) {
    // Where it is it serves as well.
    const bool serves = may_stay && size <= old_size;
    return serves && checked_resize(ptr, old_size, size, size) != 0 ? ptr : nullptr;
  }
  live_blocks.add(fresh, size, false, this_stack(__builtin_return_address(0)));
  std::memcpy(fresh, ptr, size < old_size ? size : old_size);
  if (checked_free(ptr, old_size)) return fresh;
  CHECK(checked_free(fresh, size));
  return nullptr;
}

void* checked_zeroed(std::size_t size) noexcept {
  void* const block = allocate_sized_slow(size);
  if (block == nullptr) return nullptr;
  // Pages fresh from the OS are zeros already.
  const bool is_large_block = size + kRedZone > kSmallMost;
  if (is_large_block && bookkeeper.large_at(block)->was_clean_.get()) return block;
  debugger::open(block, size);
  return std::memset(block, 0, size);
}

std::size_t checked_usable_size(const void* ptr, Misuse misuse) noexcept {
  const KeptErrno kept;
  const LiveBlocks::Interval block = live_blocks.find(ptr);
  if (block.begin == ptr) {
    // Of a block without its end, or what was left of one, nobody but the C++ API knows more.
    if (block.size != 0 && !is_whole_block(ptr, block.size)) {
      die_of_misuse(Misuse::kPartFreed, ptr);
    }
    return block.size;
  }
  if (!live_blocks.is_complete()) return asked_size(ptr, misuse);
  const bool is_free = misuse == Misuse::kForeignFree;
  refuse_quarantined(ptr, is_free ? Misuse::kDoubleFree : misuse);
  if (!is_live(bookkeeper.map().key_of(ptr))) die_of_misuse(misuse, ptr);
  const bool is_inside = live_blocks.find(ptr).begin != nullptr;
  die_of_misuse(!is_free ? misuse : is_inside ? Misuse::kNotABlock : Misuse::kDoubleFree, ptr);
}

bool checked_is_complete() noexcept { return live_blocks.is_complete(); }

std::size_t checked_live_bytes() noexcept { return live_blocks.bytes(); }

std::size_t checked_table_bytes() noexcept { return live_blocks.mapped(); }

void free_quarantined() noexcept { make_room(1, 0); }

}  // namespace ralloc
