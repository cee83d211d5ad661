#include "shim/thread_exit.h"

#include <pthread.h>

#include <atomic>

namespace ralloc {
namespace {

// The key + 1; 0 before there is one.
constinit std::atomic<unsigned> exit_key{0};

}  // namespace

bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
  // Acquire pairs with the release below: the key works once its number is seen.
  unsigned key_plus_1 = exit_key.load(std::memory_order_acquire);
  if (key_plus_1 == 0) {
    pthread_key_t key;
    if (pthread_key_create(&key, hook) != 0) return false;
    // Release pairs with the acquires here and above.
    if (exit_key.compare_exchange_strong(key_plus_1, key + 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire)) {
      key_plus_1 = key + 1;
    } else {
      pthread_key_delete(key);  // another thread was first; its key is in key_plus_1 now
    }
  }
  return pthread_setspecific(key_plus_1 - 1, value) == 0;
}

}  // namespace ralloc
