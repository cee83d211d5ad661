// How lines of the log show a local pool.
//
// Thread safety: as the rack, its thread's own.
#pragma once

#include <cstddef>
#include <iterator>

#include "local_pool/magazine.h"
#include "shim/picture.h"

namespace ralloc {

// The magazines of a rack, one place for each size class, x for one that has blocks; the cursor
// is before the class that the line is about. Empty ones at the end, behind it, are left out.
template <class Rack>
struct MagazinesPicture {
  const Rack* rack;
  std::size_t size_class;

  bool has_blocks(std::size_t c) const { return *rack->magazines[c].top != nullptr; }
  void draw(Line& line) const {
    std::size_t places = std::size(rack->magazines);
    while (places > size_class + 1 && !has_blocks(places - 1)) --places;
    draw_places(line, places, size_class, [this](std::size_t c) { return has_blocks(c); });
  }
};

}  // namespace ralloc
