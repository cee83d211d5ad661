// What happens when memory is exhausted in a call that may not fail (`alloc`, `realloc`,
// `alloc_at_least`): a function of the program's is called, the OOM handler.
//
// Thread safety: every function may be called from any thread at any time, in a handler too.
//
// The thread's own handler is called if there is one, else that of the process, else the
// default: one sentence to standard error, and abort. operator new has the new-handler of the
// language instead, malloc sets ENOMEM, and the calls that may fail call nothing.
//
//   void give_up_cache(std::size_t, std::size_t) {
//     if (!cache.shrink()) throw std::bad_alloc();
//   }                                              // returned: the allocation is tried again
//   ...
//   ralloc::set_oom_handler(give_up_cache);
//   void* block = ralloc::alloc(size);             // a block, or bad_alloc
#pragma once

#include <cstddef>

namespace ralloc {

/// What is called with the size and alignment, in bytes, that could not be served.
///
/// It runs in the thread that asked, with no lock held, and may allocate, free and set
/// handlers. If it returns, the allocation is tried again, and on failure a handler is called
/// again: one that can do no more throws, ends the thread or process, or leaves by longjmp.
/// What was to be reallocated is untouched then.
///
/// A handler that itself runs out of memory in `alloc` is called for that too, until
/// kOomHandlersNested run inside of each other; beyond that the default is taken. Handlers
/// left by longjmp count as running for calls from deeper in the stack, until one that is not.
using OomHandler = void (*)(std::size_t size, std::size_t align);

/// How many handlers may be running inside of each other in one thread.
inline constexpr unsigned kOomHandlersNested = 16;

namespace detail {

using OomRunner = void (*)(OomHandler handler, std::size_t size, std::size_t align,
                           const void* outer);
OomHandler set_oom_handler(OomHandler handler, OomRunner runner) noexcept;
OomHandler set_thread_oom_handler(OomHandler handler, OomRunner runner) noexcept;
void left_oom_handler(const void* outer) noexcept;

// Here because it is compiled with the program: the library, which has no exceptions, could not
// see one leave a handler.
inline void run_oom_handler(OomHandler handler, std::size_t size, std::size_t align,
                            const void* outer) {
  struct Leaving {
    const void* outer;
    ~Leaving() { left_oom_handler(outer); }
  } leaving{outer};
  handler(size, align);
}

}  // namespace detail

/// Sets the handler of all threads that have none of their own; null for the default.
/// \return the one before, null if there was none.
///
/// \code
/// static std::vector<char> cache(1'000'000);
/// auto before = ralloc::set_oom_handler([](std::size_t, std::size_t) {
///   if (cache.empty()) throw std::bad_alloc();
///   std::vector<char>().swap(cache);  // returned: the allocation is tried again
/// });
/// bool thrown = false;
/// try {
///   (void)ralloc::alloc(std::size_t{1} << 62);
/// } catch (const std::bad_alloc&) {
///   thrown = true;
/// }
/// assert(thrown && cache.empty());
/// ralloc::set_oom_handler(before);
/// \endcode
inline OomHandler set_oom_handler(OomHandler handler) noexcept {
  return detail::set_oom_handler(handler, detail::run_oom_handler);
}

/// Sets the handler of this thread, for all its calls from now on; null for that of the process.
/// Other threads, among them those that this one starts, are not affected.
/// \return the one before, null if there was none.
///
/// \code
/// ralloc::OomHandler handler = [](std::size_t, std::size_t) { std::_Exit(1); };
/// ralloc::set_thread_oom_handler(handler);
/// std::thread([] { assert(ralloc::set_thread_oom_handler(nullptr) == nullptr); }).join();
/// assert(ralloc::set_thread_oom_handler(nullptr) == handler);
/// \endcode
inline OomHandler set_thread_oom_handler(OomHandler handler) noexcept {
  return detail::set_thread_oom_handler(handler, detail::run_oom_handler);
}

/// Sets this thread's handler while it lives. Scopes of a thread end in reverse order, and each
/// in the thread that began it.
///
/// \code
/// std::size_t refused = 0;
/// try {
///   ralloc::OomHandlerScope scope([](std::size_t size, std::size_t) { throw size; });
///   (void)ralloc::alloc(std::size_t{1} << 62);
/// } catch (std::size_t size) {
///   refused = size;
/// }
/// assert(refused == std::size_t{1} << 62);
/// \endcode
class [[nodiscard]] OomHandlerScope {
 public:
  explicit OomHandlerScope(OomHandler handler) noexcept
      : before_(set_thread_oom_handler(handler)) {}
  ~OomHandlerScope() { set_thread_oom_handler(before_); }
  OomHandlerScope(const OomHandlerScope&) = delete;
  OomHandlerScope& operator=(const OomHandlerScope&) = delete;

 private:
  const OomHandler before_;
};

}  // namespace ralloc
