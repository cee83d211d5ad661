// What magazines of each CPU would cost instead of each thread's: the same stack of pointers, found by
// the thread and by the CPU. Changes of the latter are restartable sequences (rseq(2), the kernel's
// rseq.rst): the kernel lets a thread that it interrupts in one begin again, so no atomic operation is
// needed. x86-64 and a C library that registers its threads (glibc 2.35) only.
#include <sys/mman.h>
#include <sys/rseq.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "bench/suite/cases.h"

namespace ralloc::bench {
namespace {

// As a magazine: a pointer to the topmost of an array, under whose first there is a null, and one to
// its last place.
struct Stack {
  static constexpr std::size_t kBlocks = 63;
  void** top;
  void** end;
  void* array[kBlocks + 1];
  // What half of the places have.
  alignas(64) unsigned char blocks[kBlocks / 2][64];
};
constexpr std::size_t kShift = 12;  // each CPU's at a distance of 4 KiB
static_assert(sizeof(Stack) <= std::size_t{1} << kShift);

thread_local Stack stack_of_thread [[gnu::tls_model("initial-exec")]];
unsigned char* stacks_of_cpus;
Stack& stack_of_cpu(std::size_t cpu) {
  return *reinterpret_cast<Stack*>(stacks_of_cpus + (cpu << kShift));
}

[[gnu::noinline]] void* pop_of_thread() {
  void** const top = stack_of_thread.top;
  void* const block = *top;
  if (block != nullptr) stack_of_thread.top = top - 1;
  return block;
}
[[gnu::noinline]] void push_of_thread(void* block) {
  void** const top = stack_of_thread.top;
  if (top == stack_of_thread.end) return;
  top[1] = block;
  stack_of_thread.top = top + 1;
}

// The begin and the end of a sequence. It begins by naming its descriptor to the kernel, which clears
// that when it sends the thread to the begin again; %rcx becomes the CPU's stack.
#define SEQUENCE_BEGIN                                                        \
  ".pushsection __rseq_cs, \"aw\"\n .balign 32\n"                             \
  "3: .long 0, 0\n .quad 1f, 2f - 1f, 4f\n .popsection\n"                     \
  "0: leaq 3b(%%rip), %%rcx\n movq %%rcx, %%fs:8(%[area])\n"                  \
  "1: movl %%fs:4(%[area]), %%ecx\n shlq %[shift], %%rcx\n addq %[stacks], %%rcx\n"
// Before where it is sent lies the signature that glibc has registered.
#define SEQUENCE_END                                                          \
  "2:\n .pushsection __rseq_failure, \"ax\"\n"                                \
  " .byte 0x0f, 0xb9, 0x3d\n .long %c[signature]\n 4: jmp 0b\n .popsection\n"
#define SEQUENCE_INPUTS                                                       \
  [area] "r"(__rseq_offset), [stacks] "r"(stacks_of_cpus), [shift] "i"(kShift), \
      [signature] "i"(RSEQ_SIG)

[[gnu::noinline]] void* pop_of_cpu() {
  void* block;
  void* top;
  asm volatile(SEQUENCE_BEGIN
               "movq (%%rcx), %[top]\n movq (%[top]), %[block]\n"
               "testq %[block], %[block]\n jz 2f\n"
               "subq $8, %[top]\n movq %[top], (%%rcx)\n" SEQUENCE_END
               : [block] "=&r"(block), [top] "=&r"(top)
               : SEQUENCE_INPUTS
               : "rcx", "memory", "cc");
  return block;
}
[[gnu::noinline]] void push_of_cpu(void* block) {
  void* top;
  asm volatile(SEQUENCE_BEGIN
               "movq (%%rcx), %[top]\n cmpq 8(%%rcx), %[top]\n je 2f\n"
               "movq %[block], 8(%[top])\n addq $8, %[top]\n movq %[top], (%%rcx)\n" SEQUENCE_END
               : [top] "=&r"(top)
               : [block] "r"(block), SEQUENCE_INPUTS
               : "rcx", "memory", "cc");
}

void fill(Stack& stack) {
  stack.top = stack.array;
  stack.end = stack.array + Stack::kBlocks;
  for (auto& block : stack.blocks) *++stack.top = block;
}

void* (*volatile pop)() = pop_of_thread;
void (*volatile push)(void*) = push_of_thread;

void pairs(State& state) {
  for (auto _ : state) {
    void* const block = pop();
    // (A thread that is moved between the two takes a block to another CPU, which may have none then.)
    if (block != nullptr) push(touch(block));
  }
  state.SetItemsProcessed(state.iterations());
}

void per_thread(State& state, std::size_t) {
  fill(stack_of_thread);
  if (state.thread_index() == 0) {
    pop = pop_of_thread;
    push = push_of_thread;
  }
  pairs(state);
}

void per_cpu(State& state, std::size_t) {
  if (state.thread_index() == 0) {
    static const auto cpus = std::size_t(sysconf(_SC_NPROCESSORS_CONF));
    if (stacks_of_cpus == nullptr) {
      void* const stacks = mmap(nullptr, cpus << kShift, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (stacks != MAP_FAILED) stacks_of_cpus = static_cast<unsigned char*>(stacks);
    }
    for (std::size_t cpu = 0; stacks_of_cpus != nullptr && cpu < cpus; ++cpu) {
      fill(stack_of_cpu(cpu));
    }
    pop = pop_of_cpu;
    push = push_of_cpu;
  }
  pairs(state);
}

const AddCases cases{{"limits/per_thread", "a pointer is popped off a stack of the thread's and pushed again",
                      per_thread}};
// Where the kernel has no rseq(2), or Valgrind stands before it, there is no such case.
const bool is_added = __rseq_size != 0 && [] {
  AddCases{{"limits/per_cpu", "the same, off a stack of the CPU's, by restartable sequences", per_cpu}};
  return true;
}();

}  // namespace
}  // namespace ralloc::bench
