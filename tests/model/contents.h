// Which bytes of a piece carry its stamp: all of a short one; of a longer one its head, its
// tail, and windows between, so that an operation on megabytes costs little.
//
// Thread safety: none; the piece and its memory are one thread's.
// Invariants: windows lie in the stream, not in the piece, so that what remains of a piece has
// them where it had them; and elsewhere for each stamp, so that in time every byte is in one.
#pragma once

#include <algorithm>
#include <cstddef>

#include "model/piece.h"
#include "model/stamp.h"

namespace ralloc_test {

inline constexpr std::size_t kDense = 1024;   // up to so many bytes, all
inline constexpr std::size_t kWindow = 64;
inline constexpr unsigned kLeastPeriod = 9;   // windows are 2^period bytes apart
inline constexpr std::size_t kWindows = 8;    // about so many in a new piece
inline constexpr std::size_t kMostWindows = 64;

// Calls `visit(offset, length)` for each range of stamped bytes, cut off at `limit`.
template <class Visit>
void for_each_stamped(const Piece& piece, std::size_t limit, Visit visit) {
  const std::size_t size = piece.extent;
  const auto visit_within = [&](std::size_t from, std::size_t to) {
    to = std::min(to, limit);
    if (from < to) visit(from, to - from);
  };
  if (size <= kDense) return visit_within(0, size);
  visit_within(0, kWindow);
  visit_within(size - kWindow, size);
  const std::size_t period = std::size_t{1} << piece.period;
  const std::size_t phase = std::size_t(piece.stamp * kStampStep >> 40) & (period - 1);
  // The offset of the first window that begins in the piece.
  for (std::size_t at = (phase - piece.position) & (period - 1); at < size; at += period) {
    visit_within(at, std::min(at + kWindow, size));
  }
}

// A new stamp, with windows that suit the size.
inline void give_stamp(Piece& piece, std::uint64_t stamp) {
  piece.stamp = stamp;
  piece.position = 0;
  piece.period = kLeastPeriod;
  while (piece.extent >> piece.period > kWindows) ++piece.period;
}

inline bool has_too_many_windows(const Piece& piece) {
  return piece.extent >> piece.period > kMostWindows;
}

inline void write_contents(const Piece& piece) {
  for_each_stamped(piece, piece.extent, [&](std::size_t offset, std::size_t length) {
    write_stamp(piece.begin + offset, length, piece.position + offset, piece.stamp);
  });
}

// The first offset found below `limit` at which `begin` has not what was written to the piece;
// `limit` if there is none. `begin` is where the piece is now.
inline std::size_t find_damage(const Piece& piece, const unsigned char* begin,
                               std::size_t limit) {
  std::size_t found = limit;
  for_each_stamped(piece, limit, [&](std::size_t offset, std::size_t length) {
    if (found != limit) return;
    const std::size_t at =
        find_damage(begin + offset, length, piece.position + offset, piece.stamp);
    if (at != length) found = offset + at;
  });
  return found;
}

}  // namespace ralloc_test
