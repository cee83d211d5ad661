// Linked with libralloc.a: the loader's functions stay the C library's.
#include <gtest/gtest.h>

#include "support/process.h"

namespace {

TEST(StaticSymbolsTest, DlopenIsTheCLibrarys) {
  EXPECT_STREQ(ralloc_test::object_of(dlsym(RTLD_DEFAULT, "dlopen")),
               ralloc_test::object_of(dlsym(RTLD_DEFAULT, "dlclose")));
}

}  // namespace
