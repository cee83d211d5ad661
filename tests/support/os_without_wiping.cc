// The platform as shim/generation.cc finds it on a kernel before 4.14.
#include "shim/os.h"
#include "shim/os_linux.h"

namespace ralloc::os {

std::size_t page_size() noexcept { return Linux::page_size(); }
void* map_wiped_on_fork(std::size_t) noexcept { return nullptr; }

}  // namespace ralloc::os
