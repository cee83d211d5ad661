// ralloc: a multithreaded memory allocator. This is its public C++ API, all of it.
//
// Thread safety: every function may be called from any thread at any time, before main,
// in destructors of thread-local and static objects, and in a forked child. None is
// async-signal-safe. A block, or a part of one, may be freed by any thread.
//
// Sizes and alignments are in bytes. Memory is not initialised. Misuse that ralloc can
// see (a foreign pointer, an immediate double free, a size larger than the block) prints
// one sentence to standard error and aborts.
#pragma once

#include "ralloc/block.h"
#include "ralloc/containers.h"
#include "ralloc/functions.h"
#include "ralloc/oom_handlers.h"
#include "ralloc/program_break.h"
#include "ralloc/result.h"
