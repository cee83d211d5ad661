// The platform on Windows: VirtualAlloc, WaitOnAddress, and a fiber-local slot for a thread's end.
// There is no fork, no program break, and no way to move pages.
//
// Thread safety: as platform.h.
#pragma once

#include <windows.h>

// After it.
#include <ntsecapi.h>

#include <io.h>
#include <stdlib.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "shim/platform.h"
#include "shim/weak_random.h"

namespace ralloc::os {

struct Windows {
  static std::size_t page_size() noexcept { return info().dwPageSize; }
  static unsigned cpu_count() noexcept {
    DWORD_PTR mine = 0;
    DWORD_PTR all = 0;
    if (!GetProcessAffinityMask(GetCurrentProcess(), &mine, &all) || mine == 0) {
      return info().dwNumberOfProcessors;  // more than one group of processors
    }
    return unsigned(std::popcount(mine));
  }
  static std::size_t address_space_limit() noexcept { return SIZE_MAX; }
  static const char* const* environment() noexcept { return _environ; }
  // A process with more rights than its starter does not get the starter's environment.
  static bool is_privileged() noexcept { return false; }
  static std::uint64_t now_ms() noexcept { return GetTickCount64(); }

  static bool fill_random(void* buffer, std::size_t bytes) noexcept {
    char* to = static_cast<char*>(buffer);
    while (bytes != 0) {
      const ULONG some = bytes < (1u << 30) ? ULONG(bytes) : 1u << 30;
      if (!RtlGenRandom(to, some)) {
        LARGE_INTEGER ticks;
        QueryPerformanceCounter(&ticks);
        fill_weakly(to, bytes, nullptr, std::uint64_t(ticks.QuadPart));
        return false;
      }
      to += some;
      bytes -= some;
    }
    return true;
  }

  // Windows places reservations at multiples of 64 KiB alone.
  static void* reserve(std::size_t bytes, std::size_t align, void* hint) noexcept {
    if (hint != nullptr && std::uintptr_t(hint) % align == 0 && reserve_at(hint, bytes)) {
      return hint;
    }
    for (unsigned tries = 0; tries < kReserveTries; ++tries) {
      void* p = VirtualAlloc(nullptr, bytes, MEM_RESERVE, PAGE_NOACCESS);
      if (p == nullptr || std::uintptr_t(p) % align == 0) return p;
      VirtualFree(p, 0, MEM_RELEASE);
      // A part cannot be given back: look where there is room, and be faster than others there.
      p = VirtualAlloc(nullptr, bytes + align, MEM_RESERVE, PAGE_NOACCESS);
      if (p == nullptr) return nullptr;
      VirtualFree(p, 0, MEM_RELEASE);
      const std::uintptr_t aligned = (std::uintptr_t(p) + align - 1) / align * align;
      void* const wanted = reinterpret_cast<void*>(aligned);
      if (reserve_at(wanted, bytes)) return wanted;
    }
    return nullptr;
  }
  static void* reserve_zeros(std::size_t bytes) noexcept {
    return VirtualAlloc(nullptr, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
  }
  static bool reserve_at(void* begin, std::size_t bytes) noexcept {
    void* p = VirtualAlloc(begin, bytes, MEM_RESERVE, PAGE_NOACCESS);
    if (p != nullptr && p != begin) VirtualFree(p, 0, MEM_RELEASE);
    return p == begin;
  }

  static bool commit(void* begin, std::size_t bytes) noexcept {
    // The second call is for what can be read already: reserved zeros.
    DWORD before;
    return VirtualAlloc(begin, bytes, MEM_COMMIT, PAGE_READWRITE) != nullptr &&
           VirtualProtect(begin, bytes, PAGE_READWRITE, &before);
  }

  static bool purge(void* begin, std::size_t bytes) noexcept {
    for_each_reservation(begin, bytes, [](char* part, std::size_t size, bool) {
      if (!VirtualFree(part, size, MEM_DECOMMIT)) {
        std::memset(part, 0, size);  // as good, but for the backing
        return;
      }
      for (unsigned tries = 0; tries < kCommitTries; ++tries) {
        if (VirtualAlloc(part, size, MEM_COMMIT, PAGE_READWRITE) != nullptr) return;
        Sleep(1);
      }
      constexpr char kLost[] = "ralloc: the system took backing away that was to be purged\n";
      write(2, kLost, sizeof kLost - 1);
      abort();
    });
    return true;
  }

  static bool close(void* begin, std::size_t bytes) noexcept {
    bool all = true;
    for_each_reservation(begin, bytes, [&](char* part, std::size_t size, bool) {
      all = VirtualFree(part, size, MEM_DECOMMIT) && all;
    });
    return all;
  }

  // Addresses of a reservation come back as a whole: a part of it is nobody's until then.
  static void release(void* begin, std::size_t bytes) noexcept {
    for_each_reservation(begin, bytes, [](char* part, std::size_t size, bool is_whole) {
      is_whole ? VirtualFree(part, 0, MEM_RELEASE) : VirtualFree(part, size, MEM_DECOMMIT);
    });
  }

  static bool extend(void* begin, std::size_t bytes, std::size_t more) noexcept {
    void* const end = static_cast<char*>(begin) + bytes;
    if (!reserve_at(end, more)) return false;
    if (commit(end, more)) return true;
    release(end, more);
    return false;
  }
  static Moved move_pages(void*, std::size_t, void*, std::size_t) noexcept { return Moved::kNo; }

  static std::uintptr_t program_break() noexcept { return 0; }
  static bool move_break_to(std::uintptr_t, std::uintptr_t) noexcept { return false; }

  static bool at_thread_exit(void (*hook)(void*), void* value) noexcept {
    // Acquire pairs with the release below: the slot works once its number is seen.
    DWORD slot_plus_1 = exit_slot.load(std::memory_order_acquire);
    if (slot_plus_1 == 0) {
      const DWORD slot = FlsAlloc(hook);
      if (slot == FLS_OUT_OF_INDEXES) return false;
      // Release pairs with the acquires here and above.
      if (exit_slot.compare_exchange_strong(slot_plus_1, slot + 1, std::memory_order_acq_rel,
                                            std::memory_order_acquire)) {
        slot_plus_1 = slot + 1;
      } else {
        FlsFree(slot);  // another thread was first; its slot is in slot_plus_1 now
      }
    }
    return FlsSetValue(slot_plus_1 - 1, value);
  }
  static void yield() noexcept { SwitchToThread(); }
  static void wait(const std::atomic<std::uint32_t>& word, std::uint32_t value) noexcept {
    WaitOnAddress(address_of(word), &value, sizeof value, INFINITE);
  }
  static void wake_one(const std::atomic<std::uint32_t>& word) noexcept {
    WakeByAddressSingle(address_of(word));
  }

  static void* map_wiped_on_fork(std::size_t) noexcept { return nullptr; }
  static bool at_fork_in_child(void (*)()) noexcept { return true; }  // there are none

  static bool write(int descriptor, const char* text, std::size_t size) noexcept {
    const int kept_errno = errno;
    const auto file = reinterpret_cast<HANDLE>(_get_osfhandle(descriptor));
    errno = kept_errno;
    while (size != 0) {
      DWORD n = 0;
      const DWORD some = size < (1u << 30) ? DWORD(size) : 1u << 30;
      if (!WriteFile(file, text, some, &n, nullptr) || n == 0) return false;
      text += n;
      size -= n;
    }
    return true;
  }
  [[noreturn]] static void abort() noexcept { ::abort(); }

 private:
  static constexpr unsigned kReserveTries = 16;
  static constexpr unsigned kCommitTries = 100;

  static SYSTEM_INFO info() {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    return info;
  }
  static void* address_of(const std::atomic<std::uint32_t>& word) {
    return const_cast<std::atomic<std::uint32_t>*>(&word);
  }

  // visit(begin, size, is_whole) for each reservation's part of the range.
  template <class Visit>
  static void for_each_reservation(void* begin, std::size_t bytes, Visit visit) {
    char* at = static_cast<char*>(begin);
    char* const end = at + bytes;
    while (at < end) {
      MEMORY_BASIC_INFORMATION first;
      if (VirtualQuery(at, &first, sizeof first) == 0) return;
      char* stop = static_cast<char*>(first.BaseAddress) + first.RegionSize;
      MEMORY_BASIC_INFORMATION next;
      while (first.State != MEM_FREE && VirtualQuery(stop, &next, sizeof next) != 0 &&
             next.State != MEM_FREE && next.AllocationBase == first.AllocationBase) {
        stop += next.RegionSize;
      }
      const bool is_whole = at == first.AllocationBase && stop <= end;
      if (stop > end) stop = end;
      if (first.State != MEM_FREE) visit(at, std::size_t(stop - at), is_whole);
      at = stop;
    }
  }

  // The slot + 1; 0 before there is one.
  static constinit inline std::atomic<DWORD> exit_slot{0};
};

static_assert(Platform<Windows>);

}  // namespace ralloc::os
