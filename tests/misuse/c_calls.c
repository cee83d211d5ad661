/* Correct use of what C has beside malloc and free. Usage: c_calls WAY */
#include <errno.h>

#include "misuse.h"

static const size_t sizes[] = {1, 15, 16, 17, 100, 1000, 1024, 1025, 5000, 32768, 40000, 1000000};
enum { kSizes = sizeof sizes / sizeof sizes[0] };

static void require_full(const char* block, size_t size, char of) {
  for (size_t i = 0; i < size; ++i) require(block[i] == of, "a block has lost its contents");
}

/* All that malloc_usable_size names is the program's. */
static void usable_size(void) {
  char* blocks[kSizes];
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < kSizes; ++i) {
      blocks[i] = malloc(sizes[i]);
      require(malloc_usable_size(blocks[i]) >= sizes[i], "less is usable than was asked for");
      memset(hidden(blocks[i]), i, malloc_usable_size(blocks[i]));
    }
    for (int i = 0; i < kSizes; ++i) {
      require_full(blocks[i], malloc_usable_size(blocks[i]), (char)i);
      free(blocks[i]);
    }
  }
  require(malloc_usable_size(NULL) == 0, "null has a size");
}

static void null(void) {
  free(hidden(NULL));
  void* block = realloc(hidden(NULL), 100);
  require(block != NULL, "realloc(NULL, 100) gives null");
  memset(hidden(block), 1, 100);
  free(block);
}

static void resized(void) {
  for (int from = 0; from < kSizes; ++from) {
    for (int to = 0; to < kSizes; ++to) {
      char* block = malloc(sizes[from]);
      memset(hidden(block), 7, sizes[from]);
      block = realloc(block, sizes[to]);
      require_full(block, sizes[from] < sizes[to] ? sizes[from] : sizes[to], 7);
      memset(hidden(block), 8, sizes[to]);
      free(block);
    }
  }
}

static void resized_bit_by_bit(void) {
  char* block = NULL;
  for (size_t size = 1; size <= 5000; ++size) {
    block = realloc(block, size);
    if (size > 1) require_full(block + size - 2, 1, 3);
    block[size - 1] = 3;
  }
  require_full(block, 5000, 3);
  for (size_t size = 5000; size >= 1; --size) block = realloc(block, size);
  free(block);
}

static void resized_to_0(void) {
  for (int i = 0; i < kSizes; ++i) {
    void* const block = realloc(malloc(sizes[i]), 0);
    free(block); /* null, or a block of no bytes: both may be */
  }
}

static void* resize_it(void* block) { return realloc(block, 40000); }

static void resized_in_another_thread(void) {
  for (int i = 0; i < 20; ++i) {
    char* block = malloc(100);
    memset(hidden(block), 9, 100);
    pthread_t thread;
    void* resized = NULL;
    if (pthread_create(&thread, NULL, resize_it, block) != 0) exit(kUsage);
    pthread_join(thread, &resized);
    require_full(resized, 100, 9);
    free(resized);
  }
}

static void zeros(void) {
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < kSizes; ++i) {
      char* block = calloc(sizes[i], 2);
      require_full(block, 2 * sizes[i], 0);
      memset(hidden(block), 1, 2 * sizes[i]);
      free(block);
    }
  }
}

static void no_bytes(void) {
  void* blocks[1000];
  for (int i = 0; i < 1000; ++i) {
    blocks[i] = i % 2 == 0 ? malloc(0) : calloc(0, 1);
    require(blocks[i] != NULL, "no bytes give null");
    for (int j = 0; j < i; ++j) require(blocks[i] != blocks[j], "two have one address");
  }
  for (int i = 0; i < 1000; ++i) blocks[i] = realloc(blocks[i], 10);
  for (int i = 0; i < 1000; ++i) memset(hidden(blocks[i]), 1, 10);
  for (int i = 0; i < 1000; ++i) free(blocks[i]);
}

static void aligned(void) {
  for (size_t align = 8; align <= 65536; align *= 2) {
    for (int i = 0; i < kSizes; ++i) {
      const size_t size = (sizes[i] + align - 1) / align * align;  /* as C11 has it */
      void* blocks[3] = {NULL, aligned_alloc(align, size), memalign(align, sizes[i])};
      require(posix_memalign(&blocks[0], align, sizes[i]) == 0, "posix_memalign failed");
      for (int j = 0; j < 3; ++j) {
        require(blocks[j] != NULL, "a block is missing");
        require((uintptr_t)blocks[j] % align == 0, "a block is not aligned");
        memset(hidden(blocks[j]), 1, sizes[i]);
      }
      for (int j = 0; j < 3; ++j) free(blocks[j]);
    }
  }
}

static void aligned_to_a_page(void) {
  char* const blocks[] = {valloc(100), pvalloc(100)};
  for (int i = 0; i < 2; ++i) {
    require(blocks[i] != NULL && (uintptr_t)blocks[i] % 4096 == 0, "a block is not aligned");
    memset(hidden(blocks[i]), 1, 100);
    free(blocks[i]);
  }
}

static void too_large(void) {
  errno = 0;
  require(malloc((size_t)hidden((void*)PTRDIFF_MAX)) == NULL && errno == ENOMEM, "malloc");
  void* const block = malloc(100);
  memset(hidden(block), 5, 100);
  require(realloc(block, (size_t)hidden((void*)(PTRDIFF_MAX - 100))) == NULL, "realloc");
  require_full(hidden(block), 100, 5);
  require(calloc((size_t)hidden((void*)PTRDIFF_MAX), 16) == NULL, "calloc");
  free(hidden(block));
}

static void kept_errno(void) {
  for (int i = 0; i < kSizes; ++i) {
    void* const block = malloc(sizes[i]);
    errno = 1234;
    free(block);
    require(errno == 1234, "free has set errno");
  }
}

static void strings(void) {
  char* text = NULL;
  require(asprintf(&text, "%01000d", 7) == 1000, "asprintf");
  char* copy = strdup(text);
  require(strcmp(copy, text) == 0, "strdup");
  free(text);
  free(copy);
  char* line = NULL;
  size_t room = 0;
  FILE* const file = fopen("/proc/self/maps", "r");
  while (getline(&line, &room, file) > 0) require(strlen(line) < room, "getline");
  fclose(file);
  free(line);
  free(realpath("/proc/self/exe", NULL));
}

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*run)(void);
  } ways[] = {{"usable_size", usable_size},
              {"null", null},
              {"resized", resized},
              {"resized_bit_by_bit", resized_bit_by_bit},
              {"resized_to_0", resized_to_0},
              {"resized_in_another_thread", resized_in_another_thread},
              {"zeros", zeros},
              {"no_bytes", no_bytes},
              {"aligned", aligned},
              {"aligned_to_a_page", aligned_to_a_page},
              {"too_large", too_large},
              {"kept_errno", kept_errno},
              {"strings", strings}};
  for (size_t i = 0; argc == 2 && i < sizeof ways / sizeof ways[0]; ++i) {
    if (strcmp(argv[1], ways[i].name) != 0) continue;
    ways[i].run();
    return 0;
  }
  return kUsage;
}
