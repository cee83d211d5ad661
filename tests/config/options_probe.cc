// Shows what the options in force do, by nothing but calls of malloc and free. options.py says
// what is expected.
//
// Usage: options_probe. Prints one `name number` a line.
#include <malloc.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace {

// Before the library's constructor, if the program is linked with it.
void* const before_main = std::malloc(100);

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::size_t dirty_bytes() { return mallinfo2().keepcost; }

// What is free and has backing after so many blocks were written and freed.
std::size_t dirty_after(std::size_t blocks, std::size_t size) {
  malloc_trim(0);
  std::vector<void*> all(blocks);
  for (void*& block : all) block = std::memset(std::malloc(size), 1, size);
  for (void* block : all) std::free(block);
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

int main() {
  std::printf("secure %lu\n", getauxval(AT_SECURE));
  std::printf("large %zu\n", dirty_after(1, kMiB));
  std::printf("larges %zu\n", dirty_after(12, kMiB));
  std::printf("mediums %zu\n", dirty_after(96, 32 * 1024));
  std::printf("pages %zu\n", pages_of_threads(6));
  std::printf("child %d\n", status_of_child());
  std::free(before_main);
}
