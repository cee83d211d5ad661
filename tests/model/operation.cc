#include "model/operation.h"

#include <algorithm>

#include "model/ways.h"

namespace ralloc_test {
namespace {

struct Range {
  std::size_t from;
  std::size_t to;
};

// Whether [from, to) may go: it, and what remains on either side, are no too small parts.
bool is_legal(const Piece& piece, Range part) {
  const std::size_t least = subject.parts->part_least;
  const std::size_t behind = piece.size - part.to;
  return (part.from == 0 || part.from >= least) &&
         (part.to - part.from >= least || (behind == 0 && piece.ends)) &&
         (behind == 0 || behind >= least || piece.ends);
}

// The part that is asked for, or one near it that is legal, or all of the piece.
Range part_of(const Piece& piece, std::size_t from, std::size_t size) {
  const std::size_t least = subject.parts->part_least;
  Range part{0, 0};
  part.from = from < piece.size ? from : from % piece.size;
  part.to = part.from + std::clamp<std::size_t>(size, 1, piece.size - part.from);
  if (is_legal(piece, part)) return part;
  if (part.from < least) part.from = 0;
  part.to = std::max(part.to, std::min(piece.size, part.from + least));
  if (is_legal(piece, part)) return part;
  part.to = piece.size;
  if (is_legal(piece, part)) return part;
  return {0, piece.size};
}

// The size that a resize of a part, or in place, may give it.
std::size_t size_for(const Piece& piece, std::size_t size, bool inplace) {
  if (piece.whole) return inplace ? std::max<std::size_t>(size, 1) : size;
  size = std::max(size, std::min(subject.parts->part_least, piece.size));
  return size >= piece.size || is_legal(piece, {size, piece.size}) ? size : piece.size;
}

Step& resolve_part(Step& step, const Operation& operation, const Piece& piece) {
  if (piece.size == 0) return step;
  const Range part = part_of(piece, operation.from, operation.size);
  step.from = part.from;
  step.size = part.to - part.from;
  step.has_rest = part.to != piece.size;
  step.kind = step.size == piece.size ? Operation::kFree : operation.kind;
  return step;
}

Step& resolve_division(Step& step, const Operation& operation, const Piece& piece) {
  if (piece.size == 0) return step;
  step.from = operation.from % piece.size;
  if (step.from == 0 || !is_legal(piece, {step.from, piece.size}) ||
      !is_legal(piece, {0, step.from})) {
    return step;
  }
  step.kind = operation.kind;
  step.has_rest = true;
  return step;
}

}  // namespace

Step resolve(const Operation& operation, const Piece& piece) {
  Step step;
  step.way = operation.way;
  step.id = operation.id;
  step.id2 = operation.id2;
  step.root = piece.root;
  step.family = piece.family;
  step.old_size = piece.size;
  step.size = operation.size;
  step.align = operation.align != 0 ? operation.align : piece.align;
  const bool is_there = piece.begin != nullptr;
  switch (operation.kind) {
    case Operation::kAllocate:
      step.root = operation.id;
      if (!is_there) step.kind = operation.kind;
      return step;
    case Operation::kTrim:
    case Operation::kAudit:
    case Operation::kExchange:
      step.kind = operation.kind;
      return step;
    default:
      if (!is_there) return step;
  }
  switch (operation.kind) {
    case Operation::kFree:
      step.size = piece.size;
      step.align = piece.align;
      break;
    case Operation::kFreePart: return resolve_part(step, operation, piece);
    case Operation::kDivide: return resolve_division(step, operation, piece);
    case Operation::kResize:
      if (!is_resizable(piece.family)) return step;
      step.size = std::max(size_for(piece, operation.size, false),
                           way_to_resize(step).least_size);
      break;
    case Operation::kInplaceAtLeast:
    case Operation::kInplace:
      step.size = size_for(piece, operation.size, true);
      step.least = size_for(piece, 1 + operation.from % step.size, true);
      step.least = std::min(step.least, step.size);
      break;
    default: break;
  }
  step.kind = operation.kind;
  return step;
}

}  // namespace ralloc_test
