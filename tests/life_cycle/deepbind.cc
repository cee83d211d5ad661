// Loads a plugin with RTLD_DEEPBIND: which malloc it finds, and where it finds others.
// Usage: deepbind PLUGIN MOMENT ralloc|libc, where the last is whose malloc it is to find.
#include <pthread.h>

#include <cstdio>
#include <thread>
#include <vector>

#include "support/process.h"

namespace {

const char* file;
const char* moment;
bool is_rallocs;

constexpr int kFlags = RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND;
// In the directory that the plugin's RUNPATH names, and that no other object does.
constexpr const char* kOther = "libonly_by_runpath.so";

void* load(int flags) {
  void* const plugin = dlopen(file, flags);
  if (plugin == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  REQUIRE(plugin != nullptr);
  return plugin;
}

template <class Function>
Function* find(void* library, const char* name) {
  auto* const function = reinterpret_cast<Function*>(dlsym(library, name));
  REQUIRE(function != nullptr);
  return function;
}

void load_and_look(int flags) {
  void* const plugin = load(flags);
  REQUIRE(ralloc_test::is_in_ralloc(find<void*()>(plugin, "plugin_malloc")()) == is_rallocs);
  REQUIRE(dlclose(plugin) == 0);
}

// From the first instant on that a program can have code run.
void at_preinit(int argc, char** argv, char**) {
  REQUIRE(argc == 4);
  file = argv[1];
  moment = argv[2];
  is_rallocs = std::strcmp(argv[3], "ralloc") == 0;
  if (std::strcmp(moment, "preinit") == 0) load_and_look(kFlags);
}
[[gnu::used, gnu::section(".preinit_array")]] void (*preinit)(int, char**, char**) = at_preinit;

// All of them at once are the first.
void in_threads() {
  constexpr unsigned kThreads = 8;
  pthread_barrier_t all_are_there;
  REQUIRE(pthread_barrier_init(&all_are_there, nullptr, kThreads) == 0);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      pthread_barrier_wait(&all_are_there);
      load_and_look(kFlags);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void from_plugin() {
  REQUIRE(dlopen(kOther, RTLD_NOW) == nullptr);
  REQUIRE(std::strstr(dlerror(), kOther) != nullptr);
  void* const plugin = load(RTLD_NOW | RTLD_LOCAL);
  const auto load_there = find<void*(const char*, int)>(plugin, "plugin_load");
  for (const int flags : {RTLD_NOW, RTLD_LAZY, kFlags}) {
    void* const other = load_there(kOther, flags);
    if (other == nullptr) std::fprintf(stderr, "%s\n", dlerror());
    REQUIRE(other != nullptr);
    REQUIRE(find<int()>(other, "only_by_runpath")() == 42);
    REQUIRE(dlclose(other) == 0);
  }
  REQUIRE(dlclose(plugin) == 0);
}

// (takes_dlsym.cc is preloaded as well.) It says no, and does not go on to itself for ever.
void without_next() { REQUIRE(dlopen(file, RTLD_NOW) == nullptr); }

// What the other flags and arguments mean is as ever.
void other_calls() {
  void* const program = dlopen(nullptr, kFlags);
  REQUIRE(program != nullptr);
  REQUIRE(ralloc_test::is_in_ralloc(dlsym(program, "malloc")));
  REQUIRE(dlopen(file, RTLD_NOW | RTLD_NOLOAD | RTLD_DEEPBIND) == nullptr);
  REQUIRE(dlopen("/no/such.so", kFlags) == nullptr);
  REQUIRE(std::strstr(dlerror(), "/no/such.so") != nullptr);
  REQUIRE(dlopen(file, RTLD_DEEPBIND) == nullptr);  // neither lazy nor now
  void* const plugin = load(RTLD_LAZY | RTLD_GLOBAL | RTLD_DEEPBIND);
  REQUIRE(dlsym(RTLD_DEFAULT, "plugin_malloc") != nullptr);
  REQUIRE(dlclose(plugin) == 0);
  load_and_look(kFlags);
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  if (std::strcmp(moment, "threads") == 0) in_threads();
  if (std::strcmp(moment, "exit") == 0) std::atexit([] { load_and_look(kFlags); });
  if (std::strcmp(moment, "from_plugin") == 0) from_plugin();
  if (std::strcmp(moment, "without_next") == 0) without_next();
  if (std::strcmp(moment, "other_calls") == 0) other_calls();
  return 0;
}
