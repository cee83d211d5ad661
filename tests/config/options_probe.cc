// Shows what the options in force do, by nothing but calls of malloc and free. options.py says
// what is expected.
//
// Usage: options_probe [decay]. Prints one `name number` a line.
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "support/build.h"

namespace {

// Before the library's constructor, if the program is linked with it.
void* const before_main = std::malloc(100);

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kLarge = kMiB + 65536;  // more than a thread keeps

std::size_t dirty_bytes() { return mallinfo2().keepcost; }

// What is free and has backing after so many blocks were written and freed.
std::size_t dirty_after(std::size_t blocks, std::size_t size) {
  malloc_trim(0);
  std::vector<void*> all(blocks);
  for (void*& block : all) block = std::memset(std::malloc(size), 1, size);
  for (void* block : all) std::free(block);
  return dirty_bytes();
}

// What is still dirty of eight blocks that do not touch, when they are older than a second and
// one thread has looked at the clock once.
std::size_t dirty_after_one_look() {
  constexpr std::size_t kBlocks = 8;
  void* blocks[2 * kBlocks + 1];
  for (void*& block : blocks) block = std::memset(std::malloc(kLarge), 1, kLarge);
  malloc_trim(0);
  for (std::size_t i = 0; i < kBlocks; ++i) std::free(blocks[2 * i + 1]);
  std::this_thread::sleep_for(std::chrono::milliseconds(1500));
  void* const looks = std::malloc(kLarge);
  std::free(looks);
  return dirty_bytes();
}

// Threads of different shards take their blocks from different pages; those of one, from the
// same if they come one after another.
std::size_t pages_of_threads(unsigned threads) {
  std::set<std::uintptr_t> pages;
  std::vector<void*> blocks(threads);
  std::mutex turn;
  std::barrier all_have_one(threads);
  std::vector<std::thread> crew;
  for (void*& block : blocks) {
    crew.emplace_back([&] {
      {
        std::lock_guard one_after_another(turn);
        block = std::malloc(1000);  // of a size whose spans have one page
      }
      all_have_one.arrive_and_wait();
    });
  }
  for (std::thread& thread : crew) thread.join();
  for (void* block : blocks) {
    pages.insert(reinterpret_cast<std::uintptr_t>(block) / 65536);
    std::free(block);
  }
  return pages.size();
}

// The options are those of the start: a child that is forked says nothing more about them.
int status_of_child() {
  setenv("RALLOC_OPTIONS", "colour=green", 1);
  const pid_t child = fork();
  if (child == 0) {
    std::thread([] { std::free(std::malloc(30 * kMiB)); }).join();
    _exit(0);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

int main(int count, char**) {
  // Large blocks of the security build count as dirty where so many have guards already that no
  // more may have.
  std::vector<void*> guarded(ralloc_test::kSecureBuild ? 16384 : 0);
  for (void*& block : guarded) block = std::malloc(40'000);
  if (count > 1) {
    std::printf("decayed %zu\n", dirty_after_one_look());
    return 0;
  }
  std::printf("secure %lu\n", getauxval(AT_SECURE));
  std::printf("large %zu\n", dirty_after(1, kLarge));
  std::printf("larges %zu\n", dirty_after(12, kLarge));
  std::printf("mediums %zu\n", dirty_after(96, 30'000));
  std::printf("pages %zu\n", pages_of_threads(6));
  std::printf("child %d\n", status_of_child());
  std::free(before_main);
}
