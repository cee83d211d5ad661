// The rest of the malloc ABI and of the operators, used well.
#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

extern "C" {
void free_sized(void* block, std::size_t size);
void free_aligned_sized(void* block, std::size_t align, std::size_t size);
void* __libc_malloc(std::size_t size);
void __libc_free(void* block);
}

namespace ralloc_test {

void use_more() {
  std::map<int, std::string> words;
  for (int i = 0; i < 500; ++i) words[i] = std::string(std::size_t(i), 'x');
  std::vector<std::unique_ptr<int[]>> arrays;
  for (std::size_t i = 0; i < 200; ++i) arrays.emplace_back(new int[i + 1]());
  struct alignas(128) Wide {
    char bytes[300];
  };
  for (int i = 0; i < 50; ++i) delete new Wide;
  ::operator delete(::operator new(10, std::nothrow), std::nothrow);
  // What the block has is the program's.
  void* block = std::malloc(100);
  std::memset(block, 1, malloc_usable_size(block));
  std::free(block);
  block = std::aligned_alloc(64, 640);
  std::memset(block, 1, 640);
  std::free(std::realloc(block, 64'000));
  std::free(valloc(100));
  block = reallocarray(nullptr, 10, 10);
  std::memset(block, 1, 100);
  std::free(block);
  std::free(std::malloc(0));
  free_sized(std::malloc(50), 50);
  free_aligned_sized(std::aligned_alloc(32, 64), 32, 64);
  std::free(pvalloc(5000));
  block = __libc_malloc(30);
  std::free(block);
  block = std::malloc(30);
  __libc_free(block);
  malloc_trim(0);
}

}  // namespace ralloc_test
