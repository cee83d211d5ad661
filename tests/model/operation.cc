#include "model/operation.h"

#include <algorithm>

#include "model/ways.h"

namespace ralloc_test {
namespace {

Step& resolve_part(Step& step, const Operation& operation, const Piece& piece) {
  if (piece.size == 0) return step;
  step.from = operation.from % piece.size;
  step.size = std::clamp<std::size_t>(operation.size, 1, piece.size - step.from);
  step.has_rest = step.from + step.size != piece.size;
  step.kind = step.size == piece.size ? Operation::kFree : operation.kind;
  return step;
}

Step& resolve_division(Step& step, const Operation& operation, const Piece& piece) {
  if (piece.size < 2) return step;
  step.from = 1 + operation.from % (piece.size - 1);
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
      step.size = std::max<std::size_t>(step.size, way_to_resize(step).least_size);
      break;
    case Operation::kInplaceAtLeast:
      step.size = std::max<std::size_t>(step.size, 1);
      step.least = 1 + operation.from % step.size;
      break;
    default: break;
  }
  step.kind = operation.kind;
  return step;
}

}  // namespace ralloc_test
