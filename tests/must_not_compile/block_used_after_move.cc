// A Block is used after it was moved: the memory is another's.
#include <ralloc/ralloc.h>

#include <utility>

namespace ralloc_test {

using ralloc::Block;

void keep(Block block);

std::size_t used_before() {
  Block block = Block::alloc(100);
  const std::size_t size = block.size();
  keep(std::move(block));
  block = Block::alloc(200);
  return size + block.size();
}

std::size_t used_after_it_was_given() {
  Block block = Block::alloc(100);
  keep(std::move(block));
  return block.size();
  // expected-error@-1 {{'size' on object 'block' while it is in the 'consumed' state}}
}

void* used_after_it_became_another() {
  Block block = Block::alloc(100);
  Block other = std::move(block);
  return block.data();
  // expected-error@-1 {{'data' on object 'block' while it is in the 'consumed' state}}
}

Block split_after_it_was_assigned(Block& to) {
  Block block = Block::alloc(100);
  to = std::move(block);
  return block.split(50);
  // expected-error@-1 {{'split' on object 'block' while it is in the 'consumed' state}}
}

void* used_after_it_was_joined() {
  Block block = Block::alloc(100);
  Block tail = block.split(50);
  Block rest = block.merge(std::move(tail));
  if (rest) return rest.data();
  return tail.data();
  // expected-error@-1 {{'data' on object 'tail' while it is in the 'consumed' state}}
}

void resized_after_it_was_given() {
  Block block = Block::alloc(100);
  keep(std::move(block));
  block.resize(200);
  // expected-error@-1 {{'resize' on object 'block' while it is in the 'consumed' state}}
}

void* used_though_empty() {
  Block block;
  return block.data();
  // expected-error@-1 {{'data' on object 'block' while it is in the 'consumed' state}}
}

}  // namespace ralloc_test
