#include "global_pool/global_pool.h"

namespace ralloc {

template class GlobalPool<StdSync, ShippedLimits>;

namespace {
constinit Bookkeeper::Shards shards{};
}  // namespace

constinit Bookkeeper bookkeeper{shards};
constinit BlockStates<StdSync, StatesMemory> block_states;
constinit Secrets secrets;

namespace {

// A sandbox that the program locks itself into may forbid to ask for the cores and the limit: so they
// are known before.
[[gnu::constructor]] void ask_early() {
  (void)ShippedLimits::Memory::limit();
  bookkeeper.ledger().detach_pool(bookkeeper.ledger().attach_pool());
}

}  // namespace

}  // namespace ralloc
