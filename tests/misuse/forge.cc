// Writes pointers over freed blocks, then requires that no block that is handed out lies where
// they point, nor overlaps another. Usage: forge WAY TARGET SIZE
//
// Memory that the program has for itself, and live blocks: that is what an attacker would like
// to be given. Status 1: he was.
#include <sys/mman.h>

#include "calls.h"

namespace {

constexpr std::size_t kTarget = std::size_t{1} << 20, kFreed = 1000, kFresh = 4000;
constexpr std::size_t kBytes = std::size_t{1} << 22;  // at most so much of a size
alignas(65536) char static_bytes[kTarget];
char *target, *target_end;
std::size_t size;
const char* target_name;
void *live, *freed[kFreed], *fresh[kFresh];
std::size_t sizes[kFresh];
std::size_t freed_count = 0, fresh_count = 0;

void fill(void* block, std::size_t bytes, std::uintptr_t word) {
  char* const to = static_cast<char*>(hidden(block));
  for (std::size_t i = 0; i + sizeof word <= bytes; i += sizeof word) {
    std::memcpy(to + i, &word, sizeof word);
  }
}
bool is_full_of(const void* block, std::size_t bytes, std::uintptr_t word) {
  for (std::size_t i = 0; i + sizeof word <= bytes; i += sizeof word) {
    if (std::memcmp(static_cast<const char*>(block) + i, &word, sizeof word) != 0) return false;
  }
  return true;
}

void choose_target(char* stack_bytes) {
  live = get(size);
  fill(live, size, 0x11);
  target = std::strcmp(target_name, "stack") == 0    ? stack_bytes
           : std::strcmp(target_name, "static") == 0 ? static_bytes
           : std::strcmp(target_name, "live") == 0   ? static_cast<char*>(live)
                                                     : static_cast<char*>(mmap(
                                                           nullptr, kTarget, PROT_READ | PROT_WRITE,
                                                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  target_end = target + (target == live ? size : kTarget);
}

// Each freed block names the target in each of its words, or itself.
void plant() {
  const bool is_self = std::strcmp(target_name, "self") == 0;
  for (std::size_t i = 0; i < freed_count; ++i) {
    char* const at = is_self ? static_cast<char*>(freed[i]) : target + kTarget / 4;
    fill(freed[i], size, reinterpret_cast<std::uintptr_t>(target == live ? live : at));
  }
}

void take(std::size_t bytes, std::size_t most) {
  for (std::size_t i = 0; i < most && i * bytes < kBytes && fresh_count < kFresh; ++i) {
    char* const block = static_cast<char*>(get(bytes));
    const bool is_outside = block + bytes <= target || target_end <= block;
    require(is_outside, "a block was forged");
    sizes[fresh_count] = bytes;
    fresh[fresh_count++] = block;
  }
}

void take_all() {
  take(size, kFresh / 2);
  take(2 * size, kFresh / 8);
  take(size / 2 + 1, kFresh / 8);
  take(16, kFresh / 8);
  // Nothing is written before all are here: a list in freed blocks would be mended by it.
  for (std::size_t i = 0; i < fresh_count; ++i) fill(fresh[i], sizes[i], i);
  for (std::size_t i = 0; i < fresh_count; ++i) {
    require(is_full_of(fresh[i], sizes[i], i), "two blocks overlap");
  }
  require(is_full_of(live, size, 0x11), "a block overlaps a live one");
}

void put_all() {
  while (fresh_count > 0) {
    --fresh_count;
    put(fresh[fresh_count], sizes[fresh_count]);
  }
}

void put_freed() {
  for (std::size_t i = 0; i < freed_count; ++i) put(suspect(freed[i]), size);
}

// Every `step`-th of the blocks is to be freed.
void get_blocks(std::size_t step) {
  for (std::size_t i = 0; i < kFreed && i * size < kBytes; ++i) {
    void* const block = get(size);
    if (i % step == 0) freed[freed_count++] = block;
  }
}

void here() {
  get_blocks(1);
  put_freed();
}
void every_second() {
  get_blocks(2);
  put_freed();
}
void there() {
  get_blocks(1);
  in_thread(put_freed);
}

// What is free comes home in between.
void take_here_and_there() {
  take_all();
  put_all();
  in_thread(take_all);
  in_thread(put_all);
  take_all();
  put_all();
}

}  // namespace

int main(int argc, char** argv) {
  char stack_bytes[kTarget];
  size = size_argument(argc, argv, 3);
  target_name = argv[2];
  std::memset(hidden(stack_bytes), 0, sizeof stack_bytes);
  choose_target(static_cast<char*>(hidden(stack_bytes)));
  const int rc = run_way({{"here", here}, {"every_second", every_second}, {"there", there}},
                         argc, argv);
  if (rc != 0) return rc;
  plant();
  still_alive();
  take_here_and_there();
  return 0;
}
