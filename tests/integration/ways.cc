#include "integration/ways.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <new>
#include <vector>

#include "alloc/allocator.h"
#include "faults/check_nothing_lost.h"
#include "faults/os_faulty.h"
#include "integration/crew.h"
#include "integration/owned.h"

namespace ralloc_test {
namespace {

// --- Canaries ------------------------------------------------------------------------------------

class Canaries {
 public:
  Canaries()
      : numbers_(500), box_(make_box(kInBox)), text_(kInText), odd_(77, 7), large_(40'000) {
    for (std::size_t i = 0; i < numbers_.size(); ++i) numbers_[i] = i * i;
  }
  void check() const {
    for (std::size_t i = 0; i < numbers_.size(); ++i) EXPECT_EQ(numbers_[i], i * i);
    EXPECT_EQ(*box_, kInBox);
    EXPECT_EQ(text_, kInText);
    odd_.check();
    large_.check();
  }

 private:
  static constexpr std::uint64_t kInBox = 0x0123'4567'89ab'cdef;
  static constexpr const char* kInText = "a string that is too long to be kept within itself";

  Vector<std::size_t> numbers_;
  Box<std::uint64_t> box_;
  Text text_;
  Bytes odd_;
  Bytes large_;
};

void run_among_canaries(const Idea& idea, const Steps& steps) {
  const Canaries canaries;
  idea.run(steps);
  canaries.check();
}

// --- Refusal -------------------------------------------------------------------------------------

// Of a block that has a page to itself.
constexpr std::size_t kOnePage = (std::size_t{1} << ralloc::Config::kPageShift) - ralloc::kRedZone;

// The idea starts with no address space but what the canaries and records lie in, so that it
// has to ask for all of its memory.
void give_addresses_back() {
  (void)ralloc::trim();
  ralloc::bookkeeper.release_sectors();
}

// False if the idea failed for lack of memory.
template <class Run>
bool has_memory_for(const Run& run) {
  try {
    run();
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

class Refusals {
 public:
  Refusals(const Idea& idea, std::uint64_t seed) : idea_(idea), steps_(seed, false, 10) {}

  std::size_t count() const { return count_; }

  // Whether a call failed.
  bool at_call(OsCall call, When when, std::size_t number) {
    give_addresses_back();
    const std::size_t failed_before = failed_calls();
    set_fault({call, when, number});
    const bool ran = has_memory_for([&] { run_among_canaries(idea_, steps_); });
    set_fault({});
    const bool struck = failed_calls() != failed_before;
    EXPECT_TRUE(ran || struck) << "memory was refused although no call failed";
    if (!ran) ++count_;
    check_nothing_lost();
    return struck;
  }

  // Pages can be had as long as there are some of those that were.
  void with_pages(std::size_t pages) {
    {
      const Canaries canaries;
      give_addresses_back();
      set_fault({OsCall::kCommit, When::kFrom, 1});
      std::vector<void*> ballast;  // not on ralloc
      while (void* page = ralloc::try_alloc(kOnePage)) ballast.push_back(page);
      for (; pages != 0 && !ballast.empty(); --pages) {
        ralloc::free(ballast.back(), kOnePage);
        ballast.pop_back();
      }
      if (!has_memory_for([&] { idea_.run(steps_); })) ++count_;
      canaries.check();
      for (void* page : ballast) ralloc::free(page, kOnePage);
      set_fault({});
    }
    check_nothing_lost();
  }

  // After all of that.
  void expect_none() {
    EXPECT_TRUE(has_memory_for([&] { run_among_canaries(idea_, steps_); }));
    check_nothing_lost();
  }

 private:
  const Idea& idea_;
  const Steps steps_;
  std::size_t count_ = 0;
};

}  // namespace

void alone(const Idea& idea, std::uint64_t seed) {
  run_among_canaries(idea, Steps(seed, false, 1));
  check_nothing_lost();
}

void in_nested_threads(const Idea& idea, std::uint64_t seed) {
  Crew outer;
  for (std::uint64_t o = 0; o < 2; ++o) {
    outer.add([&, o] {
      const Canaries canaries;
      Crew inner;
      for (std::uint64_t i = 0; i < 2; ++i) {
        inner.add([&, o, i] { run_among_canaries(idea, Steps(seed + 2 * o + i, false, 2)); });
      }
      inner.join();
      canaries.check();
    });
  }
  outer.join();
  check_nothing_lost();
}

void with_reallocation_between(const Idea& idea, std::uint64_t seed) {
  run_among_canaries(idea, Steps(seed, true, 2));
  check_nothing_lost();
}

void under_refusal(const Idea& idea, std::uint64_t seed) {
  constexpr std::size_t kCallsMost = kSanitized ? 3 : 10;
  Refusals refusals(idea, seed);
  // First: records that were made once stay, and later there would be enough of them.
  for (const std::size_t pages : {48, 32, 16, 12, 8, 6, 4, 3, 2, 1, 0}) {
    if (kSanitized && pages % 16 != 0) continue;
    refusals.with_pages(pages);
  }
  for (const OsCall call : {OsCall::kReserve, OsCall::kCommit}) {
    for (const When when : {When::kOnce, When::kFrom}) {
      std::size_t number = 1;
      while (number <= kCallsMost && refusals.at_call(call, when, number)) ++number;
    }
  }
  EXPECT_GT(refusals.count(), 0u) << "the idea never lacked memory";
  refusals.expect_none();
}

}  // namespace ralloc_test
