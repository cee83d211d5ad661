// The exported allocation functions that the C library's headers do not declare.
//
// Thread safety: as malloc.
#pragma once

#include <malloc.h>
#include <stdlib.h>

#include <cstddef>

extern "C" {
void cfree(void* ptr) noexcept;
void free_sized(void* ptr, std::size_t size) noexcept;
void free_aligned_sized(void* ptr, std::size_t align, std::size_t size) noexcept;
std::size_t malloc_good_size(std::size_t size) noexcept;
std::size_t malloc_object_size(const void* ptr) noexcept;
std::size_t malloc_object_size_fast(const void* ptr) noexcept;
std::size_t nallocx(std::size_t size, int flags) noexcept;
void sdallocx(void* ptr, std::size_t size, int flags) noexcept;

void* __libc_malloc(std::size_t size) noexcept;
void* __libc_calloc(std::size_t count, std::size_t size) noexcept;
void* __libc_realloc(void* ptr, std::size_t size) noexcept;
void __libc_free(void* ptr) noexcept;
void* __libc_memalign(std::size_t align, std::size_t size) noexcept;
void* __libc_valloc(std::size_t size) noexcept;
void* __libc_pvalloc(std::size_t size) noexcept;
}
