// Does calls of malloc that recording_test.py knows, one kind of them by the argument. Their sizes,
// of a million at least, tell them from those of the C++ library.
#include <malloc.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>
#include <thread>

namespace {

constexpr std::size_t kMillion = 1'000'000;

void each_call() {
  void* const a = std::malloc(kMillion + 1);
  void* const b = std::calloc(2, kMillion / 2 + 1);
  void* c = std::realloc(nullptr, kMillion + 3);
  c = std::realloc(c, kMillion + 4);
  void* const d = std::aligned_alloc(64, kMillion + 32);
  void* const e = memalign(4096, kMillion + 6);
  void* f = nullptr;
  if (posix_memalign(&f, 128, kMillion + 7) != 0) std::abort();
  void* const g = ::operator new(kMillion + 8);
  void* const h = ::operator new(kMillion + 9, std::align_val_t{256});
  if (std::malloc(SIZE_MAX / 2) != nullptr) std::abort();
  if (std::realloc(b, SIZE_MAX / 2) != nullptr) std::abort();
  std::free(nullptr);
  std::free(b);
  std::free(a);
  if (std::realloc(c, 0) != nullptr) std::abort();
  void* const i = valloc(kMillion + 10);
  for (void* block : {i, f, e, d}) std::free(block);
  ::operator delete(g);
  ::operator delete(h, std::align_val_t{256});
  // Never freed.
  void* const last = std::malloc(kMillion + 11);
  if (last == nullptr) std::abort();
}

// One thread allocates, the other frees in the same order; of a few sizes, so that addresses come
// again at once.
void hand_over() {
  constexpr unsigned kBlocks = 6000;
  constexpr unsigned kRoom = 8;
  std::atomic<void*> handed[kRoom] = {};
  std::thread other([&] {
    for (unsigned i = 0; i < kBlocks; ++i) {
      std::atomic<void*>& from = handed[i % kRoom];
      void* block;
      while ((block = from.exchange(nullptr, std::memory_order_acquire)) == nullptr) {
        std::this_thread::yield();
      }
      std::free(i % 3 == 0 ? std::realloc(block, 2 * kMillion + i) : block);
    }
  });
  for (unsigned i = 0; i < kBlocks; ++i) {
    void* const block = std::malloc(kMillion + i);
    std::atomic<void*>& to = handed[i % kRoom];
    while (to.load(std::memory_order_acquire) != nullptr) std::this_thread::yield();
    to.store(block, std::memory_order_release);
  }
  other.join();
}

// The child frees what it has from its parent, and something of its own, and is killed.
void fork_and_kill() {
  void* const before = std::malloc(kMillion);
  const pid_t child = fork();
  if (child == 0) {
    std::free(before);
    std::free(std::malloc(kMillion + 1));
    for (int i = 0; i < 50; ++i) std::free(std::malloc(kMillion + 2));
    std::abort();
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) std::abort();
  std::free(before);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "each_call") {
    each_call();
  } else if (what == "hand_over") {
    hand_over();
  } else if (what == "fork") {
    fork_and_kill();
  } else {
    return 2;
  }
  // No handler of exit runs.
  _exit(0);
}
