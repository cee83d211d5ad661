// Programs whose calls the log is to tell of: `log_program SCENE`. What they print is checked
// too: it is the same without the library.
//
// Each scene does something of which log_test.py knows the lines.
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

#include <malloc.h>

#include "support/process.h"

using ralloc_test::kMiB;
using ralloc_test::opaque;

namespace {

void* take(std::size_t size) {
  void* block = opaque(malloc(opaque(size)));
  REQUIRE(block != nullptr);
  memset(block, 0x5a, size < 4096 ? size : 4096);
  return block;
}

std::vector<void*> take_many(std::size_t n, std::size_t size) {
  std::vector<void*> blocks(n);
  for (void*& block : blocks) block = take(size);
  return blocks;
}
void give(const std::vector<void*>& blocks) {
  for (void* block : blocks) free(block);
}

// Every call of the ABI once, or nearly.
void calls() {
  free(take(208));
  void* p = calloc(3, opaque(7));
  p = realloc(p, opaque(100));
  REQUIRE(malloc_usable_size(p) >= 100);
  free(p);
  REQUIRE(posix_memalign(&p, 64, opaque(200)) == 0);
  free(p);
  free(aligned_alloc(4096, opaque(4096)));
  ::operator delete(opaque(::operator new(opaque(33))), std::size_t{33});
  REQUIRE(opaque(calloc(SIZE_MAX / 2, opaque(3))) == nullptr);
  REQUIRE(mallopt(M_MXFAST, 0) == 1);
  REQUIRE(dlopen(nullptr, RTLD_NOW | RTLD_DEEPBIND) != nullptr);
}

// Blocks of every kind go and come: magazines grow, spans come and go, runs are merged.
void pools() {
  give(take_many(5000, 64));
  give(take_many(2000, 1024));
  void* large = take(3 * kMiB);
  void* behind = take(kMiB);
  large = realloc(large, opaque(20 * kMiB));
  free(behind);
  free(large);
  // At home in another thread's shard, and given by this one.
  std::vector<void*> others;
  std::thread([&] { others = take_many(2000, 48); }).join();
  give(others);
  REQUIRE(malloc_trim(0) == 1);
  REQUIRE(opaque(malloc(opaque(std::size_t{1} << 50))) == nullptr);
}

void threads() {
  std::vector<std::thread> all;
  for (unsigned i = 0; i < 8; ++i) {
    all.emplace_back([] {
      for (unsigned round = 0; round < 20; ++round) give(take_many(50, 16 + 16 * round));
    });
  }
  for (std::thread& one : all) one.join();
}

void in_child() {
  free(take(100));
  const pid_t child = fork();
  if (child == 0) {
    free(take(1000));
    _exit(0);
  }
  int status = 1;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);
}

// A destructor that runs after the pool's of the thread are gone, perhaps.
void at_thread_end() {
  static pthread_key_t key;
  static unsigned rounds;
  rounds = 0;
  REQUIRE(pthread_key_create(&key, [](void* block) {
            free(block);
            if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS) pthread_setspecific(key, take(320));
          }) == 0);
  std::thread([] { pthread_setspecific(key, take(320)); }).join();
}

void double_free() {
  void* block = take(48);
  std::printf("%p\n", block);
  std::fflush(stdout);
  free(block);
  free(opaque(block));
}

// The target is closed in the middle of it all.
void close_target() {
  free(take(100));
  close(2);
  pools();
}

[[gnu::constructor(101)]] void before_main() { free(take(12345)); }

struct Scene {
  const char* name;
  void (*play)();
};
constexpr Scene kScenes[] = {
    {"calls", calls},     {"pools", pools},   {"threads", threads},
    {"child", in_child},  {"end", at_thread_end}, {"double_free", double_free},
    {"close", close_target},
};

}  // namespace

int main(int, char** arguments) {
  for (const Scene& scene : kScenes) {
    if (std::strcmp(scene.name, arguments[1]) != 0) continue;
    scene.play();
    std::puts("done");
    return 0;
  }
  return 2;
}
