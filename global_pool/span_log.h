// How lines of the log show runs and spans.
//
// Thread safety: pictures and extents refer to their span, and read it when the line is made,
// under the mutex that guards it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "global_pool/span.h"
#include "shim/log.h"

namespace ralloc {

// Addresses of a run: begin[bytes].
template <class Run>
auto extent_of(const Run* run) {
  return [run] { return Extent{run->begin(), run->bytes()}; };
}

// The blocks of a span, x for one that is in use or cached; the cursor is before the first free
// one, which would be taken next.
template <class SpanType>
struct BlocksPicture {
  const SpanType* span;

  void draw(Line& line) const {
    const std::size_t blocks = span->capacity_.get();
    std::size_t first = 0;
    while (first < blocks && !span->is_free(std::uint32_t(first))) ++first;
    draw_places(line, blocks, first,
                [this](std::size_t i) { return !span->is_free(std::uint32_t(i)); });
  }
};
template <class SpanType>
BlocksPicture<SpanType> blocks_of(const SpanType* span) {
  return {span};
}

}  // namespace ralloc
