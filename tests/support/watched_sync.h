// A synchronisation policy that ships, but for a hook before each write of a plain field.
//
// Thread safety: as the hook, Watcher::write().
#pragma once

#include "shim/sync.h"

namespace ralloc_test {

template <class Watcher>
struct WatchedSync : ralloc::StdSync {
  template <class T>
  class Cell {
   public:
    constexpr Cell() = default;
    constexpr explicit Cell(T value) : value_(value) {}
    T get() const { return value_; }
    void set(T value) {
      Watcher::write();
      value_ = value;
    }

   private:
    T value_{};
  };
};

}  // namespace ralloc_test
