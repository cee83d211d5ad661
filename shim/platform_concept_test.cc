// A type that lacks an operation, or has another in its place, is no platform.
#include <gtest/gtest.h>

#include "shim/chosen_platform.h"
#include "shim/platform.h"

namespace ralloc::os {
namespace {

// The name hides the operation.
#define REFUSED_WITHOUT(name)                             \
  struct Without_##name : Chosen {                        \
    static void name() = delete;                          \
  };                                                      \
  static_assert(!Platform<Without_##name>);

REFUSED_WITHOUT(page_size)
REFUSED_WITHOUT(cpu_count)
REFUSED_WITHOUT(address_space_limit)
REFUSED_WITHOUT(environment)
REFUSED_WITHOUT(is_privileged)
REFUSED_WITHOUT(now_ms)
REFUSED_WITHOUT(fill_random)
REFUSED_WITHOUT(reserve)
REFUSED_WITHOUT(reserve_zeros)
REFUSED_WITHOUT(commit)
REFUSED_WITHOUT(purge)
REFUSED_WITHOUT(close)
REFUSED_WITHOUT(release)
REFUSED_WITHOUT(reserve_at)
REFUSED_WITHOUT(extend)
REFUSED_WITHOUT(move_pages)
REFUSED_WITHOUT(program_break)
REFUSED_WITHOUT(move_break_to)
REFUSED_WITHOUT(at_thread_exit)
REFUSED_WITHOUT(yield)
REFUSED_WITHOUT(wait)
REFUSED_WITHOUT(wake_one)
REFUSED_WITHOUT(map_wiped_on_fork)
REFUSED_WITHOUT(at_fork_in_child)
REFUSED_WITHOUT(write)
REFUSED_WITHOUT(abort)

struct Throws : Chosen {
  static bool commit(void*, std::size_t) { return true; }
};
static_assert(!Platform<Throws>, "not noexcept");

struct SaysNothing : Chosen {
  static void purge(void*, std::size_t) noexcept {}
};
static_assert(!Platform<SaysNothing>, "whether it succeeded");

struct HasMore : Chosen {
  static int more() { return 1; }
};
static_assert(Platform<HasMore>);

// All of it was tested when this compiled.
TEST(PlatformConceptTest, RefusesWhatIsNoPlatform) { EXPECT_EQ(HasMore::more(), 1); }

}  // namespace
}  // namespace ralloc::os
