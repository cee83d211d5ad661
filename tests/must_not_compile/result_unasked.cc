// A value is used, and there may be none.
#include <ralloc/ralloc.h>

#include <utility>

namespace ralloc_test {

using ralloc::Block;
using ralloc::Result;

std::size_t asked() {
  Result<Block> result = Block::try_alloc(100);
  if (!result) return result.error() == ralloc::AllocError::kExhausted ? 0 : 1;
  const Block block = std::move(result).value();
  return block.size();
}

std::size_t asked_by_name() {
  Result<Block> result = Block::try_alloc(100);
  if (result.has_value()) return result->size() + (*result).size() + result.value().size();
  return 0;
}

std::size_t used_by_name() {
  Result<Block> result = Block::try_alloc(100);
  return result.value().size();
  // expected-error@-1 {{'value' on object 'result' while it is in the 'unknown' state}}
}

std::size_t used_by_star() {
  Result<Block> result = Block::try_alloc(100);
  return (*result).size();
  // expected-error@-1 {{'operator*' on object 'result' while it is in the 'unknown' state}}
}

std::size_t used_by_arrow() {
  Result<Block> result = Block::try_alloc(100);
  return result->size();
  // expected-error@-1 {{'operator->' on object 'result' while it is in the 'unknown' state}}
}

Block moved_out() {
  return Block::try_alloc(100).value();
  // expected-error@-1 {{'value' on a temporary object while it is in the 'unknown' state}}
}

Block asked_the_wrong_way() {
  Result<Block> result = Block::try_alloc(100);
  if (result) return Block();
  return std::move(result).value();
  // expected-error@-1 {{'value' on a temporary object while it is in the 'consumed' state}}
}

std::size_t used_after_it_was_moved_out() {
  Result<Block> result = Block::try_alloc(100);
  if (!result) return 0;
  const Block block = std::move(result).value();
  return result->size();
  // expected-error@-1 {{'operator->' on object 'result' while it is in the 'consumed' state}}
}

}  // namespace ralloc_test
