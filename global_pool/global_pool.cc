#include "global_pool/global_pool.h"

namespace ralloc {

static_assert(sizeof(Bookkeeper::Ledger) <= Metadata::kMost, "a further ledger is a piece of metadata");

template class GlobalPool<StdSync, ShippedLimits>;

namespace {
constinit Bookkeeper::Shards shards{};
}  // namespace

constinit Bookkeeper bookkeeper{shards};
constinit BlockStates<StdSync, StatesMemory> block_states;
constinit Secrets secrets;

}  // namespace ralloc
