// Where Block and Result give up, out of line.
#include "ralloc/block.h"

#include "ralloc/result.h"
#include "shim/fatal.h"

namespace ralloc::detail {

void die_of_split(const void* ptr) noexcept { die_of_misuse(Misuse::kSplit, ptr); }
void die_without_value(const void* result) noexcept { die_of_misuse(Misuse::kNoValue, result); }

}  // namespace ralloc::detail
