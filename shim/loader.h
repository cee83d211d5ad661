// What the drop-in has to do with the dynamic loader: where the dlopen behind its own is, and a
// way to hand a call on to it that leaves no trace.
//
// Thread safety: any thread, before main and at exit too. The loader's own lock is taken, once.
// Invariants: who is called at last finds the stack, the return address and the first argument of
// who called first.
#pragma once

#include <dlfcn.h>

#include <atomic>
#include <cstdint>

namespace ralloc::os {

// The flag of dlopen by which a plugin looks for what it needs in itself and its libraries first;
// 0 where the system has none.
#if defined(RTLD_DEEPBIND)
inline constexpr int kDeepbindFlag = RTLD_DEEPBIND;
#else
inline constexpr int kDeepbindFlag = 0;
#endif

using Dlopen = void*(const char* file, int flags);

// The dlopen that would be found without ours. Null if there is none, which dlerror tells then; or
// if dlsym gives ours, since somebody has taken its place and asks from where he stands.
inline Dlopen* next_dlopen() noexcept {
  static constinit std::atomic<Dlopen*> remembered{nullptr};
  // Relaxed, here and below: it is code, and all who look find the same.
  Dlopen* next = remembered.load(std::memory_order_relaxed);
  if (next == nullptr) {
    next = reinterpret_cast<Dlopen*>(dlsym(RTLD_NEXT, "dlopen"));
    if (next == &::dlopen) next = nullptr;
    remembered.store(next, std::memory_order_relaxed);
  }
  return next;
}

// Where a call goes on, and the second argument that it has there: two registers.
struct Onward {
  const void* function;
  std::intptr_t second;
};

}  // namespace ralloc::os

// Defines `name`, an exported C function of two arguments, pointers or integers. It calls `plan`
// with them, a hidden C function that returns an Onward, and goes on to the function that this
// names: which gets the first argument as it was, and finds return address and stack as if it had
// been called itself. Compilers mostly make the same of a call at the end of a function, but not
// without optimisation, and g++ 12 cannot be asked to promise it.
#define RALLOC_HAND_ON(name, plan)                        \
  asm(".pushsection .text." #name ", \"ax\", @progbits\n" \
      ".globl " #name "\n"                                \
      ".type " #name ", @function\n"                      \
      ".p2align 4\n"                                      \
      #name ":\n"                                         \
      ".cfi_startproc\n"                                  \
      RALLOC_CALL_PLAN_AND_JUMP(plan)                     \
      ".cfi_endproc\n"                                    \
      ".size " #name ", . - " #name "\n"                  \
      ".popsection\n")

#if defined(__x86_64__) && defined(__LP64__)
#define RALLOC_CALL_PLAN_AND_JUMP(plan) \
  "push %rdi\n"                         \
  ".cfi_adjust_cfa_offset 8\n"          \
  "call " #plan "\n"                    \
  "pop %rdi\n"                          \
  ".cfi_adjust_cfa_offset -8\n"         \
  "mov %rdx, %rsi\n"                    \
  "jmp *%rax\n"
#elif defined(__aarch64__) && defined(__LP64__)
// (hint 34: indirect calls may arrive here, where the processor asks for that.)
#define RALLOC_CALL_PLAN_AND_JUMP(plan) \
  "hint 34\n"                           \
  "stp x29, x30, [sp, -32]!\n"          \
  ".cfi_adjust_cfa_offset 32\n"         \
  ".cfi_rel_offset x29, 0\n"            \
  ".cfi_rel_offset x30, 8\n"            \
  "mov x29, sp\n"                       \
  "str x0, [sp, 16]\n"                  \
  "bl " #plan "\n"                      \
  "mov x16, x0\n"                       \
  "ldr x0, [sp, 16]\n"                  \
  "ldp x29, x30, [sp], 32\n"            \
  ".cfi_adjust_cfa_offset -32\n"        \
  ".cfi_restore x29\n"                  \
  ".cfi_restore x30\n"                  \
  "br x16\n"
#else
// For this processor there is none: nothing is defined, and the next `name` is found in its place.
#undef RALLOC_HAND_ON
#define RALLOC_HAND_ON(name, plan) static_assert(true)
#endif
