#include "alloc/oom_handlers.h"

#include <cstdint>

#include "ralloc/oom_handlers.h"
#include "shim/fatal.h"
#include "shim/log.h"
#include "shim/shared_value.h"

namespace ralloc {
namespace {

constinit SharedValue<OomHandler> process_handler{Config::kOomHandler};
// Set before any handler of the program's, and always to the same function.
constinit SharedValue<detail::OomRunner> run;
constinit thread_local OomHandler thread_handler [[gnu::tls_model("initial-exec")]] = nullptr;

// The innermost handler that this thread runs, or left by longjmp, of which nobody is told. What
// tells these two apart is where the frame is that called it: stacks grow down, so a handler
// is running only if that frame lies above those of whoever asks.
struct Running {
  std::uintptr_t frame = 0;
  unsigned depth = 0;
};
constinit thread_local Running running [[gnu::tls_model("initial-exec")]];

}  // namespace

OomHandler detail::set_oom_handler(OomHandler handler, OomRunner runner) noexcept {
  log_call("ralloc::set_oom_handler(%)", reinterpret_cast<const void*>(handler));
  run.replace(runner);
  return process_handler.replace(handler);
}

OomHandler detail::set_thread_oom_handler(OomHandler handler, OomRunner runner) noexcept {
  log_call("ralloc::set_thread_oom_handler(%)", reinterpret_cast<const void*>(handler));
  run.replace(runner);
  const OomHandler before = thread_handler;
  thread_handler = handler;
  return before;
}

void detail::left_oom_handler(const void* outer) noexcept {
  running = *static_cast<const Running*>(outer);
}

[[gnu::noinline]] void call_oom_handler(std::size_t size, std::size_t align) {
  const std::uintptr_t frame = std::uintptr_t(__builtin_frame_address(0));
  const Running outer = frame < running.frame ? running : Running{};
  const OomHandler own = thread_handler;
  const OomHandler handler = own != nullptr ? own : process_handler.get();
  if (handler == nullptr || outer.depth == kOomHandlersNested) die_of_exhaustion(size);
  log_warning("no memory for % B: the % OOM handler is called", size,
              own != nullptr ? "thread's" : "process's");
  running = {frame, outer.depth + 1};
  if (const detail::OomRunner runner = run.get()) return runner(handler, size, align, &outer);
  // The builder's own, which does not throw.
  handler(size, align);
  running = outer;
}

}  // namespace ralloc
