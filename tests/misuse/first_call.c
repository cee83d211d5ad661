/* Frees a foreign pointer before anything was allocated: there is no heap yet to look in. */
#include "misuse.h"

static char static_bytes[64];

static void before_all(int argc, char** argv, char** environment) {
  (void)argc, (void)argv, (void)environment;
  free(suspect(static_bytes));
}

__attribute__((used, section(".preinit_array"))) static void (*preinit)(int, char**, char**) =
    before_all;

int main(void) { return 0; }
