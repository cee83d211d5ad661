// What the sources here misuse: the parts of the bookkeeper that ships.
#pragma once

#include <utility>

#include "global_pool/global_pool.h"

namespace ralloc_test {

using namespace ralloc;

using Shard = Bookkeeper::Shard;
using Ledger = Bookkeeper::Ledger;
using Run = Bookkeeper::LooseRun;
using Guard = ralloc::Guard<StdSync::Mutex>;

}  // namespace ralloc_test
