// A holder that was lost to a fork is noticed.
#include <gtest/gtest.h>

#include "shim/mutex.h"
#include "tests/support/build.h"
#include "tests/support/child.h"
#include "tests/support/mutex_bed.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::holds_in_child;
using ralloc_test::in_threads;
using MutexForkTest = ralloc_test::MutexBed;

TEST_F(MutexForkTest, ChildIsToldThatTheHolderDied) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] { return holder_died(); }));
    EXPECT_TRUE(holds_in_child([&] { return holder_died(); })) << "in a second child";
  });
}

TEST_F(MutexForkTest, ChildIsToldOnce) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] { return holder_died() && !holder_died(); }));
  });
}

TEST_F(MutexForkTest, ChildTakesOverWhatOthersWaitedFor) {
  while_held(true, [&] {
    EXPECT_TRUE(holds_in_child([&] { return holder_died() && !holder_died(); }));
  });
}

TEST_F(MutexForkTest, ChildWaitsForNoMutexThatWasFree) {
  EXPECT_TRUE(holds_in_child([&] { return !holder_died(); }));
}

TEST_F(MutexForkTest, ParentGoesOnAfterItsChildTookOver) {
  while_held(true, [&] { EXPECT_TRUE(holds_in_child([&] { return holder_died(); })); });
  EXPECT_FALSE(holder_died());
}

TEST_F(MutexForkTest, GrandchildIsToldThatTheHolderDied) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      return bool(holds_in_child([&] { return holder_died() && !holder_died(); }));
    }));
  });
}

TEST_F(MutexForkTest, GrandchildFindsFreeWhatTheChildTookOver) {
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      return holder_died() && holds_in_child([&] { return !holder_died(); });
    }));
  });
}

TEST_F(MutexForkTest, GrandchildIsToldThatAThreadOfTheChildDied) {
  if (ralloc_test::kThreadSanitizer) return;  // refuses threads in a forked child
  while_held(false, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      bool told = holder_died();
      while_held(false, [&] { told = told && holds_in_child([&] { return holder_died(); }); });
      return told && !holder_died();
    }));
  });
}

TEST_F(MutexForkTest, OneThreadOfTheChildIsTold) {
  if (ralloc_test::kThreadSanitizer) return;  // refuses threads in a forked child
  while_held(true, [&] {
    EXPECT_TRUE(holds_in_child([&] {
      unsigned told = 0;
      unsigned turns = 0;
      in_threads(4, [&](unsigned) {
        for (unsigned i = 0; i < 1000; ++i) {
          Guard guard(mutex_);
          told += guard.holder_died();
          ++turns;
        }
      });
      return told == 1 && turns == 4000;
    }));
  });
}

}  // namespace
}  // namespace ralloc
