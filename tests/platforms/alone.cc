// A platform without what glibc offers beyond POSIX and the BSDs. The C++ library's own headers
// would use some of it.
#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK

#include HEADER

#if defined(__USE_GNU) || defined(CPU_SETSIZE)
#error "the extensions are there, so this shows nothing"
#endif
