// Each sentence, to the letter.
#include "shim/fatal.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "shim/line.h"
#include "shim/os.h"
#include "tests/support/child.h"

namespace ralloc {
namespace {

const void* pointer(std::uintptr_t value) { return reinterpret_cast<const void*>(value); }

TEST(FatalDeathTest, NamesTheForeignPointer) {
  const void* p = pointer(0x7f0012345678);
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kForeignFree, p),
                      "ralloc: free of 0x7f0012345678, which is not a live block of this "
                      "allocator");
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kForeignRealloc, p),
                      "ralloc: realloc of 0x7f0012345678, which is not a live block of this "
                      "allocator");
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kForeignUsableSize, p),
                      "ralloc: usable size asked of 0x7f0012345678, which is not a live block of "
                      "this allocator");
}

TEST(FatalDeathTest, NamesTheBlockThatIsFreeAlready) {
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kDoubleFree, pointer(0xabcdef)),
                      "ralloc: double free of 0xabcdef, which is free already");
}

TEST(FatalDeathTest, NamesThePointerIntoABlock) {
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kNotABlock, pointer(0xabcdef)),
                      "ralloc: free of 0xabcdef, which is not the start of a block");
}

TEST(FatalDeathTest, NamesTheBlockThatIsSmallerThanItsSize) {
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kOverFree, pointer(0xabcdef)),
                      "ralloc: free of 0xabcdef with a size larger than the block");
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kOverRealloc, pointer(0xabcdef)),
                      "ralloc: realloc of 0xabcdef with an old size larger than the block");
}

TEST(FatalDeathTest, NamesWhatHasNoSuchPartOrValue) {
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kSplit, pointer(0xabcdef)),
                      "ralloc: split of 0xabcdef at a place that is not inside of it");
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kNoValue, pointer(0xabcdef)),
                      "ralloc: value asked of the result 0xabcdef, which is an error");
}

TEST(FatalDeathTest, NamesWhatTheSecurityBuildFinds) {
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kWrongSize, pointer(0xabcdef)),
                      "ralloc: free of 0xabcdef with a size that is not the block's");
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kWrongAlignment, pointer(0xabcdef)),
                      "ralloc: free of 0xabcdef with an alignment that is not the block's");
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kOverflow, pointer(0xabcdef)),
                      "ralloc: overflow of 0xabcdef, behind whose end bytes were overwritten");
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kWriteAfterFree, pointer(0xabcdef)),
                      "ralloc: write after free of 0xabcdef, whose bytes are no longer zero");
}

TEST(FatalDeathTest, WritesPointersOfEveryLength) {
  const auto sentence = [](const char* text) {
    return std::string("ralloc: double free of ") + text + ", which is free already";
  };
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kDoubleFree, nullptr), sentence("0x0"));
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kDoubleFree, pointer(0xf)), sentence("0xf"));
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kDoubleFree, pointer(0x10)), sentence("0x10"));
  EXPECT_DEATH_SAYING(die_of_misuse(Misuse::kDoubleFree, pointer(UINTPTR_MAX)),
                      sentence("0xffffffffffffffff"));
}

TEST(FatalDeathTest, SaysHowMuchCouldNotBeHad) {
  EXPECT_DEATH_SAYING(die_of_exhaustion(0),
                      "ralloc: out of memory: no block of 0 bytes can be had");
  EXPECT_DEATH_SAYING(
      die_of_exhaustion(SIZE_MAX),
      "ralloc: out of memory: no block of 18446744073709551615 bytes can be had");
}

TEST(FatalDeathTest, QuotesTheBrokenInvariant) {
  EXPECT_DEATH_SAYING(die_of_check("a == b", "dir/file.h", 120),
                      "ralloc: broken invariant: a == b at dir/file.h:120");
}

TEST(FatalDeathTest, CutsALineThatIsTooLong) {
  const std::string expression(1000, 'x');
  const std::string start = "ralloc: broken invariant: ";
  EXPECT_DEATH_SAYING(die_of_check(expression.c_str(), "file.h", 1),
                      start + expression.substr(0, Line::kMost - 1 - start.size()));
}

TEST(FatalDeathTest, CheckDiesOfWhatIsFalse) {
  const int line = __LINE__ + 2;
  EXPECT_DEATH_SAYING(
      CHECK(1 + 1 == 3),
      "ralloc: broken invariant: 1 + 1 == 3 at " __FILE__ ":" + std::to_string(line));
}

TEST(FatalTest, CheckEvaluatesItsConditionOnce) {
  int evaluated = 0;
  CHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, 1);
}

TEST(FatalTest, DebugCheckCostsNothingInWhatShips) {
  int evaluated = 0;
  DCHECK(++evaluated == 1);
  EXPECT_EQ(evaluated, kDebug ? 1 : 0);
}

TEST(FatalDeathTest, DebugCheckDiesInDebugBuildsAlone) {
  if constexpr (kDebug) {
    EXPECT_EXIT(DCHECK(1 + 1 == 3), testing::KilledBySignal(SIGABRT), "1 \\+ 1 == 3");
  } else {
    DCHECK(1 + 1 == 3);
  }
}

TEST(FatalDeathTest, LetsTheProgramsHandlerRun) {
  const auto die = [] {
    signal(SIGABRT, [](int) { os::write_error("handled\n", std::strlen("handled\n")); });
    die_of_misuse(Misuse::kDoubleFree, pointer(0x10));
  };
  EXPECT_EXIT(die(), testing::KilledBySignal(SIGABRT), "free already\nhandled\n$");
}

}  // namespace
}  // namespace ralloc
