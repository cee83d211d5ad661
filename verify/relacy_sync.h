// The synchronisation policy under which Relacy runs the protocol's own source. The only file
// that includes Relacy.
//
// What a model checker must see is seen here: every atomic operation is a scheduling point with
// the values that its order allows, every plain field is checked for races by vector clocks,
// every lock is recorded by thread. And every place of the source that uses an order stronger
// than relaxed, takes a lock or wakes a waiter can be weakened or dropped (mutation.h), by its
// line, without touching the source.
//
// Thread safety: Relacy runs a model's threads as fibers of one thread.
#pragma once

#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <set>
#include <type_traits>

// Not relacy.hpp, which defines new, delete, malloc, errno and memory_order_* as macros.
#include <relacy/base.hpp>
#include <relacy/context.hpp>
#include <relacy/context_base_impl.hpp>
#include <relacy/backoff.hpp>
#include <relacy/atomic_fence.hpp>
#include <relacy/atomic.hpp>
#include <relacy/var.hpp>
#include <relacy/test_suite.hpp>
#include <relacy/dyn_thread.hpp>
#include <relacy/stdlib/mutex.hpp>
#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/semaphore.hpp>
#include <relacy/stdlib/event.hpp>
#undef $

#include "shim/annotations.h"
#include "shim/mutex.h"
#include "verify/mutation.h"

namespace ralloc_verify {

// A place in the source; as a defaulted argument, that of the caller. (clang 14 has no
// std::source_location.)
struct Place {
  const char* function;
  const char* file;
  unsigned line;
  static constexpr Place here(const char* function = __builtin_FUNCTION(),
                              const char* file = __builtin_FILE(),
                              unsigned line = __builtin_LINE()) {
    return {function, file, line};
  }
  operator rl::debug_info() const { return rl::debug_info(function, file, line); }
};

// Ends the execution: the model has found something. Never returns.
[[noreturn]] inline void report(const char* what, rl::test_result_e kind, Place place) {
  rl::ctx().fail_test(what, kind, place);
  __builtin_unreachable();
}

// What one execution keeps beside Relacy; search.h resets it.
struct Execution {
  static constexpr unsigned kThreads = 4;
  static inline bool is_set_up = false;        // the threads run; before, one builds the scene
  static inline unsigned locks[kThreads] = {};  // held by each thread
  static inline unsigned spurious_wakes = 0;   // that may still happen
  static inline unsigned cell_accesses = 0;
  static inline std::uint32_t generation = 1;
  // A thread is lost to a fork at this write of a plain field from now on; 0: at none. The
  // scene's thread stands for it, and ends by an exception that leaves the mutex locked.
  static inline unsigned writes_until_lost = 0;
  struct Lost {};
  // Whether the lost thread held a mutex of this object: what the next one is to be told.
  template <class T>
  static bool lost_with(const T& object) {
    const char* const begin = reinterpret_cast<const char*>(&object);
    return lost_mutex >= begin && lost_mutex < begin + sizeof object;
  }
  static inline const char* lost_mutex = nullptr;

  // Where zeroed memory may be fields.
  static inline const void* zeroed[2][2] = {};
  static bool is_zeroed(const void* p) {
    for (const auto& range : zeroed) {
      if (p >= range[0] && p < range[1]) return true;
    }
    return false;
  }

  static void begin(unsigned spurious) {
    is_set_up = false;
    writes_until_lost = 0;
    lost_mutex = nullptr;
    for (unsigned& n : locks) n = 0;
    spurious_wakes = spurious;
    cell_accesses = 0;
    generation = 1;
  }
};

inline unsigned this_thread() { return unsigned(rl::ctx().threadx_->index_); }

// --- Plain fields --------------------------------------------------------------------------------

// Written to the history of a failing execution.
struct CellEvent {
  const void* cell;
  bool is_write;
  std::uint64_t value;
  void output(std::ostream& s) const {
    s << "<" << std::hex << cell << "> " << (is_write ? "write " : "read ") << value << std::dec;
  }
};

// A field that is not synchronised: an access that does not happen after all accesses which it
// conflicts with is reported, whatever the schedule was. Unlike rl::var it may be zeroed memory
// (of the page map and of records, Execution::zeroed), is trivially destroyed (as records are),
// and reports accesses to a record that was given back, or to where no field is.
template <class T>
class Cell {
 public:
  constexpr Cell() = default;
  constexpr explicit Cell(T value) : value_(value) {}
  Cell(const Cell&) = delete;

  T get(Place place = Place::here()) const {
    check_alive(place);
    if (Execution::is_set_up) {
      log(false, value_, place);
      check_after(written_by_, written_, place);
      read_[this_thread()] = tick();
    }
    return value_;
  }
  void set(T value, Place place = Place::here()) {
    check_alive(place);
    if (Execution::writes_until_lost != 0 && --Execution::writes_until_lost == 0) {
      throw Execution::Lost{};
    }
    if (Execution::is_set_up) {
      log(true, value, place);
      check_after(written_by_, written_, place);
      for (unsigned t = 0; t < Execution::kThreads; ++t) {
        if (read_[t] != 0) check_after(t, read_[t], place);
      }
      written_by_ = this_thread();
      written_ = tick();
    }
    value_ = value;
  }

 private:
  static constexpr unsigned kMostAccesses = 1'000'000;
  static constexpr std::uint32_t kConstructed = 0x600DF1E1;

  void check_alive(Place place) const {
    if (state_ != kConstructed && !(state_ == 0 && Execution::is_zeroed(this))) {
      report("no field is here, or its record was given back",
             rl::test_result_access_to_freed_memory, place);
    }
    if (++Execution::cell_accesses > kMostAccesses) {
      report("a loop without an end", rl::test_result_livelock, place);
    }
  }
  void log(bool is_write, T value, Place place) const {
    rl::context& c = rl::ctx();
    if (!c.collecting_history()) return;
    if constexpr (std::is_pointer_v<T>) {
      c.exec_log(place, CellEvent{this, is_write, reinterpret_cast<std::uintptr_t>(value)});
    } else {
      c.exec_log(place, CellEvent{this, is_write, std::uint64_t(value)});
    }
  }
  static std::uint32_t tick() { return std::uint32_t(++rl::ctx().threadx_->own_acq_rel_order_); }
  static void check_after(unsigned thread, std::uint32_t when, Place place) {
    if (rl::ctx().threadx_->acq_rel_order_[thread] < when) {
      report("two threads, no order between them", rl::test_result_data_race, place);
    }
  }

  T value_{};
  std::uint32_t state_ = kConstructed;
  std::uint32_t written_by_ = 0;
  std::uint32_t written_ = 0;
  mutable std::uint32_t read_[Execution::kThreads] = {};
};

// --- Atomics ---------------------------------------------------------------------------------------

enum class Order { kRelaxed, kAcquire, kRelease };

// The order as Relacy has it, recorded or weakened if it is a mutation's place.
inline rl::memory_order relacy_order(Order order, SiteKind kind, Place place) {
  if (order == Order::kRelaxed) return rl::mo_relaxed;
  if (Mutation::is_at(kind, place.file, place.line)) return rl::mo_relaxed;
  return order == Order::kAcquire ? rl::mo_acquire : rl::mo_release;
}

template <class T>
class Atomic {
 public:
  Atomic(T value) : atomic_(value) {}  // NOT explicit: std::atomic's is not either
  Atomic(const Atomic&) = delete;

  T load(Order order, Place place = Place::here()) const {
    return atomic_.load(relacy_order(order, SiteKind::kLoad, place), place);
  }
  void store(T value, Order order, Place place = Place::here()) {
    atomic_.store(value, relacy_order(order, SiteKind::kStore, place), place);
  }
  T exchange(T value, Order order, Place place = Place::here()) {
    return atomic_.exchange(value, relacy_order(order, SiteKind::kExchange, place), place);
  }
  bool compare_exchange_strong(T& seen, T value, Order order, Order, Place place = Place::here()) {
    const rl::memory_order o = relacy_order(order, SiteKind::kExchange, place);
    return atomic_.compare_exchange_strong(seen, value, o, place, rl::mo_relaxed, place);
  }
  bool compare_exchange_weak(T& seen, T value, Order order, Order, Place place = Place::here()) {
    const rl::memory_order o = relacy_order(order, SiteKind::kExchange, place);
    return atomic_.compare_exchange_weak(seen, value, o, place, rl::mo_relaxed, place);
  }
  T fetch_sub(T value, Order order, Place place = Place::here()) {
    return atomic_.fetch_sub(value, relacy_order(order, SiteKind::kExchange, place), place);
  }

  rl::atomic<T>& relacy() { return atomic_; }

 private:
  rl::atomic<T> atomic_;
};

// Not one of Relacy's atomics, which may not lie in memory that just ends. Everybody sees what was
// stored last; nothing that the models check may hang on that.
template <class T>
class Posted {
 public:
  Posted(T value = {}) : value_(value) {}  // NOT explicit: std::atomic's is not either
  Posted(const Posted&) = delete;
  T load(Order) const { return value_; }
  void store(T value, Order) { value_ = value; }

 private:
  T value_;
};

// Stored to once. When that was before the threads began, every load gives that value and
// commutes with all else, so it is no scheduling point; a later store would be reported.
// When a thread stores, it is an atomic like any other.
template <class T>
class Once {
 public:
  Once(T value = {}) : atomic_(value), value_(value) {}
  Once(const Once&) = delete;

  T load(Order order, Place place = Place::here()) const {
    return is_settled_ ? value_ : atomic_.load(order, place);
  }
  void store(T value, Order order, Place place = Place::here()) {
    if (is_settled_) report("stored to twice", rl::test_result_user_assert_failed, place);
    if (!Execution::is_set_up) {
      is_settled_ = true;
      value_ = value;
    }
    atomic_.store(value, order, place);
  }
  // Stores only if nobody has.
  bool compare_exchange_strong(T& seen, T value, Order order, Order, Place place = Place::here()) {
    if (is_settled_) report("stored to twice", rl::test_result_user_assert_failed, place);
    if (!Execution::is_set_up) {
      is_settled_ = true;
      value_ = value;
    }
    return atomic_.compare_exchange_strong(seen, value, order, Order::kRelaxed, place);
  }

 private:
  Atomic<T> atomic_;
  T value_;
  bool is_settled_ = false;
};

// --- Locks -------------------------------------------------------------------------------------------

// Relacy's mutex. Its release is no scheduling point: nobody can tell when within the critical
// section another thread ran, since the taking is one, and there is no try_lock.
class CAPABILITY("mutex") Mutex {
 public:
  ralloc::Holder lock(Place place = Place::here()) ACQUIRE() {
    mutex_.lock(place);
    return ralloc::Holder::kLeft;
  }
  void unlock(Place place = Place::here()) RELEASE() {
    rl::preemption_disabler no_switch(rl::ctx());
    mutex_.unlock(place);
  }

 private:
  rl::mutex mutex_;
};

// As ralloc::Guard; it knows its line, and checks I5: one lock at most.
template <class MutexType>
class SCOPED_CAPABILITY Guard {
 public:
  explicit Guard(MutexType& mutex, Place place = Place::here()) ACQUIRE(mutex)
      : mutex_(mutex), place_(place),
        is_dropped_(Mutation::is_at(SiteKind::kLock, place.file, place.line)) {
    if (++Execution::locks[this_thread()] != 1) {
      report("a second lock (I5)", rl::test_result_user_assert_failed, place);
    }
    if (!is_dropped_) last_ = mutex_.lock(place);
  }
  ~Guard() RELEASE() {
    --Execution::locks[this_thread()];
    if (std::uncaught_exceptions() != 0) {
      Execution::lost_mutex = reinterpret_cast<const char*>(&mutex_);
    } else if (!is_dropped_) {
      mutex_.unlock(place_);
    }
  }
  Guard(const Guard&) = delete;

  [[nodiscard]] bool holder_died() const { return last_ == ralloc::Holder::kDied; }

 private:
  MutexType& mutex_;
  const Place place_;
  const bool is_dropped_;
  ralloc::Holder last_ = ralloc::Holder::kLeft;
};

// --- The policies ------------------------------------------------------------------------------------

// What both have.
struct RelacyBase {
  static constexpr Order kRelaxed = Order::kRelaxed;
  static constexpr Order kAcquire = Order::kAcquire;
  static constexpr Order kRelease = Order::kRelease;

  template <class T>
  using Atomic = ralloc_verify::Atomic<T>;
  template <class T>
  using Once = ralloc_verify::Once<T>;
  template <class T>
  using Posted = ralloc_verify::Posted<T>;
  template <class T>
  using Cell = ralloc_verify::Cell<T>;
};

// For all but the mutex itself: that is Relacy's, which makes models much smaller.
struct RelacySync : RelacyBase {
  using Mutex = ralloc_verify::Mutex;
  using Guard = ralloc_verify::Guard<Mutex>;
};

// With the mutex that ships, over a futex and fork generations that Relacy schedules.
struct RelacyFutexSync : RelacyBase {
  // The places of its operations are those within shim/mutex.h.
  class CAPABILITY("mutex") Mutex : public ralloc::FutexMutex<RelacyFutexSync> {
   public:
    ralloc::Holder lock(Place = Place::here()) ACQUIRE() { return FutexMutex::lock(); }
    void unlock(Place = Place::here()) RELEASE() { FutexMutex::unlock(); }
  };
  using Guard = ralloc_verify::Guard<Mutex>;

  static constexpr unsigned kSpinTries = 1;
  static std::uint32_t generation() { return Execution::generation; }
  static void pause(Place place = Place::here()) { rl::yield(1, place); }

  // The kernel compares the word and queues the waiter in one step.
  static void wait(Atomic<std::uint32_t>& word, std::uint32_t value, Place place = Place::here()) {
    rl::context& c = rl::ctx();
    c.sched();
    {
      rl::preemption_disabler no_switch(c);
      if (word.relacy().fetch_add(0, rl::mo_relaxed, place) != value) return;
    }
    const bool may_wake = Execution::spurious_wakes != 0;
    if (word.relacy().wait(c, false, may_wake, place) == rl::unpark_reason_spurious) {
      --Execution::spurious_wakes;
    }
  }
  static void wake_one(Atomic<std::uint32_t>& word, Place place = Place::here()) {
    if (Mutation::is_at(SiteKind::kWake, place.file, place.line)) return;
    rl::ctx().sched();
    word.relacy().wake(rl::ctx(), 1, place);
  }
};

}  // namespace ralloc_verify
