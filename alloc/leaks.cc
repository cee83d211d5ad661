#include "alloc/leaks.h"

#include <algorithm>

#include "alloc/allocator.h"
#include "alloc/checked.h"

namespace ralloc {
namespace {

struct Row {
  std::size_t block_size;
  std::size_t blocks;
  std::size_t bytes() const { return block_size * blocks; }
};

// The sizes of large blocks, as they come. Of the many that there may be the first are told apart.
class LargeSizes {
 public:
  static constexpr std::size_t kRows = 200;

  void add(std::size_t bytes) {
    std::size_t i = 0;
    while (i < count_ && rows_[i].block_size != bytes) ++i;
    if (i == kRows) {
      ++others_;
      other_bytes_ += bytes;
      return;
    }
    if (i == count_) rows_[count_++] = {bytes, 0};
    ++rows_[i].blocks;
  }
  void sort() {
    std::sort(rows_, rows_ + count_,
              [](const Row& a, const Row& b) { return a.block_size < b.block_size; });
  }
  const Row* begin() const { return rows_; }
  const Row* end() const { return rows_ + count_; }
  std::size_t others() const { return others_; }
  std::size_t other_bytes() const { return other_bytes_; }

 private:
  Row rows_[kRows];
  std::size_t count_ = 0;
  std::size_t others_ = 0;
  std::size_t other_bytes_ = 0;
};

// Blocks of a size with slack and without are the same to the reader.
Row small_row(const std::size_t (&blocks)[kClasses], unsigned size) {
  return {size_class_info(size).block_size, blocks[size] + blocks[size + kSizes]};
}

void write_row(const Row& row) {
  if (row.blocks == 0) return;
  Line line;
  add_column(line, row.block_size, 14);
  add_column(line, row.blocks, 14);
  add_column(line, row.bytes(), 16);
  line.write_error();
}

// Blocks in the magazines of others look live from here.
void write_others() {
  const std::size_t pools = bookkeeper.ledger().pools();
  const std::size_t others = pools - (existing_pool() != nullptr && pools != 0 ? 1 : 0);
  if (others == 0) return;
  Line().text("leaks: of these, some may be free in the magazines of ").decimal(others)
      .text(others == 1 ? " other thread" : " other threads").write_error();
}

}  // namespace

void add_column(Line& line, std::uint64_t value, unsigned width) noexcept {
  unsigned digits = 1;
  for (std::uint64_t rest = value; rest >= 10; rest /= 10) ++digits;
  for (; digits < width; ++digits) line.text(" ");
  line.decimal(value);
}

void write_leaks(std::uint64_t blocks, std::uint64_t bytes) noexcept {
  if (blocks == 0) return Line().text("leaks: none, no block is live at exit").write_error();
  Line().text("leaks: ").decimal(blocks).text(blocks == 1 ? " block is" : " blocks are")
      .text(" live at exit, ").decimal(bytes).text(" bytes").write_error();
}

void list_leaks() noexcept {
  if constexpr (kDebugger) {
    if (list_leaks_by_stack()) return;
    free_quarantined();
  }
  flush_this_pool();
  std::size_t blocks[kClasses] = {};
  bookkeeper.count_outside(blocks);
  LargeSizes large;
  std::size_t runs[Bookkeeper::Ledger::kRunsAtOnce];
  for (std::size_t sector = 0;;) {
    const std::size_t found = bookkeeper.ledgers().large_runs(sector, runs);
    if (found == 0) break;
    for (std::size_t i = 0; i < found; ++i) large.add(runs[i]);
  }
  large.sort();

  Row total{1, large.others()};
  std::size_t bytes = large.other_bytes();
  const auto count = [&](const Row& row) {
    total.blocks += row.blocks;
    bytes += row.bytes();
  };
  for (unsigned size = 0; size < kSizes; ++size) count(small_row(blocks, size));
  for (const Row& row : large) count(row);
  write_leaks(total.blocks, bytes);
  if (total.blocks == 0) return;
  Line().text("    block size        blocks           bytes").write_error();
  for (unsigned size = 0; size < kSizes; ++size) write_row(small_row(blocks, size));
  for (const Row& row : large) write_row(row);
  if (large.others() != 0) {
    Line().text("of other sizes ").decimal(large.others()).text(" large blocks, ")
        .decimal(large.other_bytes()).text(" bytes").write_error();
  }
  write_others();
}

}  // namespace ralloc
