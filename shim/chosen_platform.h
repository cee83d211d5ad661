// The platform of this build, as `Chosen`. CMake's RALLOC_PLATFORM names another one than Linux.
//
// Thread safety: as platform.h.
#pragma once

#include "shim/platform.h"

#if defined(RALLOC_PLATFORM_HEADER)
#include RALLOC_PLATFORM_HEADER
namespace ralloc::os {
using Chosen = RALLOC_PLATFORM_TYPE;
}
#else
#include "shim/linux.h"
namespace ralloc::os {
using Chosen = Linux;
}
#endif

static_assert(ralloc::os::Platform<ralloc::os::Chosen>);
