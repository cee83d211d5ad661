// Loads and unloads a plugin again and again, and exchanges blocks with it across threads.
// Usage: load_plugin PLUGIN [deepbind]
#include <cstdio>
#include <thread>

#include "support/process.h"

namespace {

template <class Function>
Function find(void* library, const char* name) {
  auto function = reinterpret_cast<Function>(dlsym(library, name));
  REQUIRE(function != nullptr);
  return function;
}

void exchange_blocks(void* plugin) {
  const auto allocate = find<void* (*)(std::size_t)>(plugin, "plugin_allocate");
  const auto free_there = find<void (*)(void*)>(plugin, "plugin_free");
  for (const std::size_t size : {10, 1000, 50000, 1000000}) {
    void* theirs = allocate(size);
    void* ours = std::malloc(size);
    REQUIRE(theirs != nullptr && ours != nullptr);
    std::memset(theirs, 1, size);
    std::free(theirs);
    free_there(ours);
  }
}

}  // namespace

int main(int argc, char** argv) {
  REQUIRE(argc == 2 || (argc == 3 && std::strcmp(argv[2], "deepbind") == 0));
  REQUIRE(ralloc_test::malloc_is_ralloc());
  const int flags = RTLD_NOW | RTLD_LOCAL | (argc == 3 ? RTLD_DEEPBIND : 0);
  std::size_t resident = 0;
  for (int i = 0; i < 60; ++i) {
    void* plugin = dlopen(argv[1], flags);
    if (plugin == nullptr) std::fprintf(stderr, "%s\n", dlerror());
    REQUIRE(plugin != nullptr);
    REQUIRE(find<std::size_t (*)()>(plugin, "plugin_strings")() == 10000);
    // In a thread that ends: its thread-local object in there would keep the plugin loaded.
    std::thread(exchange_blocks, plugin).join();
    REQUIRE(dlclose(plugin) == 0);
    REQUIRE(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == nullptr);
    if (i == 10) resident = ralloc_test::resident_bytes();
  }
  REQUIRE(ralloc_test::resident_bytes() < resident + ralloc_test::kMiB);
  return 0;
}
