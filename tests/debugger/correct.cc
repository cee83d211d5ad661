// Does much, and nothing wrong: correct, under a debugger, which must say nothing.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/debugger/fault.h"

using namespace ralloc_test;

namespace ralloc_test {

volatile char sink;
void use_more();

}  // namespace ralloc_test

namespace {

void require(bool is_so, const char* what) {
  if (is_so) return;
  std::fprintf(stderr, "not so: %s\n", what);
  std::abort();
}

void fill_and_read(char* block, std::size_t size) {
  std::memset(block, 7, size);
  require(size == 0 || block[size - 1] == 7, "contents");
}

void sizes() {
  for (std::size_t size = 0; size < 300'000; size = size * 5 / 4 + 1) {
    char* block = obtain(size);
    fill_and_read(block, size);
    give_back(block, size);
    block = obtain_zeros(size + 1);
    require(block[size] == 0, "zeros");
    give_back(block, size + 1);
    for (std::size_t align = 16; align <= 4096; align *= 4) {
      char* aligned = obtain_aligned(size + 1, align);
      fill_and_read(aligned, size + 1);
      give_back(aligned, size + 1);
    }
  }
}

void resizing() {
  std::size_t size = 1;
  char* block = obtain(size);
  block[0] = 7;
  // What was written is there, and what was not may be written.
  for (const std::size_t next : {10, 17, 40, 39, 200, 1000, 900, 5000, 40'000, 39'999, 100'000,
                                 300'000, 3'000'000, 200'000, 30'000, 1'000, 3}) {
    block = resize(block, size, next);
    const std::size_t kept = size < next ? size : next;
    for (std::size_t i = 0; i < kept; i += 1 + kept / 100) require(block[i] == 7, "kept");
    require(block[kept - 1] == 7, "the last kept");
    std::memset(block, 7, next);
    size = next;
  }
  give_back(block, size);
}

void threads() {
  constexpr std::size_t kBlocks = 300;
  char* handed_over[kBlocks];
  std::thread([&] {
    for (std::size_t i = 0; i < kBlocks; ++i) fill_and_read(handed_over[i] = obtain(i), i);
  }).join();
  std::thread others[2];
  for (std::thread& other : others) {
    other = std::thread([] {
      for (std::size_t i = 0; i < 2000; ++i) {
        char* block = obtain(i % 500);
        fill_and_read(block, i % 500);
        give_back(block, i % 500);
      }
    });
  }
  for (std::size_t i = 0; i < kBlocks; ++i) give_back(handed_over[i], i);
  for (std::thread& other : others) other.join();
}

}  // namespace

int main() {
  sizes();
  resizing();
  threads();
  use_more();
  clean_stack();
}
