// A toy allocator with a bug, chosen by the environment variable RALLOC_TEST_BUG: the model
// must find each, and shrink the operations to the few that show it.
#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "model/subject.h"
#include "support/process.h"

namespace ralloc_test {
namespace {

bool has_bug(std::string_view bug) {
  const char* chosen = std::getenv("RALLOC_TEST_BUG");
  return chosen != nullptr && chosen == bug;
}

// Memory is handed out once and never again; before each block lies its size.
struct alignas(16) Header {
  std::size_t size;
};

constexpr std::size_t kArea = std::size_t{16} << 30;

std::atomic<std::uintptr_t> top{0};
std::atomic<std::size_t> held{0};
std::atomic<unsigned char*> earlier{nullptr};  // a block for the bug `overlap`
std::atomic<unsigned> measured{0};

std::uintptr_t map_area() {
  void* area = mmap(nullptr, kArea, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(area != MAP_FAILED);
  return reinterpret_cast<std::uintptr_t>(area);
}

Header& header_of(void* block) { return static_cast<Header*>(block)[-1]; }
std::size_t rounded(std::size_t size) { return (size + 15) / 16 * 16; }

void* carve(std::size_t size, std::size_t align) {
  static const std::uintptr_t area = map_area();
  if (align < sizeof(Header)) align = sizeof(Header);
  const std::size_t most = sizeof(Header) + align + rounded(size);
  const std::uintptr_t begin = area + top.fetch_add(most, std::memory_order_relaxed);
  REQUIRE(begin + most <= area + kArea);
  return reinterpret_cast<void*>((begin + sizeof(Header) + align - 1) / align * align);
}

void* allocate(std::size_t size, std::size_t align) {
  if (has_bug("null") && size / 1000 == 12) return nullptr;
  auto* block = static_cast<unsigned char*>(carve(size, align));
  if (has_bug("alignment") && align >= 4096) block += sizeof(Header);
  if (has_bug("overlap") && size / 100 == 10 && align <= 16) {
    unsigned char* other = earlier.exchange(block, std::memory_order_relaxed);
    if (other != nullptr) block = other + 512;
  }
  header_of(block).size = size;
  held.fetch_add(rounded(size), std::memory_order_relaxed);
  return block;
}

void free_it(void* block, std::size_t size, std::size_t) {
  if (has_bug("abort") && size / 1000 == 7) std::abort();
  if (has_bug("statistics") && size > 100000) return;
  if (earlier.load(std::memory_order_relaxed) == block) {
    earlier.store(nullptr, std::memory_order_relaxed);
  }
  held.fetch_sub(rounded(header_of(block).size), std::memory_order_relaxed);
}

void* resize(void* block, std::size_t old_size, std::size_t size, std::size_t align) {
  auto* fresh = static_cast<unsigned char*>(allocate(size, align));
  std::size_t kept = old_size < size ? old_size : size;
  if (has_bug("contents") && size > 2000 && kept > 100) --kept;
  std::memcpy(fresh, block, kept);
  free_it(block, old_size, align);
  return fresh;
}

std::size_t usable_size(void* block) {
  const std::size_t size = header_of(block).size;
  if (has_bug("usable") && size / 100 == 5) {
    return rounded(size) + 16 * (measured.fetch_add(1, std::memory_order_relaxed) % 2);
  }
  return rounded(size);
}

constexpr AllocateWay kAllocateWays[] = {
    {"allocate(SIZE, ALIGN)", allocate, kPlain, true},
    {"allocate_zeroed(SIZE)",
     [](std::size_t size, std::size_t) {
       void* block = allocate(size, 1);
       if (has_bug("zeros") && size / 1000 == 2) static_cast<char*>(block)[size - 1] = 1;
       return block;
     },
     kPlain, false, true},
};
constexpr FreeWay kFreeWays[] = {{"free(BLOCK)", free_it, kPlain}};
constexpr ResizeWay kResizeWays[] = {{"resize(BLOCK, SIZE, ALIGN)", resize, kPlain, 0, true}};

}  // namespace

constinit const Subject subject = {
    kAllocateWays, kFreeWays, kResizeWays, usable_size, false,
    [] { return held.load(std::memory_order_relaxed); }, 0,
    [] { return !(has_bug("validity") && held.load(std::memory_order_relaxed) > 100000); }, [] {},
};

}  // namespace ralloc_test
