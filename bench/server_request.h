#pragma once
// A request of server_load.cc: what a client sends, what the server makes of it.
//
// Thread safety: none needed; nothing here is shared.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server_state.h"

namespace ralloc::bench {

struct Request {
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
};

// What a client would send; the last header sums up the others, for check_sum().
std::string compose(const std::string& host, Random& random);

Request parse(std::string_view text);

// Aborts unless the headers are those that were composed.
void check_sum(const Request& request);

Buffer respond(Random& random);

}  // namespace ralloc::bench
