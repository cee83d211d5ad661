#include "shim/call_stack.h"

#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

#include <cstddef>
#include <cstdint>

#include "shim/line.h"

namespace ralloc {
namespace {

struct Frames {
  void** frames;
  unsigned most;
  unsigned count;
};

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* data) {
  Frames& found = *static_cast<Frames*>(data);
  const std::uintptr_t at = _Unwind_GetIP(context);
  if (at == 0 || found.count == found.most) return _URC_END_OF_STACK;
  found.frames[found.count++] = reinterpret_cast<void*>(at);
  return _URC_NO_REASON;
}

constinit thread_local bool is_capturing [[gnu::tls_model("initial-exec")]] = false;

}  // namespace

unsigned capture_call_stack(void** frames, unsigned most) noexcept {
  if (is_capturing) return 0;
  is_capturing = true;
  Frames found{frames, most, 0};
  _Unwind_Backtrace(add_frame, &found);
  is_capturing = false;
  return found.count;
}

void describe_frame(Line& line, void* frame) noexcept {
  Dl_info info{};
  link_map* module = nullptr;
  // The call is before the address to which it returns.
  const std::uintptr_t call = reinterpret_cast<std::uintptr_t>(frame) - 1;
  if (dladdr1(reinterpret_cast<void*>(call), &info, reinterpret_cast<void**>(&module),
              RTLD_DL_LINKMAP) == 0 || info.dli_fname == nullptr) {
    line.text("?? (").hex(call).text(")");
    return;
  }
  // What is too long is cut, and the place comes after it.
  constexpr std::size_t kPlace = 160;
  constexpr std::size_t kOffset = 24;
  if (info.dli_sname != nullptr) line.keep(kPlace).text(info.dli_sname).keep(0).text(" ");
  line.keep(kOffset).text("(").text(info.dli_fname).keep(0);
  // From where addresses in the file count, which is 0 in a program at a fixed place.
  line.text("+").hex(call - module->l_addr).text(")");
}

}  // namespace ralloc
