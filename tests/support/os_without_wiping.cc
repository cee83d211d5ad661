// The platform as shim/generation.cc and shim/random.cc find it on a kernel before 4.14.
#include "shim/chosen_platform.h"
#include "shim/os.h"

namespace ralloc::os {

std::size_t page_size() noexcept { return Chosen::page_size(); }
bool fill_random(void* buffer, std::size_t bytes) noexcept {
  return Chosen::fill_random(buffer, bytes);
}
void* map_wiped_on_fork(std::size_t) noexcept { return nullptr; }
bool at_fork_in_child(void (*hook)()) noexcept { return Chosen::at_fork_in_child(hook); }

}  // namespace ralloc::os
