// The program break, moved by us and by libc, by one thread and by many.
//
// The threads here do not allocate from libc while they move the break: nothing can keep its
// malloc out (ralloc/program_break.h). tests/abi/ has those who may.
#include "ralloc/program_break.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "ralloc/functions.h"
#include "shim/program_break.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/process.h"
#include "tests/support/seed.h"
#include "tests/support/threads.h"

namespace {

using ralloc_test::holds_in_child;
using ralloc_test::in_threads;
using ralloc_test::is_filled;
using ralloc_test::new_seed;
using ralloc_test::opaque;
using ralloc_test::Random;

void* const kFailed = reinterpret_cast<void*>(-1);
constexpr unsigned kThreads = 4;

char* moved(std::ptrdiff_t bytes) { return static_cast<char*>(ralloc::sbrk(bytes)); }
char* kernels_break() { return reinterpret_cast<char*>(syscall(SYS_brk, nullptr)); }

// All that know it agree on where the break is.
void expect_break_at(const void* address) {
  EXPECT_EQ(ralloc::sbrk(0), address);
  EXPECT_EQ(kernels_break(), address);
  EXPECT_EQ(::sbrk(0), address);
}

TEST(ProgramBreakTest, MovesUpAndDown) {
  char* const start = moved(0);
  expect_break_at(start);
  for (const std::ptrdiff_t bytes : {1, 15, 4096, 5000, 1'000'000}) {
    ASSERT_EQ(moved(bytes), start);
    expect_break_at(start + bytes);
    std::memset(start, 0x5a, std::size_t(bytes));
    ASSERT_EQ(moved(-bytes), start + bytes);
    expect_break_at(start);
  }
}

TEST(ProgramBreakTest, ServesTheExample) {
  auto* table = static_cast<char*>(ralloc::sbrk(4096));
  ASSERT_NE(table, reinterpret_cast<char*>(-1));
  std::memset(table, 1, 4096);
  EXPECT_EQ(ralloc::sbrk(-4096), table + 4096);
}

TEST(ProgramBreakTest, AddedPagesReadAsZeros) {
  constexpr std::ptrdiff_t kBytes = 1 << 20;
  char* const start = moved(kBytes);
  std::memset(start, 1, kBytes);
  moved(-kBytes);
  ASSERT_EQ(moved(kBytes), start);
  char* const page = start + (4096 - reinterpret_cast<std::uintptr_t>(start) % 4096) % 4096;
  EXPECT_TRUE(is_filled(page, std::size_t(start + kBytes - page), 0));
  moved(-kBytes);
}

TEST(ProgramBreakTest, ImpossibleMovesFailAndChangeNothing) {
  char* const start = moved(100);
  std::memset(start, 0x5a, 100);
  const std::ptrdiff_t impossible[] = {
      PTRDIFF_MAX,
      PTRDIFF_MIN,
      PTRDIFF_MIN + 1,
      std::ptrdiff_t{1} << 47,   // more than the kernel has
      -(std::ptrdiff_t{1} << 47),
      -std::intptr_t(start + 100),  // to null
      -std::intptr_t(start + 101),  // past it
      -(std::ptrdiff_t{1} << 40),  // an address, but before the start
  };
  for (const std::ptrdiff_t bytes : impossible) {
    errno = 0;
    EXPECT_EQ(ralloc::sbrk(opaque(bytes)), kFailed) << bytes;
    EXPECT_EQ(errno, ENOMEM) << bytes;
    expect_break_at(start + 100);
  }
  EXPECT_TRUE(is_filled(start, 100, 0x5a));
  errno = 4711;
  EXPECT_EQ(moved(-100), start + 100);
  EXPECT_EQ(errno, 4711) << "success keeps errno";
}

TEST(ProgramBreakTest, RefusesALimitOnData) {
  EXPECT_TRUE(holds_in_child([] {
    char* const start = moved(0);
    const rlimit none{0, 0};
    if (setrlimit(RLIMIT_DATA, &none) != 0) return false;
    errno = 0;
    return moved(1 << 20) == kFailed && errno == ENOMEM && moved(0) == start && ::sbrk(0) == start;
  }));
}

TEST(ProgramBreakTest, IsSetToAnAddress) {
  char* const start = moved(0);
  const auto at = [&](std::ptrdiff_t offset) {
    return reinterpret_cast<std::uintptr_t>(start) + std::uintptr_t(offset);
  };
  EXPECT_TRUE(ralloc::set_break(at(5000)));
  expect_break_at(start + 5000);
  EXPECT_FALSE(ralloc::set_break(at(std::ptrdiff_t{1} << 47)));
  EXPECT_TRUE(ralloc::set_break(1)) << "where it stays, as with libc's";
  expect_break_at(start + 5000);
  EXPECT_TRUE(ralloc::set_break(at(0)));
  expect_break_at(start);
}

// libc moves the break from where it left it last, and would put it back there.
TEST(ProgramBreakTest, FindsTheBreakThatWasMovedPastLibc) {
  if (ralloc_test::kPosix) GTEST_SKIP() << "the kernel cannot be asked";
  EXPECT_TRUE(holds_in_child([] {
    char* const start = moved(0);
    syscall(SYS_brk, start + 8192);
    char* const first = moved(0);
    syscall(SYS_brk, start + 16384);
    char* const second = moved(4096);
    char* const by_libc = static_cast<char*>(::sbrk(4096));
    syscall(SYS_brk, start + 4096);
    char* const down = moved(-4096);
    return first == start + 8192 && second == start + 16384 && by_libc == start + 20480 &&
           down == start + 4096 && kernels_break() == start && ::sbrk(0) == start;
  }));
}

// --- Beside libc -----------------------------------------------------------------------------

struct Stamped {
  char* begin;
  std::size_t size;
  unsigned char stamp;
};

void stamp(std::vector<Stamped>& all, void* begin, std::size_t size) {
  const auto value = static_cast<unsigned char>(all.size() % 251 + 1);
  std::memset(begin, value, size);
  all.push_back({static_cast<char*>(begin), size, value});
}
bool is_whole(const Stamped& part) { return is_filled(part.begin, part.size, part.stamp); }

// The original aborted after some 300 of these.
TEST(ProgramBreakTest, InterleavesWithLibcsMallocAndWithOurs) {
  Random random(new_seed());
  EXPECT_TRUE(holds_in_child([&] {
    std::vector<Stamped> by_libc, by_ralloc, on_break;
    for (int i = 0; i < 10'000; ++i) {
      const std::size_t size = 1 + random.below(random.below(8) == 0 ? 100'000 : 1000);
      stamp(by_libc, opaque(std::malloc(size)), size);
      stamp(by_ralloc, ralloc::alloc(size), size);
      const std::size_t bytes = 1 + random.below(5000);
      void* grown = random.below(2) == 0 ? ralloc::sbrk(std::ptrdiff_t(bytes))
                                         : ::sbrk(std::intptr_t(bytes));
      if (grown == kFailed) return false;
      stamp(on_break, grown, bytes);
      if (const Stamped& last = on_break.back();
          random.below(3) == 0 && ralloc::sbrk(0) == last.begin + last.size) {
        if (!is_whole(last) || ralloc::sbrk(-std::ptrdiff_t(last.size)) != last.begin + last.size) {
          return false;
        }
        on_break.pop_back();
      }
      // Half of the blocks go at random.
      for (std::vector<Stamped>* blocks : {&by_libc, &by_ralloc}) {
        if (random.below(2) == 0) continue;
        std::swap((*blocks)[random.below(blocks->size())], blocks->back());
        const Stamped block = blocks->back();
        blocks->pop_back();
        if (!is_whole(block)) return false;
        blocks == &by_libc ? std::free(block.begin) : ralloc::free(block.begin, block.size);
      }
    }
    for (const std::vector<Stamped>* parts : {&by_libc, &by_ralloc, &on_break}) {
      if (!std::all_of(parts->begin(), parts->end(), is_whole)) return false;
    }
    return true;
  }));
}

// --- Many threads ----------------------------------------------------------------------------

TEST(ProgramBreakTest, ThreadsGetMemoryOfTheirOwn) {
  constexpr std::size_t kParts = 500;
  const std::uint64_t seed = new_seed();
  char* const start = moved(0);
  std::vector<std::vector<Stamped>> parts(kThreads);
  for (auto& mine : parts) mine.reserve(kParts);
  std::atomic<unsigned> failures{0};
  std::barrier all_done(kThreads);
  in_threads(kThreads, [&](unsigned thread) {
    Random random(seed + thread);
    std::vector<Stamped>& mine = parts[thread];
    for (std::size_t i = 0; i < kParts; ++i) {
      const std::size_t bytes = 1 + random.below(3000);
      void* grown = ralloc::sbrk(std::ptrdiff_t(bytes));
      if (grown == kFailed) {
        ++failures;
        break;
      }
      std::memset(grown, int(thread + 1), bytes);
      mine.push_back({static_cast<char*>(grown), bytes, static_cast<unsigned char>(thread + 1)});
      void* block = ralloc::alloc(bytes);
      std::memset(block, 0x5a, bytes);
      if (!is_whole(mine[random.below(mine.size())])) ++failures;
      ralloc::free(block, bytes);
    }
    all_done.arrive_and_wait();  // a thread that ends frees what libc allocated for it
  });
  EXPECT_EQ(failures.load(), 0u);
  std::vector<Stamped> all;
  for (const auto& mine : parts) all.insert(all.end(), mine.begin(), mine.end());
  EXPECT_EQ(all.size(), kThreads * kParts);
  std::sort(all.begin(), all.end(),
            [](const Stamped& a, const Stamped& b) { return a.begin < b.begin; });
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_TRUE(is_whole(all[i]));
    EXPECT_TRUE(i == 0 || all[i - 1].begin + all[i - 1].size <= all[i].begin);
  }
  EXPECT_GE(all.front().begin, start);
}

// Each move begins where another one ended: for every address there is one move that begins
// there for each that ends there, but for the first and the last place of the break.
TEST(ProgramBreakTest, MovesOfThreadsFollowEachOther) {
  constexpr std::size_t kMoves = 3000;
  struct Move {
    char* from;
    std::ptrdiff_t bytes;
  };
  const std::uint64_t seed = new_seed();
  std::vector<std::vector<Move>> moves(kThreads);
  for (auto& mine : moves) mine.resize(kMoves);
  char* const start = moved(1 << 20);
  std::barrier all_done(kThreads);
  in_threads(kThreads, [&](unsigned thread) {
    Random random(seed + thread);
    std::ptrdiff_t added = 0;  // by this thread, and never less than nothing
    for (Move& move : moves[thread]) {
      move.bytes = std::ptrdiff_t(random.below(3)) - 1;
      move.bytes *= std::ptrdiff_t(random.below(20'000));
      move.bytes = std::max(move.bytes, -added);
      added += move.bytes;
      move.from = moved(move.bytes);
    }
    all_done.arrive_and_wait();
  });
  std::map<char*, int> ends_there;
  ++ends_there[start + (1 << 20)];
  --ends_there[moved(0)];
  for (const auto& mine : moves) {
    for (const Move& move : mine) {
      ASSERT_NE(move.from, kFailed);
      --ends_there[move.from];
      ++ends_there[move.from + move.bytes];
    }
  }
  for (const auto& [address, ends] : ends_there) EXPECT_EQ(ends, 0) << address;
}

// Whose break the kernel copied while a thread was moving it, and the memory after that, is
// refused more; all else works, and nothing hangs. (On the generic platform it is where libc's
// memory says, copied later too, until a refusal tells libc better.)
TEST(ProgramBreakTest, ForkedChildrenMoveTheirs) {
  enum { kMoved, kRefused, kWrong };
  std::atomic<bool> stop{false};
  unsigned ended_with[kWrong + 1] = {};
  in_threads(kThreads, [&](unsigned thread) {
    while (thread != 0 && !stop.load()) {
      moved(4096);
      moved(-4096);
    }
    if (thread != 0) return;
    for (int i = 0; i < 100; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        alarm(20);
        char* const start = moved(0);
        if (!ralloc_test::kPosix && kernels_break() != start) _exit(kWrong);
        char* const added = moved(8192);
        if (added == kFailed) {
          char* const still = ralloc_test::kPosix ? moved(0) : start;
          _exit(moved(0) == still && ::sbrk(0) == still ? kRefused : kWrong);
        }
        const bool holds = added == start && moved(0) == start + 8192 &&
                           ::sbrk(0) == start + 8192 && moved(-8192) == start + 8192;
        _exit(holds ? kMoved : kWrong);
      }
      int status = -1;
      const bool ended = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status);
      ++ended_with[ended ? std::min(WEXITSTATUS(status), int{kWrong}) : int{kWrong}];
    }
    stop.store(true);
  });
  EXPECT_EQ(ended_with[kWrong], 0u);
  EXPECT_GT(ended_with[kMoved], 0u);
}

}  // namespace
