// A request of a destination, from the first try to its end. Private to destination.
#pragma once

#include "pipeline/send/destination.h"

namespace troupe::send {

struct destination::request {
  enum class content : uint8_t { entries, metadata, probe };
  content what = content::entries;
  uint64_t token = 0;  ///< 0: waits to be sent again
  lane* from = nullptr;
  bool backlog = false;
  std::vector<portion> parts;
  entry_counts counts;
  size_t families = 0;
  bool late_probe = false;
  std::string body;
  int attempts = 0;
  int64_t not_before_ns = 0;
  bool receiver_asked = false;  ///< for this pause
  int64_t backoff_ms = 0;
};

inline entry_counts count(const std::vector<portion>& parts) {
  entry_counts out;
  for (const auto& p : parts)
    for (const auto& e : p.entries)
      out.add(e.kind);
  return out;
}

}  // namespace troupe::send
