#include "alloc/sized.h"

#include <cerrno>
#include <cstring>

#include "alloc/growing.h"
#include "shim/os.h"

namespace ralloc {
namespace {

// Where a pointer lies in a small block.
struct Place {
  unsigned size_class;
  std::size_t block_size;
  std::size_t asked;  // bytes of the block that the program asked for
  std::size_t first;  // the pointer's distance from the block's begin
  bool may_be_whole;  // as far as is known: where there are states, it is live and not broken

  bool is_whole(std::size_t size) const {
    return first == 0 && asked == size && size != 0 && may_be_whole;
  }
  // Where there are states malloc has blocks of no bytes too, whose pointers are their begins.
  bool is_empty() const { return asked == 0 && (kSecure ? may_be_whole : first != 0); }
};

bool is_small(Key key) { return is_live(key) && !is_large(key); }

// Of a pointer whose page has the key of a small class.
Place place_of(const void* ptr, Key key) {
  const unsigned size_class = class_of(key);
  const SizeClass& info = size_class_info(size_class);
  const LargeBlock* const span = bookkeeper.span_of(ptr);
  const auto offset = std::uint32_t(static_cast<const char*>(ptr) - span->begin());
  const std::uint32_t index = block_index(offset, info.reciprocal);
  const std::size_t first = offset - index * info.block_size;
  const char* const block = static_cast<const char*>(ptr) - first;
  // Behind the last block there is none, and no byte of slack that may be read.
  const bool is_block = index < span->capacity_.get();
  const std::size_t slack =
      is_block && has_slack(size_class) ? read_slack(block, info.block_size) : 0;
  bool may_be_whole = true;
  if constexpr (kSecure) may_be_whole = block_states.state_of(block).kind() == BlockState::kLive;
  return {size_class, info.block_size, info.block_size - slack, first, may_be_whole};
}

// All of a large block, of which nothing is free; null if the bytes are not that.
LargeBlock* whole_large(const void* ptr, std::size_t size) {
  LargeBlock* const block = bookkeeper.whole_large(ptr, size);
  if constexpr (kSecure) {
    if (block != nullptr) ShippedLimits::mend_large(block);
  }
  return block;
}

bool divides_page(std::size_t align) { return is_power_of_two(align) && align <= kPage; }

bool is_multiple(const void* p, std::size_t align) {
  return reinterpret_cast<std::uintptr_t>(p) % align == 0;
}
char* round_up(void* p, std::size_t align) {
  const std::size_t over = reinterpret_cast<std::uintptr_t>(p) % align;
  return static_cast<char*>(p) + (over == 0 ? 0 : align - over);
}

// Blocks have the red zone beside what is asked for, which is slack.
constexpr bool fits_small(std::size_t size) { return size <= kSmallMost - kRedZone; }
unsigned class_for(std::size_t size) { return size_class_of(size + kRedZone); }

// A block of `size` bytes of the size class, or of that with slack.
void* allocate_of(unsigned size_class, std::size_t size) {
  const std::size_t block_size = size_class_info(size_class).block_size;
  if (!kExactSizes && size == block_size) return allocate(size);
  void* block = take_hit((size_class + kSizes) * sizeof(Magazine));
  if (UNLIKELY(block == nullptr)) block = allocate_class(size_class + kSizes);
  if (UNLIKELY(block == nullptr)) return nullptr;
  if constexpr (kSecure) {
    arm(block, block_size, size);
  } else {
    write_slack(block, block_size, block_size - size);
  }
  return block;
}
void* allocate_pages(std::size_t size, std::size_t align_pages) {
  if constexpr (kSecure) {
    LargeBlock* const block = secured_large(size, align_pages);
    return block != nullptr ? block->begin() : nullptr;
  }
  LargeBlock* const block = allocate_large(pages_for(size + kRedZone), align_pages);
  if (block == nullptr) return nullptr;
  block->ask_for(size);
  return block->begin();
}

// --- Alignments that are no power of two ----------------------------------------------------------

// Every so many blocks of a size lie at a multiple, if the sizes of both allow: a few are
// looked at before memory is spent on the alignment.
constexpr std::size_t kFittingTries = 8;

// A small block that happens to begin at a multiple of `align`; null if none was found.
void* allocate_fitting(std::size_t size, std::size_t align, std::size_t tries) {
  void* others[kFittingTries];
  std::size_t n = 0;
  void* found = nullptr;
  const unsigned size_class = class_for(size);
  for (; n < tries; ++n) {
    void* const block = allocate_of(size_class, size);
    if (block == nullptr) break;
    if (is_multiple(block, align)) {
      found = block;
      break;
    }
    others[n] = block;
  }
  while (n > 0) deallocate(others[--n]);
  return found;
}

// Cuts a small block down to `size` bytes at the first multiple of `align`: what lies before
// and behind are freed parts.
void* allocate_within(std::size_t size, std::size_t align, std::size_t extra) {
  const unsigned size_class = class_for(size + extra);
  const std::size_t block_size = size_class_info(size_class).block_size - kRedZone;
  void* const block = allocate_of(size_class, block_size);
  if (block == nullptr) return nullptr;
  const Key key = bookkeeper.map().key_of(block);
  char* const begin = round_up(block, align);
  const std::size_t head = std::size_t(begin - static_cast<char*>(block));
  const std::size_t tail = block_size - head - size;
  // The first of the two needs a record, and the other none.
  if ((head != 0 && !bookkeeper.give_part(block, head, key)) ||
      (tail != 0 && !bookkeeper.give_part(begin + size, tail, key))) {
    deallocate(block);
    return nullptr;
  }
  return begin;
}

void* allocate_large_within(std::size_t size, std::size_t align, std::size_t extra) {
  if constexpr (kSecure) return secured_large_within(size, align, extra);
  LargeBlock* const block = allocate_large(pages_for(size + extra + kRedZone), 1);
  if (block == nullptr) return nullptr;
  char* const begin = round_up(block->begin(), align);
  const std::size_t head = std::size_t(begin - block->begin());
  const std::size_t tail = block->bytes() - head - size;
  const std::size_t slack = kRedZone + (tail - kRedZone) % kPage;
  block->slack_.set(slack);
  std::size_t live = block->bytes() - slack;
  bool is_cut = true;
  if (tail - slack >= kPage) {
    is_cut = bookkeeper.give_large_part(begin + size, tail - slack, false);
    if (is_cut) live = head + size;
  }
  if (is_cut && head != 0) is_cut = bookkeeper.give_large_part(block->begin(), head, false);
  if (is_cut) return begin;
  // It may have several runs by now. All that is left needs no record.
  CHECK(bookkeeper.give_large_part(block->begin(), live, false));
  return nullptr;
}

// A block of no bytes is all slack, and its pointer lies inside: where a block ends, and no bytes
// may be freed too, no other's pointer is.
void* allocate_empty(std::size_t align) {
  if (align > kSizeMost / 2) return nullptr;
  if constexpr (kSecure) {
    if (is_power_of_two(align)) return secured_empty(align);
  }
  if (align < kGrain) align = kGrain % align == 0 ? kGrain : align;
  const std::size_t size = 2 * (align < kGrain ? kGrain : align);
  if (fits_small(size)) {
    void* const block = allocate_of(class_for(size), 0);
    return block != nullptr ? round_up(static_cast<char*>(block) + 1, align) : nullptr;
  }
  LargeBlock* const block = allocate_large(pages_for(size), 1);
  if (block == nullptr) return nullptr;
  block->slack_.set(block->bytes());
  return round_up(block->begin() + 1, align);
}

void* allocate_odd(std::size_t size, std::size_t align) {
  // Blocks lie at multiples of the grain, and large ones of a page: so many bytes more are
  // enough for the next multiple of both.
  const std::size_t power = align & -align;
  const std::size_t step = power < kGrain ? power : kGrain;
  const std::size_t extra = align - step;
  if (size + extra > kSizeMost) return nullptr;
  if (!fits_small(size + extra)) {
    return allocate_large_within(size, align, align - (power < kPage ? power : kPage));
  }
  const std::size_t tries = align / step;
  if (tries <= kFittingTries) {
    if (void* block = allocate_fitting(size, align, tries)) return block;
  }
  return allocate_within(size, align, extra);
}

// --- Freeing --------------------------------------------------------------------------------------

template <class Free>
bool keeping_errno(Free free) {
  const int kept_errno = errno;
  const bool is_done = free();
  errno = kept_errno;
  return is_done;
}

bool free_large(void* ptr, std::size_t size) {
  if constexpr (kSecure) {
    const LargeBlock* const whole = whole_large(ptr, size);
    if (whole != nullptr || empty_blocks.has(ptr)) {
      secured_deallocate_said(ptr, size, 1);
      return true;
    }
  }
  if (size == 0) {
    // Nothing, at the end of a block perhaps, which may be anybody's page.
    LargeBlock* const empty = bookkeeper.empty_large(ptr);
    if (empty == nullptr) return true;
    ptr = empty->begin();
  }
  const bool is_done = bookkeeper.give_large_part(ptr, size, true);
  bookkeeper.decay(os::now_ms());
  return is_done;
}

// --- Resizing -------------------------------------------------------------------------------------

// All of a block keeps a red zone behind it; a part that grows at the end of its block loses it.
std::size_t lengthen_large(void* ptr, std::size_t old_size, std::size_t least, std::size_t most) {
  LargeBlock* whole = nullptr;
  if (kRedZone != 0 && most > old_size) whole = whole_large(ptr, old_size);
  if (whole == nullptr) return bookkeeper.extend_large_part(ptr, old_size, least, most);
  if constexpr (kSecure) {
    if (secured_resize_large(whole, most)) return most;
    if (least == old_size) return old_size;
    return secured_resize_large(whole, least) ? least : 0;
  }
  std::size_t size = most;
  if (!resize_large(whole, size + kRedZone)) {
    const std::size_t room = whole->bytes() - kRedZone;
    size = most < room ? most : room > old_size ? room : old_size;
    if (size < least) {
      if (!resize_large(whole, least + kRedZone)) return 0;
      size = least;
    }
  }
  whole->ask_for(size);
  return size;
}

// Bytes of all of a small block. The last one of a block with slack stays ours, and the red zone.
std::size_t room_of(const Place& place) {
  constexpr std::size_t kOurs = kRedZone != 0 ? kRedZone : 1;
  return place.block_size - (has_slack(place.size_class) ? kOurs : 0);
}

// All of a small block with slack, which stays where it is.
void resize_block(void* ptr, const Place& place, std::size_t size) {
  if constexpr (kSecure) return rearm(ptr, place.block_size, place.asked, size);
  write_slack(ptr, place.block_size, place.block_size - size);
}

std::size_t lengthen(void* ptr, std::size_t old_size, std::size_t least, std::size_t most) {
  const Key key = bookkeeper.map().key_of(ptr);
  if (!is_small(key)) return old_size == 0 ? 0 : lengthen_large(ptr, old_size, least, most);
  const Place place = place_of(ptr, key);
  if (!place.is_whole(old_size)) {
    return old_size == 0 ? 0 : bookkeeper.extend_part(ptr, old_size, least, most, key);
  }
  const std::size_t room = room_of(place);
  const std::size_t size = most < room ? most : room;
  if (size < least) return 0;
  if (has_slack(place.size_class)) resize_block(ptr, place, size);
  return size;
}

bool resize_whole_large(LargeBlock* whole, std::size_t size) {
  if constexpr (kSecure) return secured_resize_large(whole, size);
  if (!resize_large(whole, size)) return false;
  whole->ask_for(size);
  return true;
}

// What is to be copied must be the program's: dies if it is not.
void check_live(void* ptr, std::size_t size) {
  const Key key = bookkeeper.map().key_of(ptr);
  if (is_small(key) && (size == 0 || place_of(ptr, key).is_whole(size))) return;
  if constexpr (kSecure) {
    if (size == 0 && is_live_empty(ptr)) return;
  }
  if (size == 0 && bookkeeper.empty_large(ptr) == nullptr) {
    die_of_misuse(Misuse::kForeignRealloc, ptr);
  }
  CHECK(size == 0 || lengthen(ptr, size, size, size) == size);
}

// A mapping of its own stays one: sectors behind the bytes are released, and the OS has what
// else it can have.
void shorten_apart(LargeBlock* block, std::size_t size) {
  bookkeeper.shorten_large(block, pages_for(size));
  block->ask_for(size);
  const std::size_t page = os::page_size();
  const std::size_t used = (size + page - 1) / page * page;
  if (used < block->bytes()) (void)os::purge(block->begin() + used, block->bytes() - used);
}

bool shorten(void* ptr, std::size_t old_size, std::size_t size) {
  const Key key = bookkeeper.map().key_of(ptr);
  if (is_small(key)) {
    const Place place = place_of(ptr, key);
    if (place.is_whole(old_size) && has_slack(place.size_class)) {
      resize_block(ptr, place, size);
      return true;
    }
  } else if (LargeBlock* const whole = whole_large(ptr, old_size);
             whole != nullptr && (kSecure || whole->is_apart_.get())) {
    if constexpr (kSecure) return secured_resize_large(whole, size);
    shorten_apart(whole, size);
    return true;
  }
  check_live(ptr, old_size);
  return free_sized_slow(static_cast<char*>(ptr) + size, old_size - size);
}

// Where bytes go in order to be more: with room that is slack.
void* allocate_growing(const void* ptr, std::size_t old_size, std::size_t size, std::size_t align) {
  if (kExactSizes || !divides_page(align)) return nullptr;
  const Room room = room_to_grow(ptr, old_size, size);
  if (LargeBlock* const block = allocate_pages_to_grow(room)) {
    block->ask_for(size);
    return block->begin();
  }
  const bool fits = fits_small(room.bytes) && align <= kGrain;
  return fits ? allocate_of(class_for(room.bytes), size) : nullptr;
}

// Whether all of a small block stays where it is when it is to have so many bytes.
bool stays(const Place& place, std::size_t size) {
  if (!has_slack(place.size_class)) return size == place.asked;
  return size <= room_of(place) &&
         (size >= place.asked || Config::stays_when_shrunk(place.block_size, size));
}

// By its bytes.
void* move(void* ptr, std::size_t old_size, std::size_t size, std::size_t align) {
  void* fresh = nullptr;
  if (size > old_size) fresh = allocate_growing(ptr, old_size, size, align);
  if (fresh == nullptr) fresh = allocate_sized_aligned(size, align);
  if (fresh == nullptr) {
    // Where it is it serves as well.
    const bool serves = size != 0 && size <= old_size && is_multiple(ptr, align);
    return serves && resize_in_place(ptr, old_size, size, size) != 0 ? ptr : nullptr;
  }
  std::memcpy(fresh, ptr, size < old_size ? size : old_size);
  if (!free_sized(ptr, old_size)) {
    // All of it, or what needs no further record.
    CHECK(free_sized(fresh, size));
    return nullptr;
  }
  if (size > old_size) growing.moved(ptr, fresh);
  return fresh;
}

}  // namespace

void* allocate_sized_slow(std::size_t size) noexcept {
  if (size - 1 < kSmallMost - kRedZone) return allocate_of(class_for(size), size);
  if (size == 0) return allocate_empty(kGrain);
  return size <= kSizeMost ? allocate_pages(size, 1) : nullptr;
}

void* allocate_sized_aligned(std::size_t size, std::size_t align) noexcept {
  if (size > kSizeMost || align > kSizeMost) return nullptr;
  if (size == 0) return allocate_empty(align);
  if (!is_power_of_two(align)) return allocate_odd(size, align);
  if (align <= kGrain) return allocate_sized(size);
  if (fits_small(size) && align <= kSmallMost) {
    const unsigned size_class = size_class_of(size + kRedZone, align);
    if (size_class < kSizes) return allocate_of(size_class, size);
  }
  return allocate_pages(size, align <= kPage ? 1 : align / kPage);
}

Sized allocate_at_least(std::size_t size, std::size_t align) noexcept {
  if (kExactSizes && size <= kSizeMost) size = good_size_for(size);
  const bool is_odd = kExactSizes || !is_power_of_two(align);
  void* const block = is_odd ? allocate_sized_aligned(size, align) : allocate_aligned(size, align);
  if (block == nullptr) return {nullptr, 0};
  return {block, is_odd ? size : usable_size(block, Misuse::kForeignUsableSize)};
}

bool free_sized_slow(void* ptr, std::size_t size) noexcept {
  if (ptr == nullptr) return true;
  const Key key = bookkeeper.map().key_of(ptr);
  if (!is_small(key)) {
    LargeBlock* const whole = kExactSizes ? nullptr : bookkeeper.known_whole(ptr, size);
    if (whole == nullptr) return keeping_errno([&] { return free_large(ptr, size); });
    free_whole_large(whole);
    return true;
  }
  const Place place = place_of(ptr, key);
  if (place.is_whole(size)) {
    if constexpr (kSecure) {
      secured_deallocate(ptr);
      return true;
    }
    if (UNLIKELY(!give_hit(ptr, key))) free_slow(ptr);
    return true;
  }
  if (size != 0) return keeping_errno([&] { return bookkeeper.give_part(ptr, size, key); });
  if (place.is_empty()) deallocate(static_cast<char*>(ptr) - place.first);
  return true;
}

bool is_whole_block(const void* ptr, std::size_t size) noexcept {
  const Key key = bookkeeper.map().key_of(ptr);
  return is_small(key) ? place_of(ptr, key).is_whole(size)
                       : whole_large(ptr, size) != nullptr;
}

std::size_t asked_size(const void* ptr, Misuse misuse) noexcept {
  const Key key = bookkeeper.map().key_of(ptr);
  if constexpr (kSecure) {
    if (empty_blocks.is_live(ptr)) return 0;
  }
  if (!is_live(key)) die_of_misuse(misuse, ptr);
  if constexpr (kSecure) check_has(ptr, misuse);
  if (is_small(key)) {
    const Place place = place_of(ptr, key);
    if (place.first != 0 && !place.is_empty()) die_of_misuse(misuse, ptr);
    return place.asked;
  }
  const LargeBlock* const block = bookkeeper.span_of(ptr);
  if (block == nullptr) die_of_misuse(misuse, ptr);
  return ShippedLimits::asked_of(block);
}

std::size_t object_size(const void* ptr) noexcept {
  if constexpr (kSecure) {
    if (empty_blocks.has(ptr)) return 0;
  }
  const Key key = bookkeeper.map().key_of(ptr);
  if (!is_live(key)) return SIZE_MAX;
  std::size_t asked, first;
  if (is_small(key)) {
    const Place place = place_of(ptr, key);
    asked = place.may_be_whole ? place.asked : 0;
    first = place.first;
  } else {
    const LargeBlock* const block = bookkeeper.span_of(ptr);
    if (block == nullptr) return SIZE_MAX;
    asked = ShippedLimits::asked_of(block);
    first = std::size_t(static_cast<const char*>(ptr) - block->begin());
  }
  return first < asked ? asked - first : 0;
}

std::size_t resize_in_place(void* ptr, std::size_t old_size, std::size_t least,
                            std::size_t most) noexcept {
  if (most < old_size) return shorten(ptr, old_size, most) ? most : 0;
  if (least > kSizeMost) return 0;
  if (most > kSizeMost) most = kSizeMost;
  if (least < old_size) least = old_size;
  return lengthen(ptr, old_size, least, most);
}

void* reallocate_sized(void* ptr, std::size_t old_size, std::size_t size,
                       std::size_t align) noexcept {
  if (size > kSizeMost) return nullptr;
  if (old_size > kSizeMost) die_of_misuse(Misuse::kOverRealloc, ptr);
  const bool may_stay = size != 0 && is_multiple(ptr, align);
  const Key key = bookkeeper.map().key_of(ptr);
  LargeBlock* whole = nullptr;
  if (is_small(key)) {
    const Place place = place_of(ptr, key);
    if (place.is_whole(old_size)) {
      if (!may_stay || !stays(place, size)) return move(ptr, old_size, size, align);
      if (has_slack(place.size_class)) resize_block(ptr, place, size);
      return ptr;
    }
  } else if (old_size > kSmallMost && size > kSmallMost) {
    whole = whole_large(ptr, old_size);
  } else if (!kExactSizes) {
    LargeBlock* const known = bookkeeper.known_whole(ptr, old_size);
    if (known != nullptr && stays_early(known, size)) whole = known;
  }
  if (may_stay && whole != nullptr && resize_whole_large(whole, size)) return ptr;
  // A part of a small block stays there; a large block that is small now does not.
  const bool serves = size >= old_size || size > kSmallMost || is_small(key);
  if (may_stay && serves && whole == nullptr && resize_in_place(ptr, old_size, size, size) != 0) {
    return ptr;
  }
  if (whole == nullptr) check_live(ptr, old_size);
  if (!kSecure && whole != nullptr && size > old_size && divides_page(align)) {
    LargeBlock* const moved = move_large(whole, size, old_size);
    if (moved == nullptr) return nullptr;
    moved->ask_for(size);
    return moved->begin();
  }
  return move(ptr, old_size, size, align);
}

}  // namespace ralloc
