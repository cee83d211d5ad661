// Closes a plugin that has ralloc in it while threads hold its blocks, and then end.
// Usage: unload_plugin PLUGIN
#include <pthread.h>
#include <sys/wait.h>

#include <cstdio>
#include <thread>

#include "support/process.h"

namespace {

using Allocate = void*(std::size_t);
using Free = void(void*, std::size_t);

constexpr std::size_t kSize = 1000;

Allocate* allocate;
Free* free_there;

void open_and_use(const char* file, void** plugin) {
  *plugin = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (*plugin == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  REQUIRE(*plugin != nullptr);
  allocate = reinterpret_cast<Allocate*>(dlsym(*plugin, "plugin_allocate"));
  free_there = reinterpret_cast<Free*>(dlsym(*plugin, "plugin_free"));
  REQUIRE(allocate != nullptr && free_there != nullptr);
  free_there(allocate(kSize), kSize);
}

}  // namespace

int main(int argc, char** argv) {
  REQUIRE(argc == 2);
  REQUIRE(!ralloc_test::malloc_is_ralloc());
  void* plugin;
  open_and_use(argv[1], &plugin);
  void* kept = nullptr;
  pthread_barrier_t is_used, is_closed;
  REQUIRE(pthread_barrier_init(&is_used, nullptr, 2) == 0);
  REQUIRE(pthread_barrier_init(&is_closed, nullptr, 2) == 0);
  std::thread ends_later([&] {
    kept = std::memset(allocate(kSize), 1, kSize);
    pthread_barrier_wait(&is_used);
    pthread_barrier_wait(&is_closed);
  });
  pthread_barrier_wait(&is_used);
  REQUIRE(dlclose(plugin) == 0);
  pthread_barrier_wait(&is_closed);
  ends_later.join();

  // Its code for forked children is there as well.
  const pid_t child = fork();
  if (child == 0) _exit(0);
  int status = 1;
  REQUIRE(waitpid(child, &status, 0) == child && status == 0);

  // It is the same when it is opened again, and knows the block.
  Allocate* const before = allocate;
  open_and_use(argv[1], &plugin);
  REQUIRE(allocate == before);
  REQUIRE(static_cast<char*>(kept)[kSize - 1] == 1);
  free_there(kept, kSize);
  REQUIRE(dlclose(plugin) == 0);
  return 0;
}
