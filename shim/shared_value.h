// One value that any thread may read and replace: a setting of the program's.
//
// Thread safety: any thread, any time; constant-initialised, so before main too.
#pragma once

#include <atomic>

namespace ralloc {

template <class T>
class SharedValue {
 public:
  constexpr SharedValue() = default;
  constexpr explicit SharedValue(T value) : value_(value) {}

  // Acquire pairs with the release in replace(): who reads a value sees what its setter wrote.
  T get() const { return value_.load(std::memory_order_acquire); }
  // The value that was there until now.
  T replace(T value) { return value_.exchange(value, std::memory_order_acq_rel); }

 private:
  std::atomic<T> value_{};
};

}  // namespace ralloc
