// Threads of the ideas: joined ones that hand their exceptions over, detached ones whose very
// end can be awaited, and a channel between threads.
//
// Thread safety: Crew and Detached belong to one thread; a Channel is for any.
#pragma once

#include <pthread.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "integration/owned.h"

namespace ralloc_test {

// The first exception of several threads.
class FirstError {
 public:
  template <class Body>
  void guard(Body&& body) {
    try {
      body();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }
  void rethrow() {
    const std::lock_guard lock(mutex_);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

class Crew {
 public:
  Crew() = default;
  Crew(const Crew&) = delete;
  ~Crew() { wait(); }

  template <class Body>
  void add(Body body) {
    threads_.emplace_back([this, body = std::move(body)]() mutable { error_.guard(body); });
  }
  // Waits for all, and throws what the first of them threw.
  void join() {
    wait();
    error_.rethrow();
  }

 private:
  void wait() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  FirstError error_;
  std::list<std::thread> threads_;
};

// Threads that nobody joins. Each runs `body`, and what that returns (an owner of something)
// is destroyed when all destructors of the thread have run, ralloc's among them.
class Detached {
 public:
  Detached() = default;
  Detached(const Detached&) = delete;
  ~Detached() { wait(); }

  template <class Body>
  void add(Body body) {
    {
      const std::lock_guard lock(mutex_);
      ++running_;
    }
    std::thread([this, body = std::move(body)]() mutable {
      auto* end = new End{this};
      pthread_setspecific(key(), end);
      error_.guard([&] { end->kept = body(); });
    }).detach();
  }
  // Until the last has ended; throws what the first of them threw.
  void join() {
    wait();
    error_.rethrow();
  }

 private:
  struct End {
    Detached* crew;
    bool again = false;
    std::shared_ptr<void> kept = nullptr;
  };

  static pthread_key_t key() {
    static const pthread_key_t made = [] {
      pthread_key_t key;
      EXPECT_EQ(pthread_key_create(&key, &Detached::at_end), 0);
      return key;
    }();
    return made;
  }
  // The second round of destructors comes when each key has had its first.
  static void at_end(void* value) {
    auto* end = static_cast<End*>(value);
    if (!std::exchange(end->again, true)) {
      pthread_setspecific(key(), end);
      return;
    }
    Detached* crew = end->crew;
    delete end;
    const std::lock_guard lock(crew->mutex_);
    --crew->running_;
    crew->ended_.notify_all();  // under the lock: the waiter may destroy the crew
  }
  void wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return running_ == 0; });
  }

  FirstError error_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t running_ = 0;
};

// A queue that lives on ralloc, too.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t senders) : senders_(senders) {}

  void send(T value) {
    const std::lock_guard lock(mutex_);
    queue_.push_back(std::move(value));
    filled_.notify_one();
  }
  // Each of the senders ends once, also if it failed.
  void end() {
    const std::lock_guard lock(mutex_);
    --senders_;
    filled_.notify_all();
  }
  // Nothing once all senders have ended and all was received.
  std::optional<T> receive() {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [&] { return !queue_.empty() || senders_ == 0; });
    if (queue_.empty()) return std::nullopt;
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    return value;
  }

  // Ends a sender at the end of a scope.
  class Sender {
   public:
    explicit Sender(Channel& channel) : channel_(channel) {}
    Sender(const Sender&) = delete;
    ~Sender() { channel_.end(); }

   private:
    Channel& channel_;
  };

 private:
  std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<T, OnRalloc<T>> queue_;
  std::size_t senders_;
};

}  // namespace ralloc_test
