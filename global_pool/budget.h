// A number of bytes that many threads draw from and put back: what all local pools together
// may hold, or what blocks have long before they need it.
//
// Thread safety: any thread, no lock. Relaxed throughout: the count guards no other memory.
// Invariants: drawn <= most; what was drawn and what is put back agree in sum.
#pragma once

#include <cstddef>

namespace ralloc {

template <class Sync>
class Budget {
 public:
  // `most` is the same for all; but more may be drawn by what came before it was chosen.
  [[nodiscard]] bool draw(std::size_t bytes, std::size_t most) {
    std::size_t drawn = drawn_.load(Sync::kRelaxed);
    do {
      if (drawn > most || bytes > most - drawn) return false;
    } while (!drawn_.compare_exchange_weak(drawn, drawn + bytes, Sync::kRelaxed, Sync::kRelaxed));
    return true;
  }
  void put_back(std::size_t bytes) { drawn_.fetch_sub(bytes, Sync::kRelaxed); }
  std::size_t drawn() const { return drawn_.load(Sync::kRelaxed); }

 private:
  typename Sync::template Atomic<std::size_t> drawn_{0};
};

}  // namespace ralloc
