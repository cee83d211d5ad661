#include "bench/trace/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <climits>
#include <new>

namespace malloc_record {
namespace {

constexpr uint64_t kDefaultEvents = 2'000'000;
constexpr uint64_t kGrowth = 1 << 15;  // events by which the file grows

enum Phase : uint8_t { kUnopened, kOpening, kRecording, kOff };

// In OS pages that the kernel wipes in a forked child, which so begins a file of its own; the
// mapping of its parent's file it does not inherit.
struct Recording {
  std::atomic<Phase> phase;
  std::atomic<uint64_t> next;  // the number of the next event
  std::atomic<uint64_t> room;  // events that the file has backing for
  std::atomic<uint32_t> threads;
  uint32_t pid;
  char* file;
  char path[PATH_MAX + 16];
};

std::atomic<Recording*> recording;
// Set once, before there is a second thread: a program may change its environment, a forked child
// records as its parent does.
char file_name[PATH_MAX];
uint64_t most_events;

// Of a thread: a forked child's has the number that it had in its parent, until `pid` tells.
thread_local uint32_t thread_number;
thread_local uint32_t thread_pid;

void say(const char* what, const char* which) {
  char line[PATH_MAX + 128];
  const int length = snprintf(line, sizeof line, "malloc_record: %s%s\n", what, which);
  if (write(STDERR_FILENO, line, size_t(std::min(length, int(sizeof line) - 1))) < 0) return;
}

size_t file_bytes(uint64_t events) { return sizeof(Header) + events * sizeof(Event); }

// Backing for the first `events`. By its name: a program may close any descriptor it finds open.
bool reserve(const Recording& of, uint64_t events, int flags) {
  const int file = open(of.path, O_RDWR | O_CLOEXEC | flags, 0666);
  if (file < 0) return false;
  const bool done = posix_fallocate(file, 0, off_t(file_bytes(events))) == 0;
  close(file);
  return done;
}

bool map_file(Recording& of) {
  of.pid = uint32_t(getpid());
  snprintf(of.path, sizeof of.path, "%s.%u", file_name, of.pid);
  if (!reserve(of, std::min(kGrowth, most_events), O_CREAT | O_TRUNC)) return false;
  const int file = open(of.path, O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  void* const mapped =
      mmap(nullptr, file_bytes(most_events), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return false;
  if (madvise(mapped, file_bytes(most_events), MADV_DONTFORK) != 0) return false;
  of.file = static_cast<char*>(mapped);
  Header* const header = new (of.file) Header{"MALLREC", of.pid, ""};
  if (readlink("/proc/self/exe", header->program, sizeof header->program - 1) < 0) return false;
  of.room.store(std::min(kGrowth, most_events), std::memory_order_relaxed);
  return true;
}

bool read_environment() {
  const char* const name = getenv("MALLOC_TRACE_FILE");
  if (name == nullptr || *name == '\0') return false;
  if (*name != '/' || strlen(name) >= sizeof file_name) {
    say("MALLOC_TRACE_FILE is no absolute path: ", name);
    return false;
  }
  const char* const events = getenv("MALLOC_TRACE_EVENTS");
  char* end = nullptr;
  most_events = events != nullptr ? strtoull(events, &end, 10) : kDefaultEvents;
  if (most_events == 0 || most_events > UINT32_MAX || (end != nullptr && *end != '\0')) {
    say("MALLOC_TRACE_EVENTS is no number of events: ", events);
    return false;
  }
  strcpy(file_name, name);
  return true;
}

// The first event of the process opens its file; those of other threads wait for that.
bool open_file(Recording& of) {
  Phase phase = kUnopened;
  if (of.phase.compare_exchange_strong(phase, kOpening, std::memory_order_relaxed)) {
    const int saved = errno;
    const bool is_wanted = *file_name != '\0' || read_environment();
    const bool is_open = is_wanted && map_file(of);
    if (is_wanted && !is_open) say("cannot record to ", of.path);
    // Release pairs with the acquire below and in begin(): it publishes the mapping.
    of.phase.store(is_open ? kRecording : kOff, std::memory_order_release);
    errno = saved;
  }
  while ((phase = of.phase.load(std::memory_order_acquire)) == kOpening) sched_yield();
  return phase == kRecording;
}

// Null until the C library knows the environment, in whose absence nothing could be decided.
// No other thread is here: to create the first one allocates.
Recording* first_recording() {
  if (environ == nullptr) return nullptr;
  const int saved = errno;
  void* const page =
      mmap(nullptr, sizeof(Recording), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) abort();
  auto* const made = new (page) Recording();
  if (madvise(page, sizeof(Recording), MADV_WIPEONFORK) != 0) {
    say("the kernel cannot wipe pages on fork", "");
    made->phase.store(kOff, std::memory_order_relaxed);
  }
  recording.store(made, std::memory_order_release);
  errno = saved;
  return made;
}

// Null if nothing is recorded.
Recording* begin() {
  // Acquire pairs with the release of first_recording.
  Recording* of = recording.load(std::memory_order_acquire);
  if (of == nullptr && (of = first_recording()) == nullptr) return nullptr;
  const Phase phase = of->phase.load(std::memory_order_acquire);
  if (phase == kRecording) return of;
  return phase != kOff && open_file(*of) ? of : nullptr;
}

// Whether the file has backing for the event. Without, to write it would end the process.
bool has_room(Recording& of, uint64_t number) {
  if (number >= most_events) return false;
  uint64_t room = of.room.load(std::memory_order_relaxed);
  if (number < room) return true;
  const int saved = errno;
  const uint64_t wanted = std::min((number / kGrowth + 1) * kGrowth, most_events);
  const bool done = reserve(of, wanted, 0);
  if (!done) say("no longer records: cannot write to ", of.path);
  // Another thread may have come further.
  while (done && room < wanted &&
         !of.room.compare_exchange_weak(room, wanted, std::memory_order_relaxed)) {
  }
  errno = saved;
  return done;
}

}  // namespace

void record(Kind kind, const void* address, size_t size, size_t align) {
  Recording* const of = begin();
  if (of == nullptr) return;
  // Relaxed: events of one block that are in different threads are ordered by how the program
  // hands it over, and one counter's values follow that order.
  const uint64_t number = of->next.fetch_add(1, std::memory_order_relaxed);
  if (!has_room(*of, number)) {
    of->phase.store(kOff, std::memory_order_relaxed);
    return;
  }
  if (thread_pid != of->pid) {
    thread_pid = of->pid;
    thread_number = of->threads.fetch_add(1, std::memory_order_relaxed);
  }
  Event* const event = reinterpret_cast<Event*>(of->file + file_bytes(number));
  event->address = reinterpret_cast<uintptr_t>(address);
  event->size = size;
  event->thread = thread_number;
  event->align_log2 = align > 1 ? uint8_t(std::bit_width(align - 1)) : 0;
  // Last: the process may be killed at any moment.
  std::atomic_ref(event->kind).store(kind, std::memory_order_release);
}

}  // namespace malloc_record
