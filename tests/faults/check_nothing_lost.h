// After all blocks are freed: is all memory where the bookkeeper can find it?
//
// Thread safety: no other thread may run.
#pragma once

namespace ralloc_test {

// No fault strikes meanwhile. Ends the process if something is lost.
void check_nothing_lost();

}  // namespace ralloc_test
