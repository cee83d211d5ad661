// Runs a command under a limit of address space: `ulimit -v`, whatever the shell.
// Usage: with_limited_address_space MIB COMMAND...
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: %s MIB COMMAND...\n", argv[0]);
    return 2;
  }
  const rlim_t bytes = std::strtoul(argv[1], nullptr, 10) << 20;
  const rlimit limit = {bytes, bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) {
    std::perror("setrlimit");
    return 2;
  }
  execv(argv[2], argv + 2);
  std::perror(argv[2]);
  return 2;
}
