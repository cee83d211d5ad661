// What debuggers are told: Valgrind's memcheck by client requests, AddressSanitizer by poisoning.
// The functions are empty in builds that are not for debuggers.
//
// Thread safety: any thread. Bytes are their caller's to describe: who gives them to the program
// or takes them from it. Nothing here allocates or locks (but for AddressSanitizer's own lock
// around its list of roots).
#pragma once

#include <cstddef>
#include <cstdint>

#include "shim/config.h"
#include "shim/defences.h"

namespace ralloc {

// So many bytes behind each block, or more, are nobody's: what a program does to them is reported.
// They lie before the next block, too.
inline constexpr std::size_t kRedZone = kDebugger ? 16 : Defences::kCanaries ? 8 : 0;
// Blocks have exactly the bytes that were asked for, and the allocator knows how many.
inline constexpr bool kExactSizes = kDebugger || Defences::kStates;

namespace debugger {

// True where memcheck runs the program.
bool is_memcheck() noexcept;
// False where memcheck would warn of so large a mapping.
bool may_map(std::size_t bytes) noexcept;

// --- Blocks -------------------------------------------------------------------------------------
// A block, or what is left of one, from now on; its bytes may be used, and are undefined, or zero.
void begin_block(void* begin, std::size_t size, bool is_zeroed) noexcept;
// It is longer, and the new bytes are undefined; or shorter. Neither size is 0.
void resize_block(void* begin, std::size_t old_size, std::size_t size) noexcept;
// Of a block's bytes those in [first, last) are taken away, perhaps all: what is before them (if
// anything) and behind them are blocks of their own, with the contents that they have.
void cut_block(void* begin, std::size_t size, std::size_t first, std::size_t last) noexcept;

// --- Bytes --------------------------------------------------------------------------------------
// No access, or access to what is there.
void close(void* begin, std::size_t size) noexcept;
void open(void* begin, std::size_t size) noexcept;

// The allocator's own words in bytes that are closed; a multiple of 4.
std::uint32_t read_hidden(const void* word) noexcept;
void write_hidden(void* word, std::uint32_t value) noexcept;

// --- The arena ------------------------------------------------------------------------------------
// Reserved address space, a multiple of Config::kSector in place and size, where blocks will be;
// and before it is released.
void note_reserved(void* begin, std::size_t size) noexcept;
void note_released(void* begin, std::size_t size) noexcept;
// The page map, which is no place for blocks; called before anything is committed.
void note_map(void* begin, std::size_t size) noexcept;
// Memory of either. Where blocks will be nobody may use it until there are some.
void note_committed(void* begin, std::size_t size) noexcept;

}  // namespace debugger
}  // namespace ralloc
