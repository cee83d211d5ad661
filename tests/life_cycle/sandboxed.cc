// A program that locks itself into a sandbox, which ends who makes another system call than allocators
// are known for. It has allocated before, and memory decays; another thread allocates there first.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "support/process.h"

namespace {

pthread_barrier_t is_there;  // at first the thread, and then the sandbox

constexpr sock_filter allow(unsigned call, unsigned left) {
  // To the last line but one, which allows.
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, static_cast<unsigned char>(left), 0);
}

void enter_sandbox() {
  constexpr unsigned kCalls[] = {SYS_brk,      SYS_mmap,       SYS_munmap,        SYS_mprotect,
                                 SYS_madvise,  SYS_mremap,     SYS_futex,         SYS_getrandom,
                                 SYS_write,    SYS_exit_group, SYS_clock_gettime, SYS_clock_nanosleep,
                                 SYS_exit,     SYS_sched_yield, SYS_rt_sigprocmask};
  constexpr unsigned kCount = sizeof kCalls / sizeof *kCalls;
  sock_filter lines[kCount + 3];
  lines[0] = BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr));
  for (unsigned i = 0; i < kCount; ++i) lines[i + 1] = allow(kCalls[i], kCount - i);
  lines[kCount + 1] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
  lines[kCount + 2] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  const sock_fprog program = {kCount + 3, lines};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0);
}

void work() {
  for (int round = 0; round < 25; ++round) {
    void* blocks[400];
    for (std::size_t i = 0; i < 400; ++i) {
      const std::size_t size = i % 50 == 0 ? 3'000'000 : 16 + i * 37 % 60'000;
      blocks[i] = std::malloc(size);
      REQUIRE(blocks[i] != nullptr);
      std::memset(blocks[i], 1, 16);
    }
    for (void* block : blocks) std::free(block);
    const timespec pause = {0, 100'000'000};  // free memory decays after a second
    nanosleep(&pause, nullptr);
  }
}

void* run_thread(void*) {
  pthread_barrier_wait(&is_there);
  pthread_barrier_wait(&is_there);
  work();
  return nullptr;
}

}  // namespace

int main() {
  REQUIRE(ralloc_test::malloc_is_ralloc());
  REQUIRE(pthread_barrier_init(&is_there, nullptr, 2) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, nullptr, run_thread, nullptr) == 0);
  std::free(ralloc_test::opaque(std::malloc(100)));
  pthread_barrier_wait(&is_there);
  enter_sandbox();
  pthread_barrier_wait(&is_there);
  work();
  (void)malloc_trim(0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  _exit(0);
}
