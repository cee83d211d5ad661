"""What `includes.py --self-test` puts into a copy of the sources: a file, its text, and the
rules that must find it. An empty list is a file that must be left alone."""

DOWN = "includes_point_down"
PLAIN = "floors_use_plain_headers"
MACHINE = "shim_alone_knows_the_machine"
PROTOCOL = "protocol_headers_alone_synchronise"
ORDER = "atomic_operations_name_their_order"
WORDS = "no_forbidden_words"
IF = "conditionals_only_in_shim"
ONCE = "headers_open_with_pragma_once"

# (file, text, rules that must find it). The includes name files that exist.
SEEDS = [
    # Floors.
    ("shim/seed.cc", '#include "global_pool/global_pool.h"\n', [DOWN]),
    ("shim/seed.cc", '#include "../global_pool/global_pool.h"\n', [DOWN]),
    ("shim/seed.cc", "#include <global_pool/global_pool.h>\n", [DOWN]),
    ("shim/seed.cc", '#  include\t"alloc/allocator.h"  // why\n', [DOWN]),
    ("shim/seed.cc", '#include "shim/os.h"\n#include "os.h"\n#include <sys/mman.h>\n', []),
    ("global_pool/seed.h", '#pragma once\n#include "local_pool/local_pool.h"\n', [DOWN]),
    ("global_pool/seed.cc", '#include "local_pool/local_pool.h"\n', [DOWN]),
    ("global_pool/seed.cc", '#include "ralloc/ralloc.h"\n', [DOWN]),
    ("global_pool/seed_test.cc", '#include "local_pool/local_pool.h"\n', [DOWN]),
    ("global_pool/seed_test.cc", '#include <gtest/gtest.h>\n#include <mutex>\n#include <vector>\n'
                                 '#include "global_pool/global_pool.h"\n', []),
    ("local_pool/seed.h", '#pragma once\n#include "alloc/allocator.h"\n', [DOWN]),
    ("local_pool/seed.cc", '#include "global_pool/no_such.h"\n', [DOWN]),
    ("local_pool/seed.cc", '#include "global_pool/global_pool.h"\n#include "shim/os.h"\n', []),
    ("alloc/seed.cc", '#include "tests/support/process.h"\n', [DOWN]),
    ("alloc/seed.cc", '#include "local_pool/local_pool.h"\n#include "ralloc/ralloc.h"\n', []),
    ("alloc/include/ralloc/seed.h", '#pragma once\n#include "alloc/allocator.h"\n', [DOWN]),
    # Clients.
    ("verify/seed.cc", '#include "local_pool/this_pool.h"\n', [DOWN]),
    ("verify/seed.cc", '#include "ralloc/ralloc.h"\n', [DOWN]),
    ("verify/seed.cc", '#include "relacy/relacy.hpp"\n#include "shim/sync.h"\n'
                       '#include "global_pool/shard.h"\n', []),
    ("stress/seed.cc", '#include "global_pool/shard.h"\n', [DOWN]),
    ("bench/seed.c", '#include "alloc/allocator.h"\n', [DOWN]),
    ("examples/seed.cc", '#include "../shim/os.h"\n', [DOWN]),
    ("examples/seed.cc", "#include <ralloc/ralloc.h>\n#include <mutex>\n#include <vector>\n", []),
    ("tests/seed.cc", '#include "local_pool/local_pool.h"\n#include <mutex>\n', []),
    # Headers that allocate or lock.
    ("shim/seed.cc", "#include <string>\n", [PLAIN]),
    ("shim/seed.h", "#pragma once\n#include <mutex>\n", [PLAIN]),
    ("global_pool/seed.cc", "#include <vector>\n", [PLAIN]),
    ("global_pool/seed.h", "#pragma once\n#include <functional>\n", [PLAIN]),
    ("global_pool/seed.cc", "#include <sys/mman.h>\n", [PLAIN]),
    ("local_pool/seed.cc", "#include <memory>\n", [PLAIN]),
    ("local_pool/seed.cc", "#include <thread>\n#include <iostream>\n", [PLAIN]),
    ("local_pool/seed.cc", "#include <some_header_of_tomorrow>\n", [PLAIN]),
    ("alloc/seed.cc", "#include <map>\n", [PLAIN]),
    ("alloc/seed.cc", "#include HEADER\n", [PLAIN]),
    ("global_pool/seed.cc", "#include <bit>\n#include <cstddef>\n#include <new>\n", []),
    ("alloc/include/ralloc/seed.h", "#pragma once\n#include <memory_resource>\n#include <new>\n",
     []),
    ("alloc/include/ralloc/seed.h", "#pragma once\n#include <vector>\n", [PLAIN]),
    ("alloc/include/ralloc/seed.h", "#pragma once\n#include <dlfcn.h>\n", [PLAIN]),
    ("alloc/seed.cc", "#include <memory_resource>\n", [PLAIN]),
    ("alloc/seed.h", "#pragma once\n#include <memory>\n", [PLAIN]),
    # Atomics and mutexes.
    ("local_pool/seed.cc", "std::atomic<int> count;\n", [MACHINE, PROTOCOL]),
    ("alloc/seed.cc", "void f(int* p) { __atomic_add_fetch(p, 1, 0); }\n", [MACHINE, PROTOCOL]),
    ("alloc/seed.cc", "void f(int* p) { __sync_fetch_and_add(p, 1); }\n", [MACHINE]),
    ("global_pool/seed.h", "#pragma once\nstd::atomic<int> count;\n", [MACHINE]),
    ("global_pool/seed.h", "#pragma once\npthread_mutex_t lock;\n", [MACHINE]),
    ("global_pool/seed.h", "#pragma once\n#include <atomic>\n", [PLAIN, MACHINE]),
    ("global_pool/seed.cc", "std::mutex lock;\n", [MACHINE, PROTOCOL]),
    ("global_pool/seed.cc", "template <class Sync> struct S { typename Sync::Mutex m; };\n",
     [PROTOCOL]),
    ("local_pool/seed.h", "#pragma once\ntemplate <class Sync> struct S {\n"
                          "  typename Sync::template Atomic<int> n;\n};\n", [PROTOCOL]),
    ("local_pool/seed.cc", "int f() GUARDED_BY(mutex_);\n", [PROTOCOL]),
    ("alloc/seed.cc", "std::lock_guard guard(lock);\n", [MACHINE]),
    ("shim/seed.h", "#pragma once\n#include <atomic>\nstd::atomic<int> n;\npthread_mutex_t m;\n",
     []),
    ("global_pool/seed.h", "#pragma once\ntemplate <class Sync> struct S {\n"
                           "  typename Sync::Mutex mutex_;\n"
                           "  typename Sync::template Atomic<int> n_;\n"
                           "  int f() { return n_.load(Sync::kRelaxed); }\n};\n", []),
    ("local_pool/seed.cc", "// std::atomic and a Mutex\n/* volatile\n#if */ const char* s = "
                           '"std::mutex"; const char* t = R"(\n#if volatile)";\n', []),
    # Orders and words.
    ("global_pool/seed.h", "#pragma once\nint f() { return n_.load(); }\n", [ORDER]),
    ("global_pool/seed.h", "#pragma once\nvoid f() { n_.store(g(1)); }\n", [ORDER]),
    ("global_pool/seed.h", "#pragma once\nvoid f() { n->fetch_add(1); }\n", [ORDER]),
    ("shim/seed.h", "#pragma once\nbool f() { return n_.compare_exchange_strong(a,\n"
                    "    g(b, c)); }\n", [ORDER]),
    ("shim/seed.h", "#pragma once\nbool f() { return n_.compare_exchange_weak(a, g(b),\n"
                    "    Sync::kAcquire, Sync::kRelaxed); }\n", []),
    ("shim/seed.h", "#pragma once\nint f() { return n_.load(std::memory_order_seq_cst); }\n",
     [WORDS]),
    ("shim/seed.cc", "void f() { std::atomic_thread_fence(std::memory_order_acquire); }\n",
     [WORDS]),
    ("shim/seed.cc", "volatile int n;\n", [WORDS]),
    ("local_pool/seed.cc", "int f() { return *(volatile int*)p; }\n", [WORDS]),
    ("local_pool/seed.cc", 'void f() { asm volatile("pause"); }\n', [WORDS]),
    ("shim/seed.cc", 'void f() { asm volatile("pause"); }\n', []),
    ("global_pool/seed.cc", "[[gnu::no_sanitize_thread]] void f();\n", [WORDS]),
    ("verify/seed.cc", "volatile int n;\n", [WORDS]),
    # Conditionals.
    ("global_pool/seed.cc", "#if 1\n#endif\n", [IF]),
    ("local_pool/seed.cc", "  # ifdef RALLOC_DEBUG\n#endif\n", [IF]),
    ("alloc/include/ralloc/seed.h", "#pragma once\n#ifndef X\n#else\n#endif\n", [IF]),
    ("stress/seed.cc", "#ifdef __linux__\n#endif\n", [IF]),
    ("shim/seed.cc", "#if defined(__x86_64__)\n#else\n#endif\n", []),
    ("alloc/seed_test.cc", "#if 1\n#endif\n", []),
    # #pragma once.
    ("global_pool/seed.h", "// Purpose.\nint f();\n", [ONCE]),
    ("shim/seed.h", "#ifndef SEED_H\n#define SEED_H\n#endif\n", [ONCE]),
    ("tests/seed.h", "#include <cstddef>\n#pragma once\n", [ONCE]),
    ("shim/seed.h", "// Purpose.\n\n#pragma once\n#include <cstddef>\n", []),
]
