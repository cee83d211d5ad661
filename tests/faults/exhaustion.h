// Programs that take all the memory there is, free it, and want it again.
//
// Thread safety: no other thread may run.
#pragma once

namespace ralloc_test {

// Blocks of one size after another. The fault must make memory run out.
void run_exhaustion();

// As run_exhaustion, but what is given back to the system is gone for good: so blocks of one
// size.
void run_exhaustion_for_good();

// Is refused often. The fault must refuse commits of more than a MiB.
void run_large_refused();

// As run_large_refused, with blocks of all sizes. The fault must refuse the arena's pieces, and
// allow those of the metadata.
void run_all_refused();

// The fault must allow reservations of a MiB.
void run_on_small_pieces();

}  // namespace ralloc_test
