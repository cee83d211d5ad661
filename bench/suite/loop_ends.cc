// Where the timed loops begin and end. Google Benchmark tells nobody: the linker puts these in the
// place of State's first and last step of a loop (--wrap), so that no case need know of it, and its
// loop is the same machine code. All threads wait for each other within the real ones.
#include <benchmark/benchmark.h>

#include "bench/suite/waits.h"

extern "C" {

void __real__ZN9benchmark5State16StartKeepRunningEv(benchmark::State*);
void __real__ZN9benchmark5State17FinishKeepRunningEv(benchmark::State*);
void __wrap__ZN9benchmark5State16StartKeepRunningEv(benchmark::State*);
void __wrap__ZN9benchmark5State17FinishKeepRunningEv(benchmark::State*);

void __wrap__ZN9benchmark5State16StartKeepRunningEv(benchmark::State* state) {
  __real__ZN9benchmark5State16StartKeepRunningEv(state);
  ralloc::bench::enter_loop();
}

void __wrap__ZN9benchmark5State17FinishKeepRunningEv(benchmark::State* state) {
  ralloc::bench::leave_loop();
  __real__ZN9benchmark5State17FinishKeepRunningEv(state);
}

}  // extern "C"
