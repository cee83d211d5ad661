// A futex mutex that notices when its holder was lost to a fork.
//
// In a child forked by a multithreaded process only the forking thread exists. A mutex that
// another thread held at that moment would stay held for ever, and what it guards may be
// half written. Each locked word therefore carries the fork generation of its holder; who
// finds an older one takes the mutex over and is told that the holder died, as robust
// mutexes do (EOWNERDEAD), and puts fresh state in place of what it guards. So nothing is
// held or waited for across fork, and no order of atfork handlers matters (but where the generation
// needs such a handler itself, docs/platforms.md).
//
// Thread safety: any thread; not recursive, not for signal handlers.
// Invariants: the word is 0 (free), or generation * 4 + kHeld, + kWaiters if a thread may sleep.
#pragma once

#include <cstdint>

#include "shim/annotations.h"
#include "shim/config.h"
#include "shim/log.h"

namespace ralloc {

enum class Holder : bool { kLeft, kDied };

template <class Sync>
class CAPABILITY("mutex") FutexMutex {
 public:
  constexpr FutexMutex() = default;
  FutexMutex(const FutexMutex&) = delete;

  // Says how the last holder parted from the mutex.
  [[nodiscard]] Holder lock() ACQUIRE() {
    std::uint32_t seen = 0;
    // Acquire pairs with the release in unlock().
    if (LIKELY(word_.compare_exchange_strong(seen, held(), Sync::kAcquire, Sync::kRelaxed))) {
      return Holder::kLeft;
    }
    return lock_contended();
  }

  void unlock() RELEASE() {
    // Release pairs with the acquires in lock() and lock_contended().
    if (UNLIKELY(word_.exchange(0, Sync::kRelease) & kWaiters)) Sync::wake_one(word_);
  }

 private:
  static constexpr std::uint32_t kHeld = 1;
  static constexpr std::uint32_t kWaiters = 2;

  static std::uint32_t held() { return Sync::generation() * 4 + kHeld; }

  [[gnu::noinline]] Holder lock_contended() {
    // Who has slept cannot know whether others still do, and says kWaiters to be safe.
    std::uint32_t mine = held();
    for (unsigned tries = 0;; ++tries) {
      std::uint32_t seen = word_.load(Sync::kRelaxed);
      if (seen == 0 || (seen >> 2) != (mine >> 2)) {
        const Holder last = seen == 0 ? Holder::kLeft : Holder::kDied;
        // Acquire pairs with the release in unlock(); a dead holder's writes came with fork.
        if (word_.compare_exchange_strong(seen, mine, Sync::kAcquire, Sync::kRelaxed)) return last;
      } else if (tries < Sync::kSpinTries) {
        Sync::pause();
      } else if ((seen & kWaiters) != 0 ||
                 word_.compare_exchange_strong(seen, seen | kWaiters, Sync::kRelaxed,
                                               Sync::kRelaxed)) {
        Sync::wait(word_, seen | kWaiters);
        mine |= kWaiters;
      }
    }
  }

  typename Sync::template Atomic<std::uint32_t> word_{0};
};

// Holds a mutex while it lives. Whoever makes one asks it whether the last holder died: the
// analysis lets no other end.
template <class Mutex>
class [[nodiscard]] SCOPED_CAPABILITY CONSUMABLE(unconsumed) Guard {
 public:
  explicit Guard(Mutex& mutex) ACQUIRE(mutex, any_mutex) : mutex_(mutex), last_(mutex.lock()) {}
  ~Guard() RELEASE() CALLABLE_WHEN("consumed") { mutex_.unlock(); }
  Guard(const Guard&) = delete;

  // True if what the mutex guards may be half written and must be retired.
  [[nodiscard]] bool holder_died() SET_TYPESTATE(consumed) { return last_ == Holder::kDied; }

 private:
  // First, so that it ends last: what is logged meanwhile is written when the mutex is left.
  [[no_unique_address]] LinesUntilUnlocked lines_;
  Mutex& mutex_;
  const Holder last_;
};

}  // namespace ralloc
