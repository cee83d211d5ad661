// Allocates at every moment before main, from the first on that a program can have code run:
// .preinit_array comes before the constructors of all libraries. Main finds all of it intact.
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "support/kept_blocks.h"
#include "support/process.h"

namespace {

using ralloc_test::KeptBlocks;

enum Moment { kPreinit, kEarliestConstructor, kConstructor, kStaticInitialiser, kMoments };
constinit KeptBlocks kept[kMoments];
constinit void* from_every_entry[5];

void allocate_at(Moment moment) { kept[moment].allocate(static_cast<unsigned char>(1 + moment)); }

void at_preinit(int, char**, char**) {
  from_every_entry[0] = std::calloc(10, 10);
  from_every_entry[1] = std::realloc(nullptr, 100000);
  from_every_entry[2] = std::aligned_alloc(4096, 100);
  from_every_entry[3] = ::operator new(50);
  from_every_entry[4] = std::malloc(0);
  std::free(std::malloc(30));
  allocate_at(kPreinit);
}

[[gnu::used, gnu::section(".preinit_array")]] void (*preinit)(int, char**, char**) = at_preinit;

[[gnu::constructor(101)]] void earliest() {
  kept[kPreinit].check();
  allocate_at(kEarliestConstructor);
}

// A thread before main, which frees what it did not allocate.
[[gnu::constructor]] void ordinary() {
  allocate_at(kConstructor);
  std::thread([] {
    KeptBlocks own;
    own.allocate(99);
    std::free(from_every_entry[4]);
    own.check_and_free();
  }).join();
}

const std::vector<std::string>& initialised_statically() {
  static const auto* const strings = [] {
    allocate_at(kStaticInitialiser);
    return new std::vector<std::string>(1000, std::string(100, 's'));
  }();
  return *strings;
}
const std::vector<std::string>& strings = initialised_statically();

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  for (KeptBlocks& blocks : kept) blocks.check_and_free();
  for (int i = 0; i < 100; ++i) REQUIRE(static_cast<char*>(from_every_entry[0])[i] == 0);
  for (int i = 0; i < 3; ++i) std::free(from_every_entry[i]);
  ::operator delete(from_every_entry[3]);
  for (const std::string& each : strings) REQUIRE(each == std::string(100, 's'));
  delete &strings;
  return 0;
}
