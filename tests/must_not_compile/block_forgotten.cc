// What a call gives is forgotten: memory, or whether there is any.
#include <ralloc/ralloc.h>

#include <utility>

namespace ralloc_test {

using ralloc::Block;

void kept(Block& block) {
  Block other = Block::alloc(100);
  Block tail = block.split(50);
  tail = block.merge(std::move(tail));
  const ralloc::RawBlock raw = block.release();
  block = Block::adopt(raw);
  if (ralloc::Result<void> done = block.try_resize(200); !done) return;
  if (!block.inplace_resize(100)) block.resize(100);
}

void block_forgotten() {
  Block::alloc(100);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
}

void result_forgotten() {
  Block::try_alloc(100);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
}

void tail_forgotten(Block& block) {
  block.split(50);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
}

void adopted_and_forgotten(ralloc::RawBlock raw) {
  Block::adopt(raw);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
}

void released_and_forgotten(Block& block) {
  block.release();
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
}

void answers_forgotten(Block& block, Block& other) {
  block.merge(std::move(other));
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  block.try_resize(200);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  block.inplace_resize(200);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  block.inplace_resize_at_least(200, 300);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
}

void pointers_forgotten(void* ptr) {
  ralloc::alloc(100);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
  ralloc::realloc(ptr, 100, 200);
  // expected-error@-1 {{ignoring return value of function declared with 'nodiscard' attribute}}
}

}  // namespace ralloc_test
