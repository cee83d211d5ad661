// Threads draw from the total of all pools and put back.
//
// Invariants: drawn <= most at every moment, and nothing is drawn at the end. Cannot see: which
// magazines grow for it (exit_model.cc has pools that do).
#include "verify/search.h"

namespace ralloc_verify {
namespace {

template <unsigned kThreads>
struct BudgetDraws : Scenario<BudgetDraws<kThreads>, kThreads> {
  static constexpr std::size_t kMost = 4;
  ralloc::Budget<RelacySync> budget;
  std::size_t held = 0;  // after what was drawn is known, before it is put back

  void thread(unsigned t) {
    for (std::size_t bytes : {std::size_t{1} + t, std::size_t{3}}) {
      if (!budget.draw(bytes, kMost)) continue;
      held += bytes;
      require(held <= kMost, "more was drawn than there is");
      held -= bytes;
      budget.put_back(bytes);
    }
  }
  void after() { require(budget.drawn() == 0, "the budget is not even"); }
};

const Listed<BudgetDraws> listed{"BudgetDraws", "budget", 2};

}  // namespace
}  // namespace ralloc_verify
