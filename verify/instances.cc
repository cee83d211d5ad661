// All members of the protocol's templates: what no model calls is compiled, and counts as lines
// that were not executed. (Not those of MagazineRack and QuarantineRack, which are inlined wherever
// they are called; PoolRandom is a field. BlockStates comes with states_model.cc, and WaitingBlocks
// with GuardedBlocks, which call all of them.)
#include "verify/defended_world.h"
#include "verify/kept_world.h"
#include "verify/ledgers_world.h"
#include "verify/small_world.h"
#include "verify/stated_world.h"

namespace ralloc {

// With guard pages, whose blocks the ledger of the plain limits has no members for.
struct GuardedLimits : ralloc_verify::TinyLimits {
  struct Defences : NoDefences {
    static constexpr bool kGuardsLarge = true;
    static constexpr std::size_t kGuardedMost = 1;
    static constexpr std::size_t kGuardInterval = 4 * ralloc_verify::kPageBytes;
    static constexpr bool kRandomBases = true;
  };
};

using ralloc_verify::DefendedLimits;
using ralloc_verify::KeptLimits;
using ralloc_verify::LedgersLimits;
using ralloc_verify::RelacyFutexSync;
using ralloc_verify::RelacySync;
using ralloc_verify::StatedLimits;
using ralloc_verify::TinyLimits;
using TinySpan = Span<RelacySync, TinyLimits>;

template struct Links<RelacySync, TinySpan>;
template class List<RelacySync, TinySpan, &TinySpan::in_bin_>;
template class List<RelacySync, TinySpan, &TinySpan::by_age_>;
template class Span<RelacySync, TinyLimits>;
template struct Fragment<RelacySync>;
template class FreedBits<RelacySync>;
template class LargeParts<RelacySync, TinyLimits>;
template class LargeSpares<RelacySync, TinyLimits>;
template class LooseRun<RelacySync, TinyLimits>;
template class LooseRuns<RelacySync, TinyLimits>;
template class PageMap<RelacySync, TinyLimits>;
template class Arena<RelacySync, TinyLimits>;
template class FreeRuns<RelacySync, TinyLimits>;
template class Ledger<RelacySync, TinyLimits>;
template class Ballast<RelacySync, GuardedLimits>;
template class GuardedBlocks<RelacySync, GuardedLimits>;
template class Bases<RelacySync, GuardedLimits>;
template class Arena<RelacySync, GuardedLimits>;
template class Ledger<RelacySync, GuardedLimits>;
template class GlobalPool<RelacySync, GuardedLimits>;
template class Ledgers<RelacySync, LedgersLimits>;
template class PageMap<RelacySync, LedgersLimits>;
template class Shard<RelacySync, TinyLimits>;
template class Budget<RelacySync>;
template class GlobalPool<RelacySync, TinyLimits>;
template class LocalPool<RelacySync, TinyLimits>;
template class LargeStacks<RelacySync, KeptLimits>;
template class LocalPool<RelacySync, KeptLimits>;
template class Span<RelacySync, DefendedLimits>;
template class LocalPool<RelacySync, DefendedLimits>;
template class ThreadQuarantine<DefendedLimits>;
template class PageMap<RelacySync, StatedLimits>;
template class LargeParts<RelacySync, StatedLimits>;
template class Ledger<RelacySync, StatedLimits>;
template class Shard<RelacySync, StatedLimits>;
template class GlobalPool<RelacySync, StatedLimits>;
template class LocalPool<RelacySync, StatedLimits>;
template class FutexMutex<RelacyFutexSync>;

}  // namespace ralloc
