// Plays operations on the subject and on the model, and compares.
//
// Thread safety: one thread each. Players of several threads share the live bytes, and meet in
// the places, through which pieces change hands.
// Checked: no live byte is given twice; every block is aligned, and as large as was asked; its
// contents stay until it is freed, and so do those of each piece that is left of it; what is
// resized in place stays there; what could not be is untouched; zeroed memory is zero, and where
// the subject zeroes all, so is all that becomes the program's; the usable size stays what it was;
// the subject's statistics agree with the model.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <mutex>
#include <vector>

#include "model/journal.h"
#include "model/live_bytes.h"
#include "model/mapped_memory.h"
#include "model/operation.h"

namespace ralloc_test {

// A piece that lies here is nobody's until an exchange takes it.
struct Place {
  std::mutex mutex;
  Piece piece;  // none if it begins nowhere
};

class Player {
 public:
  // `places` may be null if no exchange comes.
  Player(std::size_t lane, std::uint64_t seed, Place* places);

  void play(const Operation& operation);

  // Takes a live piece over, under a number of its own.
  void adopt(std::uint32_t id, const Piece& piece);
  // The piece of this number; null if there is none.
  const Piece* piece(std::uint32_t id) const;
  // Hands all pieces over; the player is left without.
  std::pmr::vector<Piece> give_all();

  // With one player left, and no other thread: the subject's statistics and the model agree.
  // `elsewhere` is what they said before the players came.
  void check_bytes_in_use(std::size_t elsewhere);
  // Frees every piece, from the lowest address up.
  void free_all();

 private:
  Piece& at(std::uint32_t id);
  void allocate(const Step& step);
  void free(const Step& step);
  void free_part(const Step& step);
  void divide(const Step& step);
  void resize(const Step& step);
  void resize_inplace(const Step& step);
  void exchange(const Step& step);

  // Between these two a piece is counted, and its bytes are live.
  void add(Piece& piece, const Piece& now);
  void remove(Piece& piece);
  void count(const Piece& piece, bool in);
  void make_live(const unsigned char* begin, std::size_t size);
  void make_free(const unsigned char* begin, std::size_t size);

  Piece fresh_piece(const void* begin, std::size_t size, std::size_t asked, std::size_t align);
  void measure(Piece& piece);
  void stamp(Piece& piece, bool is_new);
  std::size_t call_inplace(const Step& step, const Piece& piece);
  void check_outcome(const Step& step, std::size_t outcome);
  void check_contents(const Piece& piece) { check_contents(piece, piece.begin, piece.extent); }
  void check_contents(const Piece& piece, const unsigned char* begin, std::size_t size);
  void check_zeros(const Piece& piece);
  void check_added_zeros(const Piece& piece, std::size_t old_size);
  void check_usable(const Piece& piece);

  const std::size_t lane_;
  const std::uint64_t seed_;
  Place* const places_;
  Journal& journal_ = Journal::instance();
  LiveBytes& live_ = LiveBytes::instance();
  std::uint64_t stamps_ = 0;
  std::size_t usable_bytes_ = 0;    // of the pieces whose blocks were measured
  std::size_t other_pieces_ = 0;    // the rest
  std::size_t other_bytes_ = 0;
  std::pmr::vector<Piece> pieces_{MappedMemory::instance()};  // by number
};

}  // namespace ralloc_test
