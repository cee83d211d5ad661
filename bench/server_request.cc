#include "server_request.h"

#include <unordered_map>

namespace ralloc::bench {

static constexpr std::string_view kMethod = "GET ", kVersion = " HTTP/1.1", kEnd = "\r\n";

std::string compose(const std::string& host, Random& random) {
  std::string text(kMethod);
  text += "/shop/item-" + std::to_string(random.between(1, 99999));
  text += kVersion;
  text += "\r\nHost: " + host + "\r\n";
  size_t sum = host.size();
  for (uint64_t i = random.between(3, 10); i > 0; i--) {
    size_t size = random.skewed(4, 96);
    text += "X-Header-" + std::to_string(i) + ": " + std::string(size, 'h') + "\r\n";
    sum += size;
  }
  return text + "X-Sum: " + std::to_string(sum) + "\r\n\r\n";
}

Request parse(std::string_view text) {
  Request request;
  size_t end = text.find(kEnd);
  request.path = text.substr(kMethod.size(), end - kMethod.size() - kVersion.size());
  for (size_t at = end + 2; text.substr(at) != kEnd; at = end + 2) {
    end = text.find(kEnd, at);
    size_t colon = text.find(": ", at);
    if (end == text.npos || colon > end) fail("a request lost its contents");
    request.headers.emplace_back(text.substr(at, colon - at),
                                 text.substr(colon + 2, end - colon - 2));
  }
  return request;
}

void check_sum(const Request& request) {
  std::unordered_map<std::string, std::string> by_name(request.headers.begin(),
                                                       request.headers.end());
  size_t sum = 0;
  for (const auto& [name, value] : by_name) {
    if (name != "X-Sum") sum += value.size();
  }
  if (by_name["X-Sum"] != std::to_string(sum)) fail("a request lost its contents");
}

// Nine responses in ten are pages and answers of a few hundred bytes, some are large.
Buffer respond(Random& random) {
  uint64_t stamp = random.next();
  if (random.one_in(200)) return Buffer(random.skewed(32 << 10, 384 << 10), stamp);
  if (random.one_in(10)) {
    Buffer grown(512, stamp);  // built piece by piece, as by a template
    for (uint64_t i = random.between(2, 8); i > 0; i--) grown.append(random.skewed(256, 4096));
    return grown;
  }
  return Buffer(random.skewed(16, 2048), stamp);
}

}  // namespace ralloc::bench
