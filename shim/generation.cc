// The number that tells a forked child from its parent (os.h).
#include "shim/os.h"

namespace ralloc::os {
namespace {

// Serves until the wiped page is there, and for good where the platform has none.
constinit std::atomic<std::uint32_t> plain_word{1};
// The highest number given out, in memory that a fork copies.
constinit std::atomic<std::uint32_t> newest{1};
constinit std::atomic<bool> set_up_begun{false};

void clear_in_child() { plain_word.store(0, std::memory_order_relaxed); }

// at_fork_in_child allocates, so it cannot wait for the first allocation. Without this
// constructor all works on platforms that wipe.
[[gnu::constructor]] void prepare_for_fork() {
  set_up_generation();
  // Also where a thread that was here first has its page in a moment: the hook does no harm.
  if (generation_word.load(std::memory_order_relaxed) == &plain_word) {
    (void)at_fork_in_child(clear_in_child);
  }
}

}  // namespace

constinit std::atomic<std::atomic<std::uint32_t>*> generation_word{&plain_word};

std::uint32_t renew_generation() noexcept {
  // `newest` rises before the word does: should this thread be lost to another fork
  // between the two, the grandchild still gets a number that no lock holds. And it never falls,
  // however many of the child's threads come here at once. Checked: verify/spin/generation.pml.
  const std::uint32_t mine = newest.fetch_add(1, std::memory_order_relaxed) + 1;
  std::uint32_t seen = 0;
  std::atomic<std::uint32_t>* word = generation_word.load(std::memory_order_acquire);
  return word->compare_exchange_strong(seen, mine, std::memory_order_relaxed) ? mine : seen;
}

void set_up_generation() noexcept {
  if (set_up_begun.exchange(true, std::memory_order_relaxed)) return;
  void* page = map_wiped_on_fork(page_size());
  if (page == nullptr) return;
  auto* word = static_cast<std::atomic<std::uint32_t>*>(page);
  word->store(plain_word.load(std::memory_order_relaxed), std::memory_order_relaxed);
  // Release pairs with the acquire in generation().
  generation_word.store(word, std::memory_order_release);
}

}  // namespace ralloc::os
