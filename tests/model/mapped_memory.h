// Memory for the test's own records, straight from the system: the subject must not see them.
//
// Thread safety: MappedMemory, any thread; a Pool, one thread.
#pragma once

#include <sys/mman.h>

#include <memory_resource>
#include <new>

namespace ralloc_test {

class MappedMemory : public std::pmr::memory_resource {
 public:
  static MappedMemory* instance() {
    static MappedMemory memory;
    return &memory;
  }

 private:
  void* do_allocate(std::size_t bytes, std::size_t) override {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    return p;
  }
  void do_deallocate(void* p, std::size_t bytes, std::size_t) override { munmap(p, bytes); }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

using Pool = std::pmr::unsynchronized_pool_resource;

}  // namespace ralloc_test
