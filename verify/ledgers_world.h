// The tiny world, with a second ledger for the threads of the second shard.
//
// Thread safety: a model's threads are fibers of one thread.
#pragma once

#include "verify/small_world.h"

namespace ralloc_verify {

struct LedgersLimits : TinyLimits {
  static constexpr unsigned kLedgers = 2;
  static constexpr std::size_t kLedgerPages = 2 * kSectorPages;
  static unsigned ledgers(unsigned) { return kLedgers; }
};

}  // namespace ralloc_verify
