// Loads the library at run time, beside the C library's malloc, which stays in charge of all
// else: its static TLS finds room, threads that began before can use it, and closing it does
// not pull it from under threads that hold its blocks and end later.
// Usage: load_library LIBRALLOC
#include <pthread.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "support/process.h"

namespace {

struct Allocator {
  void* (*allocate)(std::size_t);
  void (*free)(void*);
};

Allocator open_library(const char* file, void** handle) {
  *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (*handle == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  REQUIRE(*handle != nullptr);
  const Allocator found = {
      reinterpret_cast<void* (*)(std::size_t)>(dlsym(*handle, "malloc")),
      reinterpret_cast<void (*)(void*)>(dlsym(*handle, "free")),
  };
  REQUIRE(ralloc_test::is_in_ralloc(reinterpret_cast<void*>(found.allocate)));
  REQUIRE(ralloc_test::is_in_ralloc(reinterpret_cast<void*>(found.free)));
  return found;
}

void use(const Allocator& allocator) {
  std::vector<void*> blocks;
  for (std::size_t size = 1; size < 200000; size += 1 + size / 3) {
    void* block = allocator.allocate(size);
    REQUIRE(block != nullptr);
    std::memset(block, 1, size);
    blocks.push_back(block);
  }
  for (void* block : blocks) allocator.free(block);
}

Allocator loaded;
pthread_barrier_t is_loaded;
pthread_barrier_t is_used;
pthread_barrier_t is_closed;

void live_across_load_and_close() {
  pthread_barrier_wait(&is_loaded);
  use(loaded);
  void* kept = loaded.allocate(100);
  pthread_barrier_wait(&is_used);
  pthread_barrier_wait(&is_closed);
  std::memset(kept, 2, 100);
  loaded.free(kept);
  use(loaded);
}

}  // namespace

int main(int argc, char** argv) {
  REQUIRE(argc == 2);
  REQUIRE(!ralloc_test::malloc_is_ralloc());
  constexpr int kThreads = 3;
  for (pthread_barrier_t* barrier : {&is_loaded, &is_used, &is_closed}) {
    REQUIRE(pthread_barrier_init(barrier, nullptr, kThreads + 1) == 0);
  }
  std::thread threads[kThreads];
  for (std::thread& each : threads) each = std::thread(live_across_load_and_close);
  void* handle;
  loaded = open_library(argv[1], &handle);
  use(loaded);
  pthread_barrier_wait(&is_loaded);
  std::thread(use, loaded).join();
  pthread_barrier_wait(&is_used);
  REQUIRE(dlclose(handle) == 0);
  use(loaded);
  pthread_barrier_wait(&is_closed);
  for (std::thread& each : threads) each.join();

  for (int i = 0; i < 100; ++i) {
    const Allocator again = open_library(argv[1], &handle);
    REQUIRE(again.allocate == loaded.allocate);
    use(again);
    std::thread(use, again).join();
    REQUIRE(dlclose(handle) == 0);
  }
  REQUIRE(!ralloc_test::malloc_is_ralloc());
  return 0;
}
