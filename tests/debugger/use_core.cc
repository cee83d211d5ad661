// Parts, any alignment, resizing in place and containers, used well.
#include <ralloc/ralloc.h>

#include <cstdlib>
#include <cstring>
#include <list>
#include <map>
#include <string>
#include <vector>

namespace ralloc_test {

namespace {

void parts(std::size_t size) {
  char* block = static_cast<char*>(ralloc::alloc(size));
  std::memset(block, 1, size);
  const std::size_t part = size / 7;
  // Every second, then the others; what is left is used meanwhile.
  for (std::size_t i = 0; i < 7; i += 2) {
    const std::size_t end = i == 6 ? size : (i + 1) * part;
    ralloc::free(block + i * part, end - i * part);
  }
  for (std::size_t i = 1; i < 7; i += 2) {
    // What was freed beside it has left the contents as they were.
    if (block[i * part] != 1 || block[(i + 1) * part - 1] != 1) std::abort();
    std::memset(block + i * part, int(i), part);
    // Into what was freed behind it, if it may.
    std::size_t has = part;
    if (ralloc::inplace_realloc(block + i * part, part, part + 3)) has += 3;
    std::memset(block + i * part, int(i), has);
    ralloc::free(block + i * part, has);
  }
}

void in_place(std::size_t size) {
  char* block = static_cast<char*>(ralloc::alloc(size));
  std::memset(block, 1, size);
  for (int i = 0; i < 10; ++i) {
    const std::size_t got =
        ralloc::inplace_realloc_at_least(block, size, size, size + size / 10 + 1);
    std::memset(block, 2, got);
    size = got;
    if (ralloc::inplace_realloc(block, size, size - size / 20)) size -= size / 20;
    std::memset(block, 3, size);
  }
  const ralloc::SizedPointer more = ralloc::alloc_at_least(size);
  std::memset(more.ptr, 4, more.size);
  ralloc::free(more.ptr, more.size);
  ralloc::free(block, size);
}

void alignments() {
  for (std::size_t align = 1; align < 200; align += 7) {
    for (const std::size_t size : {0, 1, 50, 1000, 40'000, 200'000}) {
      void* block = ralloc::alloc(size, align);
      std::memset(block, 1, size);
      ralloc::free(block, size);
    }
  }
}

}  // namespace

void use_more() {
  for (const std::size_t size : {70, 200, 1000, 5000, 30'000, 100'000, 500'000}) {
    parts(size);
    in_place(size);
  }
  alignments();
  std::map<int, int, std::less<int>, ralloc::allocator<std::pair<const int, int>>> numbers;
  for (int i = 0; i < 1000; ++i) numbers[i] = i;
  std::vector<std::string> words;
  std::vector<double, ralloc::allocator<double>> grown;
  for (int i = 0; i < 20'000; ++i) grown.push_back(i);
  std::pmr::list<std::pmr::string> list(ralloc::resource());
  for (int i = 0; i < 100; ++i) list.emplace_back(std::size_t(i), 'x');
  ralloc::Block block = ralloc::Block::alloc(3000);
  ralloc::Block tail = block.split(1000);
  std::memset(tail.data(), 1, tail.size());
  tail.free();
  block.resize(70'000);
  std::memset(block.data(), 1, block.size());
}

}  // namespace ralloc_test
