// What the player compares.
#include <algorithm>

#include "model/contents.h"
#include "model/player.h"
#include "model/ways.h"
#include "support/process.h"

namespace ralloc_test {

// --- Live bytes --------------------------------------------------------------------------------

void Player::add(Piece& piece, const Piece& now) {
  make_live(now.begin, now.taken());
  piece = now;
  count(now, true);
}

void Player::remove(Piece& piece) {
  make_free(piece.begin, piece.taken());
  count(piece, false);
  piece = {};
}

void Player::make_live(const unsigned char* begin, std::size_t size) {
  if (live_.add(reinterpret_cast<std::uintptr_t>(begin), size)) return;
  for (const Piece& other : pieces_) {
    if (other.begin == nullptr || other.begin >= begin + size) continue;
    if (begin >= other.begin + other.taken()) continue;
    journal_.fail(lane_, "%zu bytes at %p overlap the live %zu bytes at %p", size,
                  static_cast<const void*>(begin), other.taken(),
                  static_cast<const void*>(other.begin));
  }
  journal_.fail(lane_, "%zu bytes at %p overlap live bytes of another thread", size,
                static_cast<const void*>(begin));
}

void Player::make_free(const unsigned char* begin, std::size_t size) {
  if (live_.remove(reinterpret_cast<std::uintptr_t>(begin), size)) return;
  journal_.fail(lane_, "the model has lost track of %zu bytes at %p", size,
                static_cast<const void*>(begin));
}

void Player::count(const Piece& piece, bool in) {
  const auto change = [in](std::size_t& sum, std::size_t by) { sum = in ? sum + by : sum - by; };
  if (piece.usable != 0) return change(usable_bytes_, piece.usable);
  change(other_pieces_, 1);
  change(other_bytes_, piece.size);
}

void Player::check_bytes_in_use(std::size_t elsewhere) {
  const std::size_t wanted = elsewhere + usable_bytes_ + other_bytes_;
  const std::size_t told = subject.bytes_in_use();
  const std::size_t slack = subject.bytes_in_use_slack;
  // What is left of a block keeps more of it in use than itself.
  const bool is_exact =
      other_pieces_ == 0 && (usable_bytes_ == 0 || subject.bytes_in_use_are_usable);
  if (told + slack < wanted || (is_exact && told > wanted + slack)) {
    journal_.fail(lane_, "the subject says that %zu bytes are in use; it should be %s%zu", told,
                  is_exact ? "" : "at least ", wanted);
  }
}

// --- Blocks ------------------------------------------------------------------------------------

Piece Player::fresh_piece(const void* begin, std::size_t size, std::size_t asked,
                          std::size_t align) {
  if (begin == nullptr) journal_.fail(lane_, "no memory for %zu bytes", asked);
  if (size < asked) journal_.fail(lane_, "%zu bytes were given of %zu", size, asked);
  Piece piece;
  piece.begin = static_cast<unsigned char*>(const_cast<void*>(begin));
  piece.size = piece.extent = size;
  piece.align = align;
  const std::size_t wanted = subject.parts != nullptr ? align
                                                      : std::max(align, subject.default_align);
  if (piece.first() % wanted != 0) journal_.fail(lane_, "%p is not aligned to %zu", begin, wanted);
  return piece;
}

void Player::measure(Piece& piece) {
  // Where the size is known to the byte, the pointer to no bytes lies inside of a block.
  if (piece.size == 0 && subject.parts != nullptr) return;
  piece.usable = subject.usable_size(piece.begin);
  if (piece.usable < piece.size) {
    journal_.fail(lane_, "%p has %zu usable bytes of %zu", static_cast<void*>(piece.begin),
                  piece.usable, piece.size);
  }
  if (subject.usable_is_writable) piece.extent = piece.usable;
}

void Player::check_usable(const Piece& piece) {
  if (piece.usable == 0) return;
  const std::size_t usable = subject.usable_size(piece.begin);
  if (usable != piece.usable) {
    journal_.fail(lane_, "the usable size of %p was %zu and is %zu",
                  static_cast<void*>(piece.begin), piece.usable, usable);
  }
}

void Player::check_outcome(const Step& step, std::size_t outcome) {
  const std::size_t least = step.kind == Operation::kInplace ? step.size : step.least;
  const std::size_t old = step.old_size;
  if (outcome == 0) {
    if (least <= old) journal_.fail(lane_, "%zu bytes do not become %zu in place", old, least);
    return;
  }
  if (outcome < std::max(least, std::min(old, step.size)) || outcome > step.size) {
    journal_.fail(lane_, "%zu bytes become %zu in place, and not %zu to %zu", old, outcome,
                  least, step.size);
  }
}

// --- Contents ----------------------------------------------------------------------------------

void Player::stamp(Piece& piece, bool is_new) {
  if (is_new || has_too_many_windows(piece)) {
    give_stamp(piece, seed_ ^ ++stamps_ * 0xd6e8feb86659fd93);
  }
  write_contents(piece);
}

void Player::check_contents(const Piece& piece, const unsigned char* begin, std::size_t size) {
  const std::size_t damaged = find_damage(piece, begin, size);
  if (damaged == size) return;
  journal_.fail(lane_, "byte %zu of the %zu at %p is %#x and not %#x", damaged, size,
                static_cast<const void*>(begin), begin[damaged],
                stamp_byte(piece.stamp, piece.position + damaged));
}

static bool is_zero_at_its_ends(const unsigned char* begin, std::size_t size) {
  constexpr std::size_t kMost = 64 * kKiB;
  const std::size_t most = std::min(size, kMost);
  return is_filled(begin, most, 0) && is_filled(begin + size - most, most, 0);
}

void Player::check_zeros(const Piece& piece) {
  if (is_zero_at_its_ends(piece.begin, piece.size)) return;
  journal_.fail(lane_, "zeroed block %p of %zu bytes is not all zeros",
                static_cast<void*>(piece.begin), piece.size);
}

void Player::check_added_zeros(const Piece& piece, std::size_t old_size) {
  if (!subject.zeroes_all || piece.size <= old_size) return;
  if (is_zero_at_its_ends(piece.begin + old_size, piece.size - old_size)) return;
  journal_.fail(lane_, "block %p of %zu bytes grew to %zu, and what was added is not all zeros",
                static_cast<void*>(piece.begin), old_size, piece.size);
}

}  // namespace ralloc_test
