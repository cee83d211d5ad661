// The threads that keep a process busy while fork_hammer forks it: allocation under stdio
// locks, blocks that change threads, and children started without fork.
//
// Thread safety: called once, from one thread.
#pragma once

#include <atomic>

namespace ralloc_test {

enum LoadThread {
  kFirstPrivateReader,
  kSecondPrivateReader,
  kFirstSharedReader,
  kSecondSharedReader,
  kFlusher,
  kFirstProducer,
  kSecondProducer,
  kFirstConsumer,
  kSecondConsumer,
  kSpawner,
  kLoadThreads,
};

using Heartbeat = std::atomic<unsigned long>;

// Starts the threads, which run until the process ends; each lets its heartbeat grow.
void start_fork_hammer_load(Heartbeat (&heartbeats)[kLoadThreads]);

}  // namespace ralloc_test
