#include "fork_hammer_load.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/process.h"

namespace ralloc_test {
namespace {

std::string text_path;
std::FILE* shared_file;

void beat(Heartbeat& heart) { heart.fetch_add(1, std::memory_order_relaxed); }

// A file in memory, with lines of many lengths so that getline keeps reallocating.
void create_text() {
  const int fd = memfd_create("lines", 0);  // not closed on exec: children may read on
  REQUIRE(fd >= 0);
  for (std::size_t i = 0; i < 300; ++i) {
    const std::string line = std::string(1 + (i * 7919) % 5000, 'x') + "\n";
    REQUIRE(write(fd, line.data(), line.size()) == ssize_t(line.size()));
  }
  text_path = "/proc/self/fd/" + std::to_string(fd);
}

// fopen and fclose take the lock of the list of streams, under which fork waits.
void read_private_files(Heartbeat& heart) {
  for (;;) {
    beat(heart);
    std::FILE* file = std::fopen(text_path.c_str(), "r");
    REQUIRE(file != nullptr);
    char* line = nullptr;
    std::size_t capacity = 0;
    for (int i = 0; i < 100 && getline(&line, &capacity, file) >= 0; ++i) {
      if (i % 10 == 9) {
        std::free(line);
        line = nullptr;
        capacity = 0;
      }
    }
    std::free(line);
    std::fclose(file);
  }
}

// getline allocates while it holds the lock of the stream ...
void read_shared_file(Heartbeat& heart) {
  for (;;) {
    beat(heart);
    char* line = nullptr;
    std::size_t capacity = 0;
    if (getline(&line, &capacity, shared_file) < 0) std::rewind(shared_file);
    std::free(line);
  }
}

// ... and this waits for that lock while it holds the lock of the list: an allocator that
// holds its own locks when fork asks for the list deadlocks with these three.
void flush_all_streams(Heartbeat& heart) {
  for (;;) {
    beat(heart);
    std::fflush(nullptr);
    std::this_thread::yield();
  }
}

struct Queue {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<void*> blocks;
};

void produce(Heartbeat& heart, Queue& queue) {
  Random random(1);
  for (;;) {
    beat(heart);
    std::vector<void*> batch;
    for (int i = 0; i < 100; ++i) {
      const std::size_t size = 1 + random.below(std::size_t{1} << (4 + random.below(14)));
      batch.push_back(std::malloc(size));
      REQUIRE(batch.back() != nullptr);
    }
    std::unique_lock lock(queue.mutex);
    queue.changed.wait(lock, [&] { return queue.blocks.size() < 1000; });
    queue.blocks.insert(queue.blocks.end(), batch.begin(), batch.end());
    queue.changed.notify_all();
  }
}

void consume(Heartbeat& heart, Queue& queue) {
  for (;;) {
    beat(heart);
    std::vector<void*> batch;
    {
      std::unique_lock lock(queue.mutex);
      queue.changed.wait(lock, [&] { return !queue.blocks.empty(); });
      batch.swap(queue.blocks);
      queue.changed.notify_all();
    }
    for (void* block : batch) std::free(block);
  }
}

char program[] = "/bin/true";
char* arguments[] = {program, nullptr};
char* environment[] = {nullptr};  // without the library: starting is what matters

pid_t start_by_spawn() {
  pid_t child;
  REQUIRE(posix_spawn(&child, program, nullptr, nullptr, arguments, environment) == 0);
  return child;
}

pid_t start_by_vfork() {
  const pid_t child = vfork();
  if (child == 0) {
    execve(program, arguments, environment);
    _exit(127);
  }
  REQUIRE(child > 0);
  return child;
}

void spawn_processes(Heartbeat& heart) {
  for (unsigned i = 0;; ++i) {
    beat(heart);
    const pid_t child = i % 2 == 0 ? start_by_spawn() : start_by_vfork();
    int status = 0;
    while (waitpid(child, &status, 0) < 0) REQUIRE(errno == EINTR);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

}  // namespace

void start_fork_hammer_load(Heartbeat (&heartbeats)[kLoadThreads]) {
  create_text();
  shared_file = std::fopen(text_path.c_str(), "r");
  REQUIRE(shared_file != nullptr);
  static Queue queues[2];
  const auto start = [&](LoadThread which, auto function, auto... arguments) {
    std::thread(function, std::ref(heartbeats[which]), arguments...).detach();
  };
  start(kFirstPrivateReader, read_private_files);
  start(kSecondPrivateReader, read_private_files);
  start(kFirstSharedReader, read_shared_file);
  start(kSecondSharedReader, read_shared_file);
  start(kFlusher, flush_all_streams);
  start(kFirstProducer, produce, std::ref(queues[0]));
  start(kSecondProducer, produce, std::ref(queues[1]));
  start(kFirstConsumer, consume, std::ref(queues[0]));
  start(kSecondConsumer, consume, std::ref(queues[1]));
  start(kSpawner, spawn_processes);
}

}  // namespace ralloc_test
