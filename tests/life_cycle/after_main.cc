// Frees and allocates at every moment after main. The last of them ends the process with
// success; should one be missing, main's own result, a failure, stands.
#include <pthread.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/kept_blocks.h"
#include "support/process.h"

namespace {

using ralloc_test::KeptBlocks;

enum Moment { kOwnThreadLocal, kAtexit, kOnExit, kStaticDestructor, kLastDestructor, kMoments };
// Each moment frees what main allocated for it, and leaves blocks for the next one.
constinit KeptBlocks from_main[kMoments];
constinit KeptBlocks from_moment_before[kMoments + 1];
constinit int moments_reached = 0;

void reach(Moment moment) {
  REQUIRE(moments_reached == moment);
  ++moments_reached;
  from_main[moment].check_and_free();
  from_moment_before[moment].check_and_free();
  from_moment_before[moment + 1].allocate(static_cast<unsigned char>(100 + moment));
  // Threads may still start, and die, during exit.
  std::thread([] {
    KeptBlocks own;
    own.allocate(99);
    own.check_and_free();
  }).join();
}

struct OwnThreadLocal {
  ~OwnThreadLocal() { reach(kOwnThreadLocal); }
  std::string text = std::string(100, 't');
};

struct StaticObject {
  ~StaticObject() {
    for (const std::string& each : strings) REQUIRE(each == std::string(50, 'x'));
    reach(kStaticDestructor);
  }
  std::vector<std::string> strings = std::vector<std::string>(100, std::string(50, 'x'));
};
StaticObject static_object;

// Runs after the destructors of static objects.
[[gnu::destructor(101)]] void last() {
  reach(kLastDestructor);
  from_moment_before[kMoments].check_and_free();
  _exit(moments_reached == kMoments ? 0 : 1);
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  thread_local OwnThreadLocal own;
  REQUIRE(own.text.size() == 100);
  for (KeptBlocks& blocks : from_main) blocks.allocate(7);
  from_moment_before[0].allocate(8);
  // Handlers run in reverse order.
  on_exit([](int, void* block) {
    reach(kOnExit);
    std::free(block);
  }, std::malloc(100));
  std::atexit([] { reach(kAtexit); });
  return 1;
}
