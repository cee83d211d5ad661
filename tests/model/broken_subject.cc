// A toy allocator with a bug, chosen by the environment variable RALLOC_TEST_BUG: the model
// must find each, and shrink the operations to the few that show it.
//
// It has the calls of the C++ API. Memory is handed out once and never again, and behind each
// block lies as much again to grow into.
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string_view>

#include "model/subject.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

bool has_bug(std::string_view bug) {
  const char* chosen = std::getenv("RALLOC_TEST_BUG");
  return chosen != nullptr && chosen == bug;
}

constexpr std::size_t kArea = std::size_t{64} << 30;
// Where memory begins decides what fits odd alignments: everywhere the same.
constexpr std::uintptr_t kWanted = std::uintptr_t{1} << 44;
constexpr std::size_t kRecord = 16;  // what each block is said to take besides

struct Room {
  std::size_t size;      // as the program knows it
  std::size_t left;      // of it, not freed
  std::size_t capacity;  // room to grow into included
};

std::mutex mutex;  // of all that follows
std::map<std::uintptr_t, Room> rooms;
std::uintptr_t top = 0;
std::uintptr_t area_end = 0;
std::size_t held = 0;
unsigned measured = 0;
unsigned char* twice = nullptr;  // what the bugs `overlap` and `part_twice` hand out again
bool part_is_free = false;       // for the latter

std::uintptr_t address(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

unsigned char* carve(std::size_t capacity, std::size_t align) {
  if (top == 0) {
    void* area = mmap(reinterpret_cast<void*>(kWanted), kArea, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(area != MAP_FAILED);
    top = address(area);
    area_end = top + kArea;
  }
  const std::uintptr_t begin = (top + align - 1) / align * align;
  top = begin + capacity;
  REQUIRE(top <= area_end);
  return reinterpret_cast<unsigned char*>(begin);
}

// The room that `p` lies in.
std::map<std::uintptr_t, Room>::iterator room_of(const void* p) {
  auto room = rooms.upper_bound(address(p));
  REQUIRE(room != rooms.begin());
  return --room;
}

bool is_block(std::map<std::uintptr_t, Room>::iterator room, const void* p, std::size_t size) {
  return room->first == address(p) && room->second.size == size && room->second.left == size;
}

// A live block that is as large as this: what the bugs hand out again. Its room stays as it is,
// so that the first who notices is who got it. Null, and `block` is the next one to be handed
// out, if there is none.
unsigned char* again(unsigned char* block, std::size_t size, std::size_t align) {
  const auto room = rooms.find(address(twice));
  if (room == rooms.end() || room->second.left != room->second.size) {
    twice = block;
    return nullptr;
  }
  return size <= room->second.size && address(twice) % align == 0 ? twice : nullptr;
}

// `used` if the block may have contents; what it has for the program goes to `given`.
unsigned char* allocate(std::size_t size, std::size_t align, bool used,
                        std::size_t* given = nullptr) {
  const std::scoped_lock lock(mutex);
  if (has_bug("null") && size / 1000 == 12) return nullptr;
  const bool odd = (align & (align - 1)) != 0;
  const std::size_t capacity = 2 * size + 16;
  unsigned char* block = carve(capacity + 8192, align);
  if (has_bug("alignment") && align == 4096) block += 16;
  if (has_bug("odd_alignment") && odd && size > 100) block += align & -align;
  if (used && ((has_bug("overlap") && size / 100 == 10) ||
               (has_bug("part_twice") && part_is_free))) {
    if (unsigned char* other = again(block, size, align)) {
      if (given != nullptr) *given = size;
      return other;
    }
  }
  if (given != nullptr) {
    if (has_bug("at_least_more") && size > 64) size = capacity + 9000;
    *given = size;
  }
  if (used && has_bug("fresh") && size / 1000 == 3) block[size - 1] = 1;
  rooms[address(block)] = {size, size, std::max(size, capacity)};
  held += size + kRecord;
  return block;
}

void free_locked(void* p, std::size_t size) {
  if (has_bug("abort") && size / 1000 == 7) std::abort();
  if (has_bug("statistics") && size > 100000) return;
  const auto room = room_of(p);
  const bool part = !is_block(room, p, size);
  if (part) part_is_free = true;
  if (has_bug("part_spills") && part) {
    const std::uintptr_t behind = address(p) + size;
    if (behind < room->first + room->second.size) *reinterpret_cast<unsigned char*>(behind) ^= 1;
  }
  held -= size;
  room->second.left -= size;
  if (room->second.left != 0) return;
  held -= kRecord;
  rooms.erase(room);
}

void free_it(void* p, std::size_t size, std::size_t) {
  const std::scoped_lock lock(mutex);
  free_locked(p, size);
}

void* resize(void* block, std::size_t old_size, std::size_t size, std::size_t align) {
  const std::size_t honoured = has_bug("realloc_alignment") && old_size > 100 ? 1 : align;
  unsigned char* fresh = allocate(size, honoured, false);
  if (fresh == nullptr) return nullptr;
  std::size_t kept = std::min(old_size, size);
  if (has_bug("contents") && size > 2000 && kept > 100) --kept;
  std::memcpy(fresh, block, kept);
  free_it(block, old_size, align);
  return fresh;
}

// Blocks grow into their own room, parts not at all.
std::size_t resize_inplace(void* p, std::size_t old_size, std::size_t least,
                           std::size_t preferred) {
  const std::scoped_lock lock(mutex);
  if (preferred == old_size) return preferred;
  const auto room = room_of(p);
  const bool block = is_block(room, p, old_size);
  if (preferred < old_size) {
    if (has_bug("shrink") && preferred > 500) return 0;
    if (block) {
      room->second.size = preferred;
      const std::size_t tail = old_size - preferred;
      if (!has_bug("shrink_keeps")) std::memset(static_cast<char*>(p) + preferred, 0, tail);
    }
    room->second.left -= old_size - preferred;
    held -= old_size - preferred;
    return preferred;
  }
  std::size_t most = block ? room->second.capacity : old_size;
  if (has_bug("grow_overlaps") && block) most = std::max(most, std::size_t{1} << 16);
  if (has_bug("grow_says_more") && least != preferred) return preferred + 1;
  if (most < least) {
    if (has_bug("failure_writes") && old_size != 0) static_cast<char*>(p)[old_size - 1] ^= 1;
    return 0;
  }
  const std::size_t size = std::min(most, preferred);
  if (has_bug("grow_loses") && old_size > 200) std::memset(p, 0, 8);
  if (size != old_size) {
    room->second.size = room->second.left = size;
    held += size - old_size;
  }
  return size;
}

std::size_t usable_size(void* block) {
  const std::scoped_lock lock(mutex);
  const auto room = room_of(block);
  if (has_bug("usable") && room->second.size / 100 == 5) return 600 + measured++ % 2;
  return room->second.size + kRecord;
}

std::size_t bytes_in_use() {
  const std::scoped_lock lock(mutex);
  return held;
}

constexpr AllocateWay kAllocateWays[] = {
    {"ralloc::alloc(SIZE, ALIGN)",
     [](std::size_t size, std::size_t align) -> void* { return allocate(size, align, true); },
     kPlain, true},
    {"ralloc::alloc(SIZE)",
     [](std::size_t size, std::size_t) -> void* {
       unsigned char* block = allocate(size, 16, false);
       if (has_bug("zeros") && size / 1000 == 2) block[size - 1] = 1;
       return block;
     },
     kPlain, false, true},
    {"ralloc::alloc_at_least(SIZE, ALIGN).ptr", nullptr, kPlain, true, false,
     [](std::size_t size, std::size_t align) {
       std::size_t given = size;
       void* block = allocate(size, align, true, &given);
       return Given{block, given};
     }},
};
constexpr FreeWay kFreeWays[] = {{"ralloc::free(BLOCK, SIZE)", free_it, kPlain}};
constexpr ResizeWay kResizeWays[] = {
    {"ralloc::realloc(BLOCK, OLD, SIZE, ALIGN)", resize, kPlain, 0, true}};
constexpr PartWays kPartWays = {
    "ralloc::inplace_realloc(BLOCK, OLD, SIZE)",
    [](void* block, std::size_t old_size, std::size_t size) {
      if (size == 0) return free_it(block, old_size, 1), true;
      return resize_inplace(block, old_size, size, size) != 0;
    },
    "ralloc::inplace_realloc_at_least(BLOCK, OLD, LEAST, SIZE)",
    resize_inplace,
};

}  // namespace

constinit const Subject subject = {
    "#include <ralloc/ralloc.h>\n",
    kAllocateWays,
    kFreeWays,
    kResizeWays,
    &kPartWays,
    16,
    usable_size,
    false,
    true,
    bytes_in_use,
    0,
    true,
    [] { return !(has_bug("validity") && bytes_in_use() > 100000); },
    [] {},
};

}  // namespace ralloc_test
