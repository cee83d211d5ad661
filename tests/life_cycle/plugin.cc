// A plugin for load_plugin.cc: allocates while it is loaded and unloaded, and in the
// destructors of thread-locals that live in it.
#include <string>
#include <vector>

#include "support/kept_blocks.h"
#include "support/process.h"

namespace {

constinit ralloc_test::KeptBlocks from_loading;

[[gnu::constructor]] void at_load() { from_loading.allocate(1); }
[[gnu::destructor]] void at_unload() { from_loading.check_and_free(); }

std::vector<std::string> strings(100, std::string(100, 'p'));

struct Local {
  std::string text = std::string(1000, 'l');
  ~Local() {
    std::vector<std::string> fresh(10, text);
    REQUIRE(fresh.back().size() == 1000);
  }
};

}  // namespace

extern "C" void* plugin_allocate(std::size_t size) {
  thread_local Local local;
  return local.text.size() == 1000 ? std::malloc(size) : nullptr;
}

extern "C" void plugin_free(void* block) { std::free(block); }

extern "C" std::size_t plugin_strings() { return strings.size() * strings.back().size(); }
