// Correct use, which must go well under every allocator. Usage: use WAY SIZE
#include <sys/wait.h>

#include "calls.h"

namespace {

std::size_t size;

constexpr std::size_t kBlocks = 300;
char* blocks[kBlocks];

void fill(char* block, std::size_t i) { std::memset(hidden(block), int(i % 251), size); }
void check(const char* block, std::size_t i) {
  // Each byte is like the one before it.
  const bool is_kept = block[0] == char(i % 251) && std::memcmp(block, block + 1, size - 1) == 0;
  require(is_kept, "a block has lost its contents");
}
void get_all() {
  for (std::size_t i = 0; i < kBlocks; ++i) fill(blocks[i] = static_cast<char*>(get(size)), i);
}
void put_one(std::size_t i) {
  check(blocks[i], i);
  put(blocks[i], size);
}
void put_all() {
  for (std::size_t i = 0; i < kBlocks; ++i) put_one(i);
}

// Every byte that was asked for, of all blocks at once.
void in_order() {
  for (int round = 0; round < 5; ++round) {
    get_all();
    put_all();
  }
}

void backwards() {
  get_all();
  for (std::size_t i = kBlocks; i-- > 0;) put_one(i);
}

// Goes through all the numbers below kBlocks: 77 has no factor in common with it.
void scattered() {
  get_all();
  for (std::size_t i = 0; i < kBlocks; ++i) put_one(i * 77 % kBlocks);
  get_all();
  put_all();
}

void one_at_a_time() {
  for (std::size_t i = 0; i < 5000; ++i) {
    char* const block = static_cast<char*>(get(size));
    fill(block, i);
    check(block, i);
    put(block, size);
  }
}

void half_in_another_thread() {
  get_all();
  auto half = [] {
    for (std::size_t i = 0; i < kBlocks; i += 2) put_one(i);
  };
  in_thread(half);
  for (std::size_t i = 1; i < kBlocks; i += 2) put_one(i);
}

// The blocks outlive the thread that got them.
void after_its_end() {
  in_thread(get_all);
  put_all();
}

void many_threads() {
  for (int i = 0; i < 50; ++i) {
    in_thread(get_all);
    in_thread(put_all);
  }
}

void at_the_same_time() {
  pthread_t threads[4];
  auto work = [](void* unused) {
    for (std::size_t i = 0; i < 2000; ++i) {
      char* const one = static_cast<char*>(get(size));
      char* const two = static_cast<char*>(get(size));
      fill(one, i);
      fill(two, i + 1);
      check(one, i);
      put(one, size);
      check(two, i + 1);
      put(two, size);
    }
    return unused;
  };
  for (pthread_t& thread : threads) {
    if (pthread_create(&thread, nullptr, work, nullptr) != 0) exit(kUsage);
  }
  for (pthread_t thread : threads) pthread_join(thread, nullptr);
}

// Parent and child have the same blocks, each its own.
void in_a_child() {
  get_all();
  const pid_t child = fork();
  if (child == 0) {
    put_all();
    get_all();
    put_all();
    _exit(0);
  }
  put_all();
  int status = 0;
  require(waitpid(child, &status, 0) == child && status == 0, "the child failed");
}

void distinct() {
  get_all();
  for (std::size_t i = 0; i < kBlocks; ++i) {
    for (std::size_t j = 0; j < i; ++j) require(blocks[i] != blocks[j], "two have one address");
  }
  put_all();
}

}  // namespace

int main(int argc, char** argv) {
  size = size_argument(argc, argv, 2);
  return run_way({{"in_order", in_order},
                  {"backwards", backwards},
                  {"scattered", scattered},
                  {"one_at_a_time", one_at_a_time},
                  {"half_in_another_thread", half_in_another_thread},
                  {"after_its_end", after_its_end},
                  {"many_threads", many_threads},
                  {"at_the_same_time", at_the_same_time},
                  {"in_a_child", in_a_child},
                  {"distinct", distinct}},
                 argc, argv);
}
