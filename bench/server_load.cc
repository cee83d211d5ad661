// A multithreaded server under load, with plain malloc and new so that it runs under any
// allocator by preload. Prints its figures as JSON; aborts when memory loses its contents.
//
// Each worker takes requests from its connections: it reads one into a buffer, parses it
// into strings and maps, visits the client's session in a bounded cache (whose oldest
// entries leave), and builds a response of a mixed size. Half of the responses and all
// sessions that left go to another worker, which destroys them. After the load come 1.5 s
// with little to do, as at night, and then the memory that is still held is read.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "histogram.h"
#include "server_request.h"
#include "server_state.h"

namespace ralloc::bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::duration;

struct Options {
  unsigned threads = std::max(2u, std::thread::hardware_concurrency());
  double seconds = 4;
  uint64_t seed = 1;
  size_t sessions = 16384;
  std::string expect;  // the library that must answer malloc
};

constexpr double kWarmUpShare = 0.2;  // of the load; not measured
constexpr auto kIdle = std::chrono::milliseconds(1500);
constexpr auto kIdlePause = std::chrono::milliseconds(5);
constexpr size_t kIdleShare = 8;  // one session in so many outlives the load

enum class Phase { kWarmUp, kMeasure, kIdle, kStop };

// --- What is shared --------------------------------------------------------------------
// Things to destroy, handed over by other workers.
struct Inbox {
  static constexpr size_t kLimit = 512;
  std::mutex mutex;
  std::vector<Buffer> responses;
  std::vector<std::unique_ptr<Session>> sessions;
};

struct Server {
  explicit Server(const Options& options)
      : options(options), cache(options.sessions), inboxes(options.threads) {}

  const Options options;
  SessionCache cache;
  std::vector<Inbox> inboxes;
  // Relaxed at every use: it tells the workers what to do next and publishes nothing.
  std::atomic<Phase> phase{Phase::kWarmUp};
};

// --- A worker --------------------------------------------------------------------------
struct Connection {
  std::string peer;
  uint64_t client = 0;
  uint64_t requests_left = 0;
};

class Worker {
 public:
  Worker(Server& server, unsigned index)
      : server_(server), index_(index), random_(server.options.seed * 1000 + index),
        connections_(kConnections) {}

  void run() {
    fill_cache();
    for (;;) {
      Phase phase = server_.phase.load(std::memory_order_relaxed);
      if (phase == Phase::kStop) break;
      if (phase == Phase::kIdle) std::this_thread::sleep_for(kIdlePause);
      auto begin = Clock::now();
      handle(connections_[random_.between(0, kConnections - 1)]);
      if (++handled_ % kInboxPeriod == 0 || phase == Phase::kIdle) empty_inbox();
      if (phase == Phase::kMeasure) {
        latencies_.record(static_cast<uint64_t>((Clock::now() - begin).count()));
      }
    }
    empty_inbox();
  }

  const Histogram& latencies() const { return latencies_; }

 private:
  static constexpr size_t kConnections = 200;
  static constexpr uint64_t kInboxPeriod = 16;

  // Our share of the sessions: a full cache from the start, so that a faster allocator
  // does not hold more memory for having served more clients.
  void fill_cache() {
    for (uint64_t id = index_; id < server_.options.sessions; id += server_.options.threads) {
      hand_over(server_.cache.visit(id, "/", random_));
    }
  }

  void handle(Connection& connection) {
    if (connection.requests_left == 0) accept(connection);
    connection.requests_left--;
    Request request = parse(compose(connection.peer, random_));
    check_sum(request);
    Buffer response = respond(random_);
    hand_over(server_.cache.visit(connection.client, request.path, random_));
    if (random_.one_in(2)) hand_over(std::move(response));
  }

  // A new client, rather one of the many that came lately than one of all.
  void accept(Connection& connection) {
    uint64_t clients = server_.options.sessions * 4;
    connection.client = std::min(random_.between(0, clients), random_.between(0, clients));
    connection.peer = "host-" + std::to_string(connection.client) + ".example";
    connection.requests_left = random_.between(1, 64);
  }

  Inbox& inbox_of_another() {
    size_t step = random_.between(1, std::max<size_t>(1, server_.inboxes.size() - 1));
    return server_.inboxes[(index_ + step) % server_.inboxes.size()];
  }

  // What finds a full inbox is destroyed here.
  void hand_over(Buffer response) {
    Inbox& inbox = inbox_of_another();
    std::lock_guard lock(inbox.mutex);
    if (inbox.responses.size() < Inbox::kLimit) inbox.responses.push_back(std::move(response));
  }

  void hand_over(std::unique_ptr<Session> session) {
    if (!session) return;
    Inbox& inbox = inbox_of_another();
    std::lock_guard lock(inbox.mutex);
    if (inbox.sessions.size() < Inbox::kLimit) inbox.sessions.push_back(std::move(session));
  }

  void empty_inbox() {
    // Outlive the lock: what they hold is destroyed with the inbox open again.
    std::vector<Buffer> responses;
    std::vector<std::unique_ptr<Session>> sessions;
    Inbox& inbox = server_.inboxes[index_];
    std::lock_guard lock(inbox.mutex);
    responses.swap(inbox.responses);
    sessions.swap(inbox.sessions);
  }

  Server& server_;
  const unsigned index_;
  Random random_;
  std::vector<Connection> connections_;
  uint64_t handled_ = 0;
  Histogram latencies_;
};

// --- The run ---------------------------------------------------------------------------
// A field of /proc/self/status, in MiB.
double memory(const char* field) {
  FILE* status = fopen("/proc/self/status", "r");
  if (!status) fail("there is no /proc/self/status");
  char line[256];
  double kib = 0;
  while (fgets(line, sizeof line, status)) {
    if (strncmp(line, field, strlen(field)) == 0) kib = atof(line + strlen(field) + 1);
  }
  fclose(status);
  if (kib == 0) fail("/proc/self/status lacks a field");
  return kib / 1024;
}

void sleep_seconds(double seconds) { std::this_thread::sleep_for(duration<double>(seconds)); }

void serve(const Options& options, const char* allocator) {
  Server server(options);
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.threads; i++) {
    workers.push_back(std::make_unique<Worker>(server, i));
    threads.emplace_back([worker = workers.back().get()] { worker->run(); });
  }
  auto enter = [&](Phase phase) { server.phase.store(phase, std::memory_order_relaxed); };
  sleep_seconds(options.seconds * kWarmUpShare);
  auto begin = Clock::now();
  enter(Phase::kMeasure);
  sleep_seconds(options.seconds * (1 - kWarmUpShare));
  enter(Phase::kIdle);
  double measured = duration<double>(Clock::now() - begin).count();
  server.cache.shrink(options.sessions / kIdleShare);
  std::this_thread::sleep_for(kIdle);
  double peak = memory("VmHWM"), settled = memory("VmRSS");
  enter(Phase::kStop);
  for (std::thread& thread : threads) thread.join();

  Histogram all;
  for (const auto& worker : workers) all.merge(worker->latencies());
  auto microseconds = [&](double f) { return static_cast<double>(all.percentile(f)) / 1000; };
  printf("{\"allocator\": \"%s\", \"threads\": %u, \"seed\": %llu, \"requests\": %llu,\n"
         " \"requests_per_second\": %.0f, \"p50_us\": %.2f, \"p99_us\": %.2f, "
         "\"p999_us\": %.2f,\n \"peak_mib\": %.1f, \"settled_mib\": %.1f}\n",
         allocator, options.threads, static_cast<unsigned long long>(options.seed),
         static_cast<unsigned long long>(all.total()),
         static_cast<double>(all.total()) / measured, microseconds(0.5), microseconds(0.99),
         microseconds(0.999), peak, settled);
}

// The library that answers malloc: a failed preload must not pass as a figure of it.
const char* allocator_in_use() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void*>(&malloc), &info)) fail("malloc comes from nowhere");
  return info.dli_fname;
}

Options parse_options(int argc, char** argv) {
  Options options;
  for (int opt; (opt = getopt(argc, argv, "t:s:r:n:e:")) != -1;) {
    switch (opt) {
      case 't': options.threads = static_cast<unsigned>(std::max(1, atoi(optarg))); break;
      case 's': options.seconds = atof(optarg); break;
      case 'r': options.seed = strtoull(optarg, nullptr, 10); break;
      case 'n': options.sessions = strtoull(optarg, nullptr, 10); break;
      case 'e': options.expect = optarg; break;
      default:
        fprintf(stderr,
                "usage: server_load [-t THREADS] [-s SECONDS] [-r SEED] [-n SESSIONS]\n"
                "                   [-e LIBRARY]  fail unless this library answers malloc\n");
        exit(2);
    }
  }
  return options;
}

}  // namespace
}  // namespace ralloc::bench

int main(int argc, char** argv) {
  using namespace ralloc::bench;
  Options options = parse_options(argc, argv);
  const char* allocator = allocator_in_use();
  namespace fs = std::filesystem;
  if (!options.expect.empty() && fs::canonical(allocator) != fs::canonical(options.expect)) {
    fprintf(stderr, "server_load: malloc is answered by %s\n", allocator);
    return 1;
  }
  serve(options, allocator);
}
