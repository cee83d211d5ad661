// shim/posix.h without what glibc offers beyond POSIX and the BSDs. The C++ library's own headers
// would use some of it.
#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK

#include "shim/posix.h"

#if defined(__USE_GNU) || defined(MREMAP_MAYMOVE)
#error "the extensions are there, so this shows nothing"
#endif
