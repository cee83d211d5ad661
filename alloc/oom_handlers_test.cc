// The OOM handlers, to the letter of ralloc/oom_handlers.h.
//
// Most tests ask for a block that no machine has, and get out of the handler by an exception or
// a jump; those where a retry succeeds use up the address space of a child.
#include "ralloc/oom_handlers.h"

#include <gtest/gtest.h>
#include <setjmp.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <new>
#include <string>
#include <vector>

#include "ralloc/ralloc.h"
#include "shim/config.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/threads.h"

namespace {

using ralloc::OomHandler;
using ralloc::OomHandlerScope;
using ralloc_test::holds_in_child;
using ralloc_test::in_fresh_thread;
using ralloc_test::in_threads;
using ralloc_test::is_filled;
using ralloc_test::kMiB;
using ralloc_test::opaque;

constexpr std::size_t kUnobtainable = std::size_t{1} << 60;
const std::string kLastWords =
    "ralloc: out of memory: no block of " + std::to_string(kUnobtainable) + " bytes can be had";

// What a handler throws where it can do no more.
struct GaveUp {
  const char* who;
  std::size_t size;
  std::size_t align;
};

thread_local unsigned calls = 0;

void first(std::size_t size, std::size_t align) {
  ++calls;
  throw GaveUp{"first", size, align};
}
void second(std::size_t size, std::size_t align) {
  ++calls;
  throw GaveUp{"second", size, align};
}

// Runs `call`, and says which handler gave up; null if none did.
template <class Call>
const char* who_gives_up(Call call) {
  try {
    call();
  } catch (const GaveUp& gave_up) {
    return gave_up.who;
  }
  return nullptr;
}
const char* who_gives_up() {
  return who_gives_up([] { (void)opaque(ralloc::alloc(opaque(kUnobtainable))); });
}

class OomHandlersTest : public testing::Test {
 protected:
  OomHandlersTest() { calls = 0; }
  ~OomHandlersTest() override {
    ralloc::set_oom_handler(nullptr);
    ralloc::set_thread_oom_handler(nullptr);
  }
};
using OomHandlersDeathTest = OomHandlersTest;

TEST_F(OomHandlersTest, SettersGiveTheOneBefore) {
  ralloc::set_oom_handler(nullptr);  // the configuration may have set one
  for (const auto set : {ralloc::set_oom_handler, ralloc::set_thread_oom_handler}) {
    EXPECT_EQ(set(first), nullptr);
    EXPECT_EQ(set(second), &first);
    EXPECT_EQ(set(second), &second);
    EXPECT_EQ(set(nullptr), &second);
    EXPECT_EQ(set(nullptr), nullptr);
  }
}

TEST_F(OomHandlersTest, TheTwoAreSetApart) {
  ralloc::set_oom_handler(first);
  EXPECT_EQ(ralloc::set_thread_oom_handler(second), nullptr);
  EXPECT_EQ(ralloc::set_oom_handler(nullptr), &first);
  EXPECT_EQ(ralloc::set_thread_oom_handler(nullptr), &second);
}

TEST_F(OomHandlersTest, TheThreadsHandlerWins) {
  ralloc::set_oom_handler(first);
  EXPECT_STREQ(who_gives_up(), "first");
  ralloc::set_thread_oom_handler(second);
  EXPECT_STREQ(who_gives_up(), "second");
  ralloc::set_oom_handler(nullptr);
  EXPECT_STREQ(who_gives_up(), "second");
  ralloc::set_oom_handler(first);
  ralloc::set_thread_oom_handler(nullptr);
  EXPECT_STREQ(who_gives_up(), "first");
  EXPECT_EQ(calls, 4u) << "one handler a time";
}

TEST_F(OomHandlersTest, OtherThreadsHaveTheProcesssHandler) {
  ralloc::set_oom_handler(first);
  ralloc::set_thread_oom_handler(second);
  in_threads(4, [](unsigned thread) {
    EXPECT_STREQ(who_gives_up(), "first");
    if (thread % 2 == 0) ralloc::set_thread_oom_handler(second);
    EXPECT_STREQ(who_gives_up(), thread % 2 == 0 ? "second" : "first");
  });
  in_fresh_thread([] { EXPECT_EQ(ralloc::set_thread_oom_handler(nullptr), nullptr); });
  EXPECT_STREQ(who_gives_up(), "second");
}

TEST_F(OomHandlersTest, AnyThreadSetsTheProcesssHandlerAtAnyTime) {
  ralloc::set_oom_handler(first);
  in_threads(4, [](unsigned thread) {
    for (int i = 0; i < 1000; ++i) {
      EXPECT_NE(ralloc::set_oom_handler(thread % 2 == 0 ? first : second), nullptr);
      EXPECT_NE(who_gives_up(), nullptr);
    }
  });
}

TEST_F(OomHandlersTest, TheThreadsHandlerIsNotUsedUp) {
  ralloc::set_thread_oom_handler(first);
  for (int i = 0; i < 1000; ++i) ASSERT_STREQ(who_gives_up(), "first") << i;
  EXPECT_EQ(calls, 1000u);
}

TEST_F(OomHandlersTest, EveryCallThatMayNotFailComesToTheHandler) {
  ralloc::set_oom_handler(first);
  void* block = ralloc::alloc(100);
  std::memset(block, 0x5a, 100);
  for (const std::size_t n : {kUnobtainable, std::size_t{PTRDIFF_MAX},
                              std::size_t{PTRDIFF_MAX} + 1, SIZE_MAX - 15, SIZE_MAX}) {
    SCOPED_TRACE(n);
    const std::size_t size = opaque(n);
    const std::function<void()> each[] = {
        [&] { (void)opaque(ralloc::alloc(size, 64)); },
        [&] { (void)ralloc::alloc_at_least(size, 64); },
        [&] { (void)ralloc::realloc(block, 100, size, 64); },
        [&] { (void)ralloc::realloc(nullptr, 0, size, 64); },
    };
    for (const auto& call : each) {
      try {
        call();
        ADD_FAILURE() << "no handler was called";
      } catch (const GaveUp& gave_up) {
        EXPECT_EQ(gave_up.size, size);
        EXPECT_EQ(gave_up.align, 64u);
      }
    }
  }
  EXPECT_TRUE(is_filled(block, 100, 0x5a)) << "what was to be reallocated is untouched";
  ralloc::free(block, 100);
}

TEST_F(OomHandlersTest, CallsThatMayFailCallNone) {
  ralloc::set_oom_handler(first);
  ralloc::set_thread_oom_handler(second);
  void* block = ralloc::alloc(100);
  EXPECT_EQ(ralloc::try_alloc(opaque(kUnobtainable)), nullptr);
  EXPECT_EQ(ralloc::try_alloc_at_least(opaque(kUnobtainable)).ptr, nullptr);
  EXPECT_EQ(ralloc::try_realloc(block, 100, opaque(kUnobtainable)), nullptr);
  EXPECT_FALSE(ralloc::inplace_realloc(block, 100, opaque(kUnobtainable)));
  EXPECT_EQ(calls, 0u);
  ralloc::free(block, 100);
}

// The original's handlers ran under its locks, and this deadlocked.
TEST_F(OomHandlersTest, HandlersAllocateAndFree) {
  ralloc::set_oom_handler([](std::size_t, std::size_t) {
    for (const std::size_t size : {1, 100, 1024, 5000, 32768, 100'000, 5'000'000}) {
      void* blocks[50];
      for (void*& block : blocks) std::memset(block = ralloc::alloc(size), 0x5a, size / 10 + 1);
      for (void* block : blocks) ralloc::free(block, size);
    }
    void* grown = ralloc::realloc(ralloc::alloc(100), 100, 1'000'000);
    ralloc::free(grown, 1'000'000);
    if (++calls == 3) throw GaveUp{"allocator", 0, 0};
  });
  EXPECT_STREQ(who_gives_up(), "allocator");
  EXPECT_EQ(calls, 3u) << "who returns asks for another try";
}

TEST_F(OomHandlersTest, HandlersSetHandlers) {
  ralloc::set_thread_oom_handler([](std::size_t, std::size_t) {
    ralloc::set_thread_oom_handler([](std::size_t, std::size_t) {
      ralloc::set_thread_oom_handler(nullptr);
      ralloc::set_oom_handler(first);
    });
  });
  EXPECT_STREQ(who_gives_up(), "first");
}

// Where handlers jump to. In threads of their own, because what they leave behind counts as
// running for the rest of the thread.
jmp_buf way_out;

TEST_F(OomHandlersTest, HandlersMayJumpOut) {
  ralloc::set_oom_handler([](std::size_t, std::size_t) {
    ++calls;
    longjmp(way_out, 1);
  });
  in_fresh_thread([] {
    for (unsigned i = 0; i < 100; i = calls) {
      if (setjmp(way_out) == 0) {
        (void)opaque(ralloc::alloc(opaque(kUnobtainable)));
        FAIL() << "nobody jumped";
      }
    }
    EXPECT_EQ(calls, 100u);
  });
}

// Calls `body` from that much further down the stack.
template <class Body>
[[gnu::noinline]] void deeper(unsigned levels, const Body& body) {
  char frame[200];
  opaque(&frame[0]);
  levels == 0 ? body() : deeper(levels - 1, body);
  opaque(&frame[0]);
}

// Handlers that threw are not taken for running ones, wherever the next call comes from.
TEST_F(OomHandlersTest, WhoThrewIsServedAsBefore) {
  ralloc::set_oom_handler(first);
  for (unsigned levels = 0; levels < 100; ++levels) {
    deeper(levels, [] { ASSERT_STREQ(who_gives_up(), "first"); });
  }
  for (unsigned levels = 100; levels-- > 0;) {
    deeper(levels, [] { ASSERT_STREQ(who_gives_up(), "first"); });
  }
  EXPECT_EQ(calls, 200u);
}

// Nor are those that jumped, once a call comes from where theirs did.
TEST_F(OomHandlersTest, WhoJumpedIsServedAsBefore) {
  ralloc::set_oom_handler([](std::size_t, std::size_t) {
    ++calls;
    longjmp(way_out, 1);
  });
  in_fresh_thread([] {
    constexpr unsigned kLevels = ralloc::kOomHandlersNested;
    for (unsigned i = 0; i < 10 * kLevels; i = calls) {
      if (setjmp(way_out) == 0) {
        deeper(calls % kLevels, [] { (void)opaque(ralloc::alloc(opaque(kUnobtainable))); });
        FAIL() << "nobody jumped";
      }
    }
    EXPECT_EQ(calls, 10 * kLevels);
  });
}

// One that allocates what cannot be had until as many handlers as may be are running.
void nest_as_deep_as_may_be(std::size_t, std::size_t) {
  if (++calls == ralloc::kOomHandlersNested) throw GaveUp{"innermost", 0, 0};
  (void)opaque(ralloc::alloc(opaque(kUnobtainable)));
}

TEST_F(OomHandlersTest, HandlersNest) {
  ralloc::set_oom_handler(nest_as_deep_as_may_be);
  for (int i = 0; i < 10; ++i) {
    calls = 0;
    EXPECT_STREQ(who_gives_up(), "innermost");
    EXPECT_EQ(calls, ralloc::kOomHandlersNested);
  }
}

// Each handler that returns makes room for one more.
TEST_F(OomHandlersTest, HandlersThatReturnedDoNotCountAsNested) {
  ralloc::set_oom_handler([](std::size_t, std::size_t) {
    for (int i = 0; i < 100; ++i) {
      OomHandlerScope scope([](std::size_t, std::size_t) {
        if (++calls % 3 == 0) throw GaveUp{"inner", 0, 0};
      });
      EXPECT_STREQ(who_gives_up(), "inner");
    }
    throw GaveUp{"outer", 0, 0};
  });
  EXPECT_STREQ(who_gives_up(), "outer");
  EXPECT_EQ(calls, 300u);
}

TEST_F(OomHandlersDeathTest, TheDefaultSaysWhatIsMissingAndAborts) {
  if (opaque(OomHandler{ralloc::Config::kOomHandler}) == nullptr) {
    EXPECT_DEATH_SAYING(who_gives_up(), kLastWords);
  }
  ralloc::set_oom_handler(first);
  ralloc::set_oom_handler(nullptr);
  EXPECT_DEATH_SAYING(who_gives_up(), kLastWords);
  EXPECT_DEATH_SAYING((void)ralloc::realloc(nullptr, 0, opaque(kUnobtainable)), kLastWords);
  EXPECT_DEATH_SAYING((void)ralloc::alloc_at_least(opaque(kUnobtainable)), kLastWords);
}

TEST_F(OomHandlersDeathTest, AHandlerThatNeverHasEnoughComesToTheDefault) {
  const OomHandler endless = [](std::size_t, std::size_t) {
    if (write(STDERR_FILENO, "nested\n", 7) != 7) _exit(2);
    (void)opaque(ralloc::alloc(opaque(kUnobtainable)));
  };
  std::string said;
  for (unsigned i = 0; i < ralloc::kOomHandlersNested; ++i) said += "nested\n";
  ralloc::set_oom_handler(endless);
  EXPECT_DEATH_SAYING(who_gives_up(), said + kLastWords);
  ralloc::set_thread_oom_handler(endless);
  EXPECT_DEATH_SAYING(who_gives_up(), said + kLastWords);
}

TEST_F(OomHandlersTest, ScopesRestoreTheHandlerBefore) {
  ralloc::set_oom_handler(first);
  {
    OomHandlerScope outer(second);
    EXPECT_STREQ(who_gives_up(), "second");
    {
      OomHandlerScope inner([](std::size_t, std::size_t) { throw GaveUp{"third", 0, 0}; });
      EXPECT_STREQ(who_gives_up(), "third");
      OomHandlerScope none(nullptr);
      EXPECT_STREQ(who_gives_up(), "first") << "the process's";
    }
    EXPECT_STREQ(who_gives_up(), "second");
    in_fresh_thread([] { EXPECT_STREQ(who_gives_up(), "first"); });
  }
  EXPECT_STREQ(who_gives_up(), "first");
  EXPECT_EQ(ralloc::set_thread_oom_handler(nullptr), nullptr);
}

TEST_F(OomHandlersTest, ScopesEndWithTheExceptionOfTheirHandler) {
  EXPECT_STREQ(who_gives_up([] {
                 OomHandlerScope scope(first);
                 (void)opaque(ralloc::alloc(opaque(kUnobtainable)));
               }),
               "first");
  EXPECT_EQ(ralloc::set_thread_oom_handler(nullptr), nullptr);
}

// --- With memory really exhausted ----------------------------------------------------------

constexpr std::size_t kReserve = 8 * kMiB;

void* reserve = nullptr;
bool reserve_missing = false;

void give_up_reserve(std::size_t, std::size_t) {
  ++calls;
  if (reserve == nullptr) {
    reserve_missing = true;
    throw std::bad_alloc();
  }
  ralloc::free(reserve, kReserve);
  reserve = nullptr;
}

// Takes memory until nothing of the size is left.
void use_up(std::size_t size) {
  while (opaque(ralloc::try_alloc(size)) != nullptr) continue;
}

// A small limit for the process, and all blocks of the sizes taken. The rest that is left of
// each is smaller than the next size.
void exhaust(std::size_t least) {
  const rlim_t bytes = ralloc_test::address_space_bytes() + 16 * kMiB;
  const rlimit limit{bytes, bytes};
  REQUIRE(setrlimit(RLIMIT_AS, &limit) == 0);
  for (std::size_t size = 64 * kMiB; size > 2 * least; size /= 4) use_up(size);
  use_up(least);
}

TEST_F(OomHandlersTest, AHandlerThatFreesMakesTheRetrySucceed) {
  if (ralloc_test::kSanitizer) GTEST_SKIP() << "no address space can be limited";
  for (const std::size_t size : {100, 5000, 30'000, 200'000, 1'000'000}) {
    EXPECT_TRUE(holds_in_child([&] {
      reserve = ralloc::alloc(kReserve);
      ralloc::set_oom_handler(give_up_reserve);
      exhaust(size);
      // The second time nothing is left to give up.
      void* block = opaque(ralloc::alloc(size));
      std::memset(block, 0x5a, size);
      const bool freed = calls == 1 && reserve == nullptr;
      use_up(size);
      bool thrown = false;
      try {
        (void)opaque(ralloc::alloc(size));
      } catch (const std::bad_alloc&) {
        thrown = true;
      }
      return freed && thrown && calls == 2 && reserve_missing && is_filled(block, size, 0x5a);
    })) << size;
  }
}

TEST_F(OomHandlersTest, ReallocTriesAgainToo) {
  if (ralloc_test::kSanitizer) GTEST_SKIP() << "no address space can be limited";
  EXPECT_TRUE(holds_in_child([] {
    reserve = ralloc::alloc(kReserve);
    void* block = ralloc::alloc(1000);
    std::memset(block, 0x5a, 1000);
    ralloc::set_thread_oom_handler(give_up_reserve);
    exhaust(kMiB);
    block = ralloc::realloc(block, 1000, kMiB);
    return calls == 1 && is_filled(block, 1000, 0x5a);
  }));
}

// Where there is room for what is small only, that is what a handler gets.
TEST_F(OomHandlersTest, HandlersFindTheRoomThatIsLeft) {
  if (ralloc_test::kSanitizer) GTEST_SKIP() << "no address space can be limited";
  EXPECT_TRUE(holds_in_child([] {
    reserve = ralloc::alloc(kReserve);
    // Of a span that stays, because one of its blocks does.
    void* small[10];
    for (void*& block : small) block = ralloc::alloc(100);
    for (int i = 1; i < 10; ++i) ralloc::free(small[i], 100);
    ralloc::set_oom_handler([](std::size_t size, std::size_t align) {
      ralloc::free(ralloc::alloc(100), 100);
      give_up_reserve(size, align);
    });
    exhaust(100'000);
    return opaque(ralloc::alloc(100'000)) != nullptr && calls == 1;
  }));
}

// The handler wants a block itself; the one called for that frees the reserve.
TEST_F(OomHandlersTest, NestedHandlersServeTheOuterOne) {
  if (ralloc_test::kSanitizer) GTEST_SKIP() << "no address space can be limited";
  EXPECT_TRUE(holds_in_child([] {
    reserve = ralloc::alloc(kReserve);
    ralloc::set_oom_handler([](std::size_t, std::size_t) {
      OomHandlerScope scope(give_up_reserve);
      ralloc::free(opaque(ralloc::alloc(100'000)), 100'000);
    });
    exhaust(100'000);
    return opaque(ralloc::alloc(100'000)) != nullptr && calls == 1;
  }));
}

// --- The example of the header ----------------------------------------------------------------

struct Cache {
  std::vector<int> entries;
  bool shrink() {
    if (entries.empty()) return false;
    entries.pop_back();
    return true;
  }
} cache;

void give_up_cache(std::size_t, std::size_t) {
  if (!cache.shrink()) throw std::bad_alloc();
}

TEST_F(OomHandlersTest, TheExampleShrinksItsCacheAndThrows) {
  cache.entries = {1, 2, 3};
  ralloc::set_oom_handler(give_up_cache);
  EXPECT_THROW((void)opaque(ralloc::alloc(opaque(kUnobtainable))), std::bad_alloc);
  EXPECT_TRUE(cache.entries.empty());
}

}  // namespace
