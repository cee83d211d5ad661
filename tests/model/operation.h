// The language of the model test: what may be done to its subject.
//
// Thread safety: values, and pure functions of them.
// Invariants: an operation names pieces by numbers, and places in them by any number, never by
// addresses or sizes: it means something whatever the subject answers, and in any list. What it
// means for a piece is a step, which is legal. In a list, no two operations make the same number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <vector>

#include "model/piece.h"

namespace ralloc_test {

struct Operation {
  enum Kind : std::uint8_t {
    kAllocate,       // the block `id`
    kFree,           // what is left of it
    kFreePart,       // `size` bytes at `from`; what is left behind them becomes the piece `id2`
    kDivide,         // no call: what is at `from` and behind becomes the piece `id2`
    kResize,         // to `size`
    kInplace,        // to `size`
    kInplaceAtLeast, // to `size`, or to at least something that follows from `from`
    kExchange,       // swaps the piece with what lies in the place `size` that all threads see
    kTrim,
    kAudit,          // asks the subject whether it is valid and what it holds
    kNothing,        // only a step can be this
  };
  Kind kind = kNothing;
  std::uint8_t way = 0;     // which of the ways that the piece's family has
  std::uint32_t align = 0;  // 0: as it was asked for before
  std::uint32_t id = 0;
  std::uint32_t id2 = 0;
  std::uint32_t size = 0;
  std::uint32_t from = 0;
};

inline constexpr std::size_t kExchangePlaces = 64;

using Operations = std::pmr::vector<Operation>;

// An operation on a piece as it is, with all that the calls and a reader need.
struct Step {
  Operation::Kind kind = Operation::kNothing;
  std::uint8_t way = 0;
  bool has_rest = false;  // `id2` is there afterwards
  Family family = kPlain;
  std::uint32_t id = 0;
  std::uint32_t id2 = 0;
  std::uint32_t root = 0;
  std::size_t align = 1;
  std::size_t from = 0;
  std::size_t size = 0;
  std::size_t least = 0;
  std::size_t old_size = 0;
  std::size_t outcome = 0;  // the size that an in-place call gave; 0 if it could not
};

// `piece` begins nowhere where there is none of this number.
Step resolve(const Operation& operation, const Piece& piece);

}  // namespace ralloc_test
