// A Block is freed, and then freed or released again.
#include <ralloc/ralloc.h>

#include <utility>

namespace ralloc_test {

using ralloc::Block;

void once(bool early) {
  Block block = Block::alloc(100);
  if (early) {
    block.free();
  }
}

void freed_twice() {
  Block block = Block::alloc(100);
  block.free();
  block.free();
  // expected-error@-1 {{'free' on object 'block' while it is in the 'consumed' state}}
}

void part_freed_twice() {
  Block block = Block::alloc(100);
  Block tail = block.split(50);
  block.free();
  tail.free();
  tail.free();
  // expected-error@-1 {{'free' on object 'tail' while it is in the 'consumed' state}}
}

void released_and_freed() {
  Block block = Block::alloc(100);
  const ralloc::RawBlock raw = block.release();
  ralloc::free(raw.ptr, raw.size);
  block.free();
  // expected-error@-1 {{'free' on object 'block' while it is in the 'consumed' state}}
}

void released_twice(ralloc::RawBlock* kept) {
  Block block = Block::alloc(100);
  kept[0] = block.release();
  kept[1] = block.release();
  // expected-error@-1 {{'release' on object 'block' while it is in the 'consumed' state}}
}

void moved_and_freed(Block& to) {
  Block block = Block::alloc(100);
  to = std::move(block);
  block.free();
  // expected-error@-1 {{'free' on object 'block' while it is in the 'consumed' state}}
}

}  // namespace ralloc_test
