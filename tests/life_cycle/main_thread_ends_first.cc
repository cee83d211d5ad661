// The main thread ends with pthread_exit while others go on allocating; the last of them
// calls exit, from a thread that is not the first, while yet others allocate.
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "support/kept_blocks.h"
#include "support/process.h"

namespace {

using ralloc_test::KeptBlocks;

constinit KeptBlocks from_main;
constinit KeptBlocks from_exiting_thread;
pthread_t main_thread;

void* allocate_for_ever(void*) {
  for (;;) {
    KeptBlocks own;
    own.allocate(1);
    own.check_and_free();
  }
}

void at_exit() {
  from_exiting_thread.check_and_free();
  _exit(0);
}

void* end_the_process(void*) {
  REQUIRE(pthread_join(main_thread, nullptr) == 0);
  from_main.check_and_free();
  from_exiting_thread.allocate(3);
  std::exit(1);
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  std::atexit(at_exit);
  main_thread = pthread_self();
  from_main.allocate(2);
  pthread_t thread;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(pthread_create(&thread, nullptr, allocate_for_ever, nullptr) == 0);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  REQUIRE(pthread_create(&thread, nullptr, end_the_process, nullptr) == 0);
  pthread_exit(nullptr);
}
