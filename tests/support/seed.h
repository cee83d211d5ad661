// The seed of a randomised test.
//
// Thread safety: one thread.
#pragma once

#include <errno.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>

namespace ralloc_test {

// Another one in each run, or that of the environment; printed with how to repeat the run.
inline std::uint64_t new_seed() {
  const char* wanted = std::getenv("RALLOC_TEST_SEED");
  const std::uint64_t seed =
      wanted != nullptr ? std::strtoull(wanted, nullptr, 0) : std::random_device{}();
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  std::printf("repeat with: RALLOC_TEST_SEED=%llu %s --gtest_filter=%s.%s\n",
              static_cast<unsigned long long>(seed), program_invocation_name,
              test->test_suite_name(), test->name());
  std::fflush(stdout);  // the test may abort
  return seed;
}

}  // namespace ralloc_test
