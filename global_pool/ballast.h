// Mappings that the security build keeps for want: the OS allows a process so many, and guards,
// of which each needs two, must not take the last ones from those who need memory.
//
// They are OS pages of a reservation, every other one accessible. Made accessible all of them, as
// needs no mapping, they are one.
//
// Thread safety: none; the ledger keeps it under its mutex.
// Invariants: none of the pages is ever touched.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ralloc {

template <class Sync, class Limits>
class Ballast {
  template <class T>
  using Cell = typename Sync::template Cell<T>;
  using Memory = typename Limits::Memory;

 public:
  // Two mappings more, if that can be.
  void add() {
    const std::size_t granule = Memory::granule();
    if (left_.get() < 2 * granule) {
      begin_.set(static_cast<char*>(Memory::reserve(kBytes, granule, nullptr)));
      left_.set(begin_.get() != nullptr ? kBytes : 0);
      reserved_.set(reserved_.get() + left_.get());
      used_.set(0);
      if (left_.get() == 0) return;
    }
    if (!Memory::commit(begin_.get() + used_.get(), granule)) return;
    used_.set(used_.get() + 2 * granule);
    left_.set(left_.get() - 2 * granule);
  }
  // All of them are for others. False if there were none.
  bool drop() {
    const std::size_t granule = Memory::granule();
    if (used_.get() <= 2 * granule) return false;
    const bool is_done = Memory::commit(begin_.get(), used_.get() - granule);
    begin_.set(begin_.get() + used_.get());
    used_.set(0);
    return is_done;
  }
  std::size_t reserved_bytes() const { return reserved_.get(); }
  // After a fork they may be half set.
  void retire() {
    left_.set(0);
    used_.set(0);
  }

 private:
  static constexpr std::size_t kBytes = 16 * (Limits::kSectorPages << Limits::kPageShift);

  Cell<char*> begin_{};
  Cell<std::size_t> used_{};  // of it, from the begin
  Cell<std::size_t> left_{};  // behind that
  Cell<std::size_t> reserved_{};  // since ever
};

}  // namespace ralloc
