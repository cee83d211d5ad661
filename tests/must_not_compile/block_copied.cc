// What one has alone cannot be had twice.
#include <ralloc/ralloc.h>

#include <utility>

namespace ralloc_test {

using ralloc::Block;

void keep(Block block);

void moved() {
  Block block = Block::alloc(100);
  Block other(std::move(block));
  keep(std::move(other));
}

void copied() {
  Block block = Block::alloc(100);
  Block other(block);
  // expected-error@-1 {{call to implicitly-deleted copy constructor of 'ralloc::Block'}}
  keep(block);
  // expected-error@-1 {{call to implicitly-deleted copy constructor of 'ralloc::Block'}}
  other = block;
  // expected-error@-1 {{because its copy assignment operator is implicitly deleted}}
}

void result_copied() {
  ralloc::Result<Block> result = Block::try_alloc(100);
  ralloc::Result<Block> other(result);
  // expected-error@-1 {{call to deleted constructor of 'ralloc::Result<Block>'}}
}

}  // namespace ralloc_test
