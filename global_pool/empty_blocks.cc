#include "global_pool/empty_blocks.h"

namespace ralloc {

constinit EmptyBlocks empty_blocks;

}  // namespace ralloc
