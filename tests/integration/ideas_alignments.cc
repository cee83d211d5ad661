// Alignments that nobody needs, and growth that keeps them.
#include <cstddef>

#include "integration/ideas.h"

namespace ralloc_test {
namespace {

// Blocks of one kind, grown and shrunk side by side.
void blocks_at(const Steps& steps, std::size_t many, std::size_t size, std::size_t align) {
  Vector<Bytes> blocks;
  for (std::size_t i = 0; i < many; ++i) blocks.emplace_back(size, align);
  steps.between(blocks);
  for (std::size_t i = 0; i < many; ++i) blocks[i].resize(size + i % 100);
  steps.between(blocks);
  for (std::size_t i = 0; i < many; i += 2) blocks[i].free();
  for (std::size_t i = 0; i < many; i += 2) blocks[i] = Bytes(size / 2 + 1, align);
  steps.between(blocks);
  for (Bytes& block : blocks) block.resize(2 * size);
}

}  // namespace

void thirty_bytes_at_three(const Steps& steps) {
  blocks_at(steps, steps.of(1'000), 30, 3);
  Bytes growing(30, 3);
  for (std::size_t size = 31; size < 400; ++size) growing.resize(size);
}

void five_hundred_bytes_at_twenty(const Steps& steps) {
  blocks_at(steps, steps.of(400), 500, 20);
  Bytes growing(500, 20);
  for (std::size_t size = 500; size < 3'000; size += 20) growing.resize(size);
}

void every_small_alignment(const Steps& steps) {
  for (std::size_t align = 1; align < 5'000; align += align < 64 ? 1 : align / 11) {
    Vector<Bytes> blocks;
    for (const std::size_t size : {1, 30, 200, 1'100}) blocks.emplace_back(size, align);
    blocks.emplace_back(align, align);
    steps.between(blocks);
    for (Bytes& block : blocks) block.resize(block.size() + align);
  }
}

void large_blocks_at_odd_alignments(const Steps& steps) {
  for (const std::size_t align : {3, 48, 1'000, 4'097, 12'288, 100'000, 3 * 65'536}) {
    Vector<Bytes> blocks;
    for (const std::size_t size : {33'000, 70'000}) blocks.emplace_back(size, align);
    steps.between(blocks);
    for (Bytes& block : blocks) block.resize(block.size() + 20'000);
    steps.between(blocks);
    for (Bytes& block : blocks) block.resize(100);
  }
}

}  // namespace ralloc_test
