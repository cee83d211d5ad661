// The configuration of the stress tests: memory decays while it is still wanted, and goes from ledger to
// ledger in small pieces.
//
// Thread safety: constants only.
#pragma once

namespace ralloc {

struct Config : DefaultConfig {
  static constexpr std::uint64_t kDecayMs = 8;
  static constexpr unsigned ledger_count(unsigned shards) { return shards; }
  static constexpr std::size_t kLedgerBytes = kSector;
};

}  // namespace ralloc
