// Frees a block twice. Usage: double_free WAY SIZE
#include "calls.h"

namespace {

std::size_t size;
void* block;

void free_it() { put(block, size); }

// With another free in between, which hides it from a look at what was freed last.
void free_twice() {
  void* const other = get(size);
  block = suspect(get(size));
  free_it();
  put(other, size);
  free_it();
  still_alive();
}

void at_once() {
  block = suspect(get(size));
  free_it();
  free_it();
  still_alive();
}

void then_many_frees() {
  Many many(size);
  free_twice();
  many.free();
}

void then_thread_end() { in_thread(free_twice); }

void then_trim() {
  free_twice();
  trim();
}

// Thousands of them, but none that may have the block: it is still free when it is freed again.
void after_operations() {
  Many many(size);
  block = suspect(get(size));
  free_it();
  for (std::size_t i = 0; i < 5000; ++i) {
    const std::size_t other = 2048 + i % 32 * 64;
    void* const first = get(other);
    void* const second = get(other + 16);
    put(first, other);
    put(second, other + 16);
  }
  many.free();
  free_it();
  still_alive();
  Many more(size);
  more.free();
}

void in_another_thread() {
  block = suspect(get(size));
  auto twice = [] {
    void* const other = get(size);
    free_it();
    put(other, size);
    free_it();
    still_alive();
  };
  in_thread(twice);
}

void here_then_there() {
  Many many(size);
  block = suspect(get(size));
  free_it();
  in_thread(free_it);
  still_alive();
  many.free();
}

void there_then_here() {
  Many many(size);
  block = suspect(get(size));
  in_thread(free_it);
  free_it();
  still_alive();
  many.free();
}

// Both threads keep the block, and give it home one after the other.
pthread_barrier_t freed_here, freed_there;

void in_two_threads() {
  pthread_barrier_init(&freed_here, nullptr, 2);
  pthread_barrier_init(&freed_there, nullptr, 2);
  block = suspect(get(size));
  pthread_t thread;
  auto free_then_wait = [](void* unused) {
    free_it();
    pthread_barrier_wait(&freed_here);
    pthread_barrier_wait(&freed_there);
    return unused;
  };
  if (pthread_create(&thread, nullptr, free_then_wait, nullptr) != 0) exit(kUsage);
  pthread_barrier_wait(&freed_here);
  in_thread(free_it);
  still_alive();
  pthread_barrier_wait(&freed_there);
  pthread_join(thread, nullptr);
}

// Both wait for each other in user space, so that their frees begin within a few instructions.
unsigned ready = 0;

void* free_together(void* unused) {
  __atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
  while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < 2) {
  }
  free_it();
  return unused;
}

void at_the_same_instant() {
  block = suspect(get(size));
  pthread_t one, two;
  if (pthread_create(&one, nullptr, free_together, nullptr) != 0) exit(kUsage);
  if (pthread_create(&two, nullptr, free_together, nullptr) != 0) exit(kUsage);
  pthread_join(one, nullptr);
  pthread_join(two, nullptr);
  still_alive();
}

}  // namespace

int main(int argc, char** argv) {
  size = size_argument(argc, argv, 2);
  return run_way({{"at_once", at_once},
                  {"then_many_frees", then_many_frees},
                  {"then_thread_end", then_thread_end},
                  {"then_trim", then_trim},
                  {"after_operations", after_operations},
                  {"in_another_thread", in_another_thread},
                  {"here_then_there", here_then_there},
                  {"there_then_here", there_then_here},
                  {"in_two_threads", in_two_threads},
                  {"at_the_same_instant", at_the_same_instant}},
                 argc, argv);
}
