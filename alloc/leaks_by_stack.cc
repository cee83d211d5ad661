// The debugger build's list of leaks.
#include <algorithm>

#include "alloc/checked.h"
#include "alloc/leaks.h"
#include "global_pool/call_stacks.h"
#include "global_pool/live_blocks.h"
#include "shim/call_stack.h"

namespace ralloc {

extern LiveBlocks live_blocks;
extern CallStacks call_stacks;

namespace {

struct Leak {
  std::size_t blocks = 0;
  std::size_t bytes = 0;
};
constinit Leak leaks[CallStacks::kMost];  // by the numbers of their stacks
constinit std::uint32_t order[CallStacks::kMost] = {};

void write_stack(std::uint32_t number) {
  const Leak& leak = leaks[number];
  Line().text("leaks: ").decimal(leak.bytes).text(" bytes in ").decimal(leak.blocks)
      .text(leak.blocks == 1 ? " block, allocated by" : " blocks, allocated by").write_error();
  if (number == 0) {
    Line().text("    what is not known, before leaks=1 was read or by too many ways").write_error();
    return;
  }
  const CallStacks::CallStack& stack = call_stacks.at(number);
  for (unsigned i = 0; i < stack.count; ++i) {
    Line line;
    line.text("    ");
    describe_frame(line, stack.frames[i]);
    line.write_error();
  }
}

}  // namespace

bool list_leaks_by_stack() noexcept {
  if (!live_blocks.is_complete()) return false;
  std::size_t blocks = 0;
  std::size_t bytes = 0;
  std::uintptr_t from = 0;
  for (;;) {
    const LiveBlocks::Interval block = live_blocks.next(from);
    if (block.begin == nullptr) break;
    from = reinterpret_cast<std::uintptr_t>(block.begin) + 1;
    ++leaks[block.stack].blocks;
    leaks[block.stack].bytes += block.size;
    ++blocks;
    bytes += block.size;
  }
  write_leaks(blocks, bytes);
  std::size_t stacks = 0;
  for (std::uint32_t number = 0; number < CallStacks::kMost; ++number) {
    if (leaks[number].blocks != 0) order[stacks++] = number;
  }
  std::sort(order, order + stacks,
            [](std::uint32_t a, std::uint32_t b) { return leaks[a].bytes > leaks[b].bytes; });
  for (std::size_t i = 0; i < stacks; ++i) write_stack(order[i]);
  if (stacks != 0) {
    Line().text("leaks: for lines of source: addr2line -Cfipe MODULE OFFSET").write_error();
  }
  return true;
}

}  // namespace ralloc
