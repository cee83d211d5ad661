// More large blocks than may have inaccessible pages around them, and spans between them: none is
// refused, and the process keeps mappings for itself. Then all are freed, and it begins anew.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "support/process.h"

namespace {

constexpr int kBlocks = 30'000;
constexpr std::size_t kLarge = 40'000;
constexpr std::size_t kMappingsMost = 50'000;  // of the 65530 that Linux allows

std::size_t mappings() {
  std::FILE* const maps = std::fopen("/proc/self/maps", "r");
  REQUIRE(maps != nullptr);
  std::size_t lines = 0;
  for (int c; (c = std::fgetc(maps)) != EOF;) lines += c == '\n';
  std::fclose(maps);
  return lines;
}

void run_round(std::vector<unsigned char*>& blocks) {
  for (int i = 0; i < kBlocks; ++i) {
    const std::size_t size = i % 2 == 0 ? kLarge : 1 + std::size_t(i) % 2000;
    auto* const block = static_cast<unsigned char*>(std::malloc(size));
    REQUIRE(block != nullptr);
    block[0] = block[size - 1] = static_cast<unsigned char>(i);
    blocks.push_back(block);
    auto* const large = static_cast<unsigned char*>(std::malloc(kLarge));
    REQUIRE(large != nullptr);
    large[0] = static_cast<unsigned char>(i);
    blocks.push_back(large);
  }
  REQUIRE(mappings() < kMappingsMost);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    REQUIRE(blocks[i][0] == static_cast<unsigned char>(i / 2));
    std::free(blocks[i]);
  }
  blocks.clear();
}

}  // namespace

int main() {
  std::vector<unsigned char*> blocks;
  blocks.reserve(2 * kBlocks);
  run_round(blocks);
  run_round(blocks);
}
