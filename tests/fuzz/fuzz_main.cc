// A libFuzzer target: bytes are played as operations on the subject, against the oracle of the
// model test. What went wrong is printed as a program, and how to play the same bytes again.
//
// Thread safety: one thread, the fuzzer's.
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "fuzz/decode.h"
#include "model/journal.h"
#include "model/player.h"
#include "model/program.h"
#include "model/subject.h"

namespace ralloc_test {
namespace {

const char* program = "";
const std::uint8_t* input = nullptr;
std::size_t input_size = 0;
struct sigaction fuzzers_action;  // writes the input to a file

void report() {
  const Journal& journal = Journal::instance();
  std::string bytes;
  for (std::size_t i = 0; i < input_size; ++i) {
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02x", input[i]);
    bytes += text;
  }
  std::fprintf(stderr, "%s// which ends so: %s\n",
               program_of(journal.last_steps(0, Journal::kMostKept)).c_str(),
               journal.failure()[0] != 0 ? journal.failure() : "the subject gave up");
  std::fprintf(stderr, "FAILED: %s\nreproduce: printf '%s' > failed_input; %s failed_input\n",
               journal.failure()[0] != 0 ? journal.failure() : "the subject gave up",
               bytes.c_str(), program);
}

// The process is about to die of it: what this allocates need not be async-signal-safe for the
// subject, which has memory of its own.
void on_abort(int) {
  sigaction(SIGABRT, &fuzzers_action, nullptr);
  report();
  raise(SIGABRT);
}

void install_report() {
  struct sigaction ours = {};
  ours.sa_handler = on_abort;
  ours.sa_flags = SA_NODEFER;
  sigaction(SIGABRT, &ours, &fuzzers_action);
}

void play(const Operations& operations) {
  static const std::size_t elsewhere = subject.bytes_in_use();
  Player player(0, 0, nullptr);
  for (const Operation& operation : operations) player.play(operation);
  player.check_bytes_in_use(elsewhere);
  player.free_all();
  player.check_bytes_in_use(elsewhere);
}

}  // namespace
}  // namespace ralloc_test

extern "C" int LLVMFuzzerInitialize(int*, char*** argv) {
  ralloc_test::program = (*argv)[0];
  ralloc_test::Journal::instance().set_end([] { std::abort(); });
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ralloc_test;
  // Once the fuzzer has its own handler, which ours calls.
  static const bool installed = (install_report(), true);
  (void)installed;
  input = data;
  input_size = size;
  Journal::instance().clear(Journal::kMostKept);
  play(decode({data, size}));
  return 0;
}
