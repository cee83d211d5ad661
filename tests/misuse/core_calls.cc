// Correct use of the C++ API. Usage: core_calls WAY
#include <ralloc/ralloc.h>

#include <map>
#include <string>
#include <vector>

#include "calls.h"

namespace {

constexpr std::size_t kSizes[] = {1, 15, 16, 17, 100, 1000, 1024, 1025, 5000, 32768, 100000};

char* filled(std::size_t size, std::size_t align) {
  return static_cast<char*>(std::memset(ralloc::alloc(size, align), 1, size));
}

// Byte by byte at first, from both ends.
void parts() {
  for (const std::size_t size : kSizes) {
    char* block = filled(size, 16);
    std::size_t begin = 0, end = size;
    for (std::size_t step = 1; begin + 2 * step < end; step = step * 3 / 2 + 1) {
      ralloc::free(block + begin, step);
      ralloc::free(block + end - step, step);
      begin += step;
      end -= step;
    }
    ralloc::free(block + begin, end - begin);
  }
}

void any_alignment() {
  for (const std::size_t size : kSizes) {
    for (std::size_t align = 1; align < 200; align += 7) {
      char* const block = filled(size, align);
      require(reinterpret_cast<std::uintptr_t>(block) % align == 0, "a block is not aligned");
      ralloc::free(block, size);
    }
  }
}

void resized() {
  for (const std::size_t from : kSizes) {
    for (const std::size_t to : kSizes) {
      auto* block = static_cast<char*>(ralloc::realloc(filled(from, 16), from, to));
      const std::size_t kept = from < to ? from : to;
      for (std::size_t i = 0; i < kept; ++i) require(block[i] == 1, "contents are lost");
      std::memset(block, 2, to);
      ralloc::free(block, to);
    }
  }
}

void in_place() {
  for (const std::size_t size : kSizes) {
    std::size_t now = size;
    char* const block = filled(size, 16);
    for (const std::size_t wanted : {size / 2 + 1, size, size + 3, size + 100}) {
      if (ralloc::inplace_realloc(block, now, wanted)) now = wanted;
      std::memset(block, 3, now);
    }
    ralloc::free(block, now);
  }
}

void split_and_merged() {
  for (const std::size_t size : kSizes) {
    ralloc::Block block = ralloc::Block::alloc(size + 1, 16);
    ralloc::Block tail = block.split(size / 2 + 1);
    auto there = [&] { ralloc::Block gone = std::move(tail); };
    in_thread(there);
  }
}

void containers() {
  std::vector<int, ralloc::allocator<int>> numbers;
  for (int i = 0; i < 100000; ++i) numbers.push_back(i);
  std::pmr::map<int, std::pmr::string> words(ralloc::resource());
  for (int i = 0; i < 1000; ++i) words[i] = std::pmr::string(std::size_t(i), 'x');
  require(numbers[99999] == 99999 && words[999].size() == 999, "contents are lost");
}

}  // namespace

int main(int argc, char** argv) {
  return run_way({{"parts", parts},
                  {"any_alignment", any_alignment},
                  {"resized", resized},
                  {"in_place", in_place},
                  {"split_and_merged", split_and_merged},
                  {"containers", containers}},
                 argc, argv);
}
