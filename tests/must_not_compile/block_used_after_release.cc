// A Block is used after its memory was released to other hands.
#include <ralloc/ralloc.h>

namespace ralloc_test {

using ralloc::Block;

void* used_raw() {
  Block block = Block::alloc(100);
  const ralloc::RawBlock raw = block.release();
  block = Block::adopt(raw);
  return block.data();
}

void* used() {
  Block block = Block::alloc(100);
  const ralloc::RawBlock raw = block.release();
  ralloc::free(raw.ptr, raw.size);
  return block.data();
  // expected-error@-1 {{'data' on object 'block' while it is in the 'consumed' state}}
}

std::size_t asked_for_its_size() {
  Block block = Block::alloc(100);
  const ralloc::RawBlock raw = block.release();
  ralloc::free(raw.ptr, block.size());
  // expected-error@-1 {{'size' on object 'block' while it is in the 'consumed' state}}
  return raw.size;
}

}  // namespace ralloc_test
