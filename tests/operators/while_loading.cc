// A new that fails while another thread has the loader's lock, and waits for it.
// Usage: while_loading PLUGIN
#include <unistd.h>

#include <new>
#include <thread>

#include "operators/forms.h"
#include "support/process.h"

namespace {

bool is_done = false;

void throw_bad_alloc() { throw std::bad_alloc(); }

void fail_in_each_form() {
  for (const ralloc_test::Form& form : ralloc_test::kForms) {
    void* block = nullptr;
    try {
      block = form.allocate(ralloc_test::opaque(std::size_t{1} << 46));
    } catch (const std::bad_alloc&) {
    }
    REQUIRE(block == nullptr);
  }
}

}  // namespace

// The plugin's constructor calls it, within dlopen.
extern "C" void at_load() {
  std::thread([] {
    fail_in_each_form();
    std::set_new_handler(throw_bad_alloc);
    fail_in_each_form();
    is_done = true;
  }).join();
}

int main(int argc, char** argv) {
  REQUIRE(argc == 2);
  REQUIRE(ralloc_test::malloc_is_ralloc());
  alarm(20);
  REQUIRE(dlopen(argv[1], RTLD_NOW) != nullptr);
  REQUIRE(is_done);
  return 0;
}
