// Gets blocks with more mappings than a process may have (65530), in case each has a guard behind it.
// Usage: use_many SIZE
#include "calls.h"

int main(int argc, char** argv) {
  const std::size_t size = size_argument(argc, argv, 1);
  constexpr std::size_t kBlocks = 40000;
  static void* blocks[kBlocks];
  for (void*& block : blocks) require((block = get(size)) != nullptr, "no block was to be had");
  for (void* block : blocks) put(block, size);
}
