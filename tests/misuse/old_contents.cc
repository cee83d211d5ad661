// Reads what nobody wrote: status 1 if it is not zero. Usage: old_contents WAY SIZE
#include "calls.h"

namespace {

std::size_t size;
char* block;

void fill(char* to) { std::memset(hidden(to), 0x5a, size); }
void require_zeros(const char* from) {
  for (std::size_t i = 0; i < size; ++i) {
    require(static_cast<const volatile char*>(from)[i] == 0, "a byte is not zero");
  }
}
void free_it() { put(block, size); }

// Of a freed block.
void freed() {
  block = static_cast<char*>(get(size));
  fill(block);
  free_it();
  require_zeros(static_cast<char*>(hidden(block)));
}

void freed_there() {
  block = static_cast<char*>(get(size));
  fill(block);
  in_thread(free_it);
  require_zeros(static_cast<char*>(hidden(block)));
}

// Of blocks that were others before.
void fresh() {
  Many many(size);
  for (std::size_t i = 0; i < many.count(); ++i) fill(many[i]);
  many.free();
  Many again(size);
  for (std::size_t i = 0; i < again.count(); ++i) require_zeros(again[i]);
}

// Of memory that served blocks of half the size before.
void fresh_of_other_size() {
  const std::size_t wanted = size;
  size /= 2;
  Many many(size);
  for (std::size_t i = 0; i < many.count(); ++i) fill(many[i]);
  many.free();
  trim();
  size = wanted;
  Many again(size);
  for (std::size_t i = 0; i < again.count(); ++i) require_zeros(again[i]);
}

// Of the old place of a block that was moved. One that grew in place has left nothing.
void moved() {
  block = static_cast<char*>(get(size));
  fill(block);
  char* const old = static_cast<char*>(hidden(block));
  if (resize(block, size, 20 * size) != old) require_zeros(old);
}

// Behind the end of a block that shrank. What is there now is the allocator's, but not of old.
void shrunk() {
  block = static_cast<char*>(get(size));
  fill(block);
  const char* const old = static_cast<char*>(hidden(block));
  (void)hidden(resize(block, size, size / 2));
  for (std::size_t i = size / 2, same = 0; i < size; ++i) {
    same = static_cast<const volatile char*>(old)[i] == 0x5a ? same + 1 : 0;
    require(same < 8, "eight bytes are as they were");
  }
}

// Of a part that was freed by itself.
void part() {
  block = static_cast<char*>(get(size));
  fill(block);
  char* const freed = block + size / 4;
  size /= 2;
  put(freed, size);
  require_zeros(static_cast<char*>(hidden(freed)));
}

}  // namespace

int main(int argc, char** argv) {
  size = size_argument(argc, argv, 2);
  return run_way({{"freed", freed},
                  {"freed_there", freed_there},
                  {"moved", moved},
                  {"shrunk", shrunk},
                  {"part", part},
                  {"fresh", fresh},
                  {"fresh_of_other_size", fresh_of_other_size}},
                 argc, argv);
}
