// The synchronisation policy that ships. Everything that two threads may touch is written
// against such a policy, so that a model checker can run the same source with its own.
//
// Thread safety: says what the standard says of each type.
#pragma once

#include <atomic>
#include <cstdint>

#include "shim/mutex.h"
#include "shim/os.h"

namespace ralloc {

struct StdSync {
  static constexpr std::memory_order kRelaxed = std::memory_order_relaxed;
  static constexpr std::memory_order kAcquire = std::memory_order_acquire;
  static constexpr std::memory_order kRelease = std::memory_order_release;

  template <class T>
  using Atomic = std::atomic<T>;

  // A plain field. The calls cost nothing here; a checking policy sees each of them.
  template <class T>
  class Cell {
   public:
    constexpr Cell() = default;
    constexpr explicit Cell(T value) : value_(value) {}
    T get() const { return value_; }
    void set(T value) { value_ = value; }

   private:
    T value_{};
  };

  // What one thread at a time stores, and any may read. Orders nothing.
  template <class T>
  using Posted = std::atomic<T>;

  // An atomic that is stored to once after its construction, and read by all.
  template <class T>
  using Once = std::atomic<T>;

  using Mutex = FutexMutex<StdSync>;
  using Guard = ralloc::Guard<Mutex>;

  static constexpr unsigned kSpinTries = Config::kSpinTries;
  static std::uint32_t generation() { return os::generation(); }
  static void wait(const Atomic<std::uint32_t>& word, std::uint32_t value) { os::wait(word, value); }
  static void wake_one(const Atomic<std::uint32_t>& word) { os::wake_one(word); }
  static void pause() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }
};

}  // namespace ralloc
