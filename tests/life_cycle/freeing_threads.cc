// Threads that only free what another thread allocated, and threads whose blocks outlive
// them: nothing may pile up on either side.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "support/process.h"

namespace {

using ralloc_test::kMiB;
using ralloc_test::Random;

struct Block {
  unsigned char* begin;
  std::size_t size;
  unsigned char tag;
};

std::vector<Block> allocate(std::uint64_t seed) {
  Random random(seed);
  std::vector<Block> blocks;
  for (int i = 0; i < 400; ++i) {
    const std::size_t size = 1 + random.below(std::size_t{1} << (4 + random.below(13)));
    auto* begin = static_cast<unsigned char*>(std::malloc(size));
    REQUIRE(begin != nullptr);
    const auto tag = static_cast<unsigned char>(random.next());
    std::memset(begin, tag, size);
    blocks.push_back({begin, size, tag});
  }
  return blocks;
}

// Allocates nothing: `blocks` stays with its owner.
void check_and_free(const std::vector<Block>& blocks) {
  for (const Block& block : blocks) {
    REQUIRE(ralloc_test::is_filled(block.begin, block.size, block.tag));
    std::free(block.begin);
  }
}

void main_allocates_thread_frees(std::uint64_t seed) {
  const std::vector<Block> blocks = allocate(seed);
  std::thread(check_and_free, std::cref(blocks)).join();
}

void thread_allocates_main_frees(std::uint64_t seed) {
  std::vector<Block> blocks;
  std::thread([&] { blocks = allocate(seed); }).join();
  check_and_free(blocks);
}

void run_rounds(std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t seed = begin; seed < end; ++seed) {
    main_allocates_thread_frees(seed);
    thread_allocates_main_frees(seed);
  }
}

// Lives on with blocks that it freed for others: they must be anyone's again meanwhile.
void one_thread_frees_for_ever_changing_owners() {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::vector<Block> first;
    std::vector<Block> second;
    std::thread a([&] { first = allocate(2 * seed); });
    std::thread b([&] { second = allocate(2 * seed + 1); });
    a.join();
    b.join();
    check_and_free(first);
    check_and_free(second);
  }
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  run_rounds(0, 100);
  one_thread_frees_for_ever_changing_owners();
  const std::size_t before = ralloc_test::resident_bytes();
  run_rounds(100, 700);
  one_thread_frees_for_ever_changing_owners();
  const std::size_t after = ralloc_test::resident_bytes();
  std::fprintf(stderr, "resident: %zu KiB, then %zu KiB\n", before / 1024, after / 1024);
  // Each round brings about 2 MB.
  REQUIRE(after < before + 8 * kMiB);
  return 0;
}
