// The places of the protocol's source where a mutation can be made, and the one that is.
//
// Thread safety: one thread.
#pragma once

#include <cstring>

namespace ralloc_verify {

enum class SiteKind { kLoad, kStore, kExchange, kLock, kWake };
inline constexpr const char* kSiteKindNames[] = {"load", "store", "exchange", "lock", "wake"};

struct Site {
  const char* file;  // its last part
  unsigned line;
  SiteKind kind;
};

// No heap: the policy asks from within a model's threads.
struct Mutation {
  static constexpr unsigned kMostSites = 256;
  static inline bool is_recording = false;
  static inline Site sites[kMostSites];
  static inline unsigned site_count = 0;
  static inline Site active{"", 0, SiteKind::kLoad};

  static const char* last_part(const char* path) {
    const char* slash = std::strrchr(path, '/');
    return slash != nullptr ? slash + 1 : path;
  }

  // Whether the operation at this place is to be weakened or dropped.
  static bool is_at(SiteKind kind, const char* file, unsigned line) {
    if (is_recording) record({last_part(file), line, kind});
    return line == active.line && kind == active.kind &&
           std::strcmp(last_part(file), active.file) == 0;
  }

 private:
  static void record(Site site) {
    for (unsigned i = 0; i < site_count; ++i) {
      const Site& s = sites[i];
      if (s.line == site.line && s.kind == site.kind && std::strcmp(s.file, site.file) == 0) return;
    }
    if (site_count < kMostSites) sites[site_count++] = site;
  }
};

}  // namespace ralloc_verify
