#include "bench/suite/waits.h"

#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <iterator>

// A system call from a place of its own, by which the filter knows it: it lets those from there pass.
extern "C" {
[[gnu::visibility("hidden")]] long suite_call(long number, long a = 0, long b = 0, long c = 0,
                                              long d = 0, long e = 0, long f = 0);
[[gnu::visibility("hidden")]] extern const char suite_call_end[];
}
asm(R"(
  .pushsection .text
  .globl suite_call, suite_call_end
  .hidden suite_call, suite_call_end
  .type suite_call, @function
suite_call:
  mov %rdi, %rax
  mov %rsi, %rdi
  mov %rdx, %rsi
  mov %rcx, %rdx
  mov %r8, %r10
  mov %r9, %r8
  mov 8(%rsp), %r9
  syscall
suite_call_end:
  ret
  .popsection
)");

namespace ralloc::bench {
namespace {

// All relaxed: they are counts, read when the threads have ended.
std::atomic<std::uint64_t> waits{0}, sleeps{0}, yields{0};
std::atomic<int> open_loops{0};

// A thread that has none counts while there is one: it was started there.
enum class Loop : unsigned char { kNone, kOutside, kInside };
thread_local Loop loop = Loop::kNone;

bool is_in_loop() {
  return loop == Loop::kInside ||
         (loop == Loop::kNone && open_loops.load(std::memory_order_relaxed) != 0);
}

void handed_over(int, siginfo_t* info, void* context) {
  greg_t* const registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  const bool is_counted = is_in_loop();
  const long result = suite_call(info->si_syscall, registers[REG_RDI], registers[REG_RSI],
                                 registers[REG_RDX], registers[REG_R10], registers[REG_R8],
                                 registers[REG_R9]);
  registers[REG_RAX] = result;
  if (!is_counted) return;
  if (info->si_syscall != SYS_futex) {
    yields.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  waits.fetch_add(1, std::memory_order_relaxed);
  if (result != -EAGAIN) sleeps.fetch_add(1, std::memory_order_relaxed);
}

// --- The filter: a program for the kernel, which runs it at each system call ---
constexpr sock_filter load(std::size_t offset) {
  return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, std::uint32_t(offset));
}
constexpr sock_filter unless_equal_skip(std::uint32_t value, std::uint8_t steps) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, steps);
}
constexpr sock_filter clear(std::uint32_t bits) {
  return BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~bits);
}
constexpr sock_filter kPass = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
constexpr sock_filter kHandOver = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);

bool install_filter() {
  constexpr std::size_t kCaller = offsetof(seccomp_data, instruction_pointer);
  const auto own = reinterpret_cast<std::uintptr_t>(suite_call_end);
  sock_filter steps[] = {
      load(kCaller), unless_equal_skip(std::uint32_t(own), 3),
      load(kCaller + 4), unless_equal_skip(std::uint32_t(own >> 32), 1), kPass,
      load(offsetof(seccomp_data, nr)),
      unless_equal_skip(SYS_sched_yield, 1), kHandOver,
      unless_equal_skip(SYS_nanosleep, 1), kHandOver,
      unless_equal_skip(SYS_clock_nanosleep, 1), kHandOver,
      unless_equal_skip(SYS_futex, 10),
      load(offsetof(seccomp_data, args) + 8), clear(FUTEX_CLOCK_REALTIME),
      unless_equal_skip(FUTEX_WAIT_PRIVATE, 1), kHandOver,
      unless_equal_skip(FUTEX_WAIT_BITSET_PRIVATE, 1), kHandOver,
      unless_equal_skip(FUTEX_LOCK_PI_PRIVATE, 1), kHandOver,
      unless_equal_skip(FUTEX_LOCK_PI2_PRIVATE, 1), kHandOver,
      kPass,
  };
  const sock_fprog program = {std::size(steps), steps};
  // Without new privileges anyone may have a filter.
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

}  // namespace

bool count_waits() {
  struct sigaction action = {};
  action.sa_sigaction = handed_over;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  return sigaction(SIGSYS, &action, nullptr) == 0 && install_filter();
}

Waits waits_in_loops() {
  return {waits.load(std::memory_order_relaxed), sleeps.load(std::memory_order_relaxed),
          yields.load(std::memory_order_relaxed)};
}

void stand_outside_of_loop() { loop = Loop::kOutside; }

void enter_loop() {
  loop = Loop::kInside;
  open_loops.fetch_add(1, std::memory_order_relaxed);
}

void leave_loop() {
  open_loops.fetch_sub(1, std::memory_order_relaxed);
  loop = Loop::kOutside;
}

void yield_of_the_case() { suite_call(SYS_sched_yield); }

}  // namespace ralloc::bench
