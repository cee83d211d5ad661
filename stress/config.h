// The configuration of the stress tests: memory decays while it is still wanted.
//
// Thread safety: constants only.
#pragma once

namespace ralloc {

struct Config : DefaultConfig {
  static constexpr std::uint64_t kDecayMs = 8;
};

}  // namespace ralloc
