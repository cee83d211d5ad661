// A Block is used after it was freed.
#include <ralloc/ralloc.h>

#include <utility>

namespace ralloc_test {

using ralloc::Block;

std::size_t used_before() {
  Block block = Block::alloc(100);
  const std::size_t size = block.size();
  block.free();
  return size;
}

void* used() {
  Block block = Block::alloc(100);
  block.free();
  return block.data();
  // expected-error@-1 {{'data' on object 'block' while it is in the 'consumed' state}}
}

bool resized() {
  Block block = Block::alloc(100);
  block.free();
  return block.inplace_resize(50);
  // expected-error@-1 {{'inplace_resize' on object 'block' while it is in the 'consumed' state}}
}

Block joined() {
  Block block = Block::alloc(100);
  Block tail = block.split(50);
  block.free();
  return block.merge(std::move(tail));
  // expected-error@-1 {{'merge' on object 'block' while it is in the 'consumed' state}}
}

}  // namespace ralloc_test
