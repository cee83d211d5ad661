// The hook of every thread runs once, when it ends.
#include "shim/thread_exit.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/build.h"
#include "tests/support/threads.h"

namespace ralloc {
namespace {

using ralloc_test::in_fresh_thread;
using ralloc_test::in_threads;

// What a thread leaves behind: the order in which things came to their end.
thread_local std::string* this_record = nullptr;

// The one hook of this program: a process has no second.
void on_exit(void* record) { *static_cast<std::string*>(record) += "hook "; }

struct WithDestructor {
  ~WithDestructor() { *this_record += "destructor "; }
};

TEST(ThreadExitTest, HookRunsWhenTheThreadEnds) {
  std::string record;
  std::string at_end_of_body;
  in_fresh_thread([&] {
    EXPECT_TRUE(at_thread_exit(&on_exit, &record));
    at_end_of_body = record;
  });
  EXPECT_EQ(at_end_of_body, "");
  EXPECT_EQ(record, "hook ");
}

TEST(ThreadExitTest, HookRunsOnceHoweverOftenItWasAskedFor) {
  std::string record;
  in_fresh_thread([&] {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(at_thread_exit(&on_exit, &record));
  });
  EXPECT_EQ(record, "hook ");
}

TEST(ThreadExitTest, HookRunsAfterThreadLocalDestructors) {
  std::string record;
  in_fresh_thread([&] {
    EXPECT_TRUE(at_thread_exit(&on_exit, &record));
    this_record = &record;
    thread_local WithDestructor with_destructor;
    (void)&with_destructor;
  });
  EXPECT_EQ(record, "destructor hook ");
}

TEST(ThreadExitTest, ThreadThatDidNotAskHasNoHook) {
  std::string record;
  in_fresh_thread([&] { EXPECT_TRUE(at_thread_exit(&on_exit, &record)); });
  in_fresh_thread([] {});
  EXPECT_EQ(record, "hook ");
}

TEST(ThreadExitTest, EachThreadHasItsOwnValue) {
  std::string records[8];
  in_threads(8, [&](unsigned i) { EXPECT_TRUE(at_thread_exit(&on_exit, &records[i])); });
  for (const std::string& record : records) EXPECT_EQ(record, "hook ");
}

// In a process of its own, which has no hook yet.
TEST(ThreadExitDeathTest, IsRefusedWithoutAKey) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto ask_without_keys = [] {
    pthread_key_t key;
    while (pthread_key_create(&key, nullptr) == 0) {
    }
    std::string record;
    const bool refused = !at_thread_exit(&on_exit, &record);
    pthread_key_delete(key);
    const bool granted = at_thread_exit(&on_exit, &record);
    ralloc_test::dump_coverage();
    _exit(refused && granted ? 0 : 1);
  };
  EXPECT_EXIT(ask_without_keys(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace ralloc
