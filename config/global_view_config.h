// A region whose series queries of this node show beside its own, asked when they are. Plain data.
#pragma once

#include "config/http_client_config.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::config {

struct global_view_config {
  std::string name;               ///< the value of the label "region" of its series
  std::vector<std::string> urls;  ///< nodes with the same series; may hold passwords: mask_url()
  int64_t timeout_ms = 0;         ///< 0: what the query has
  uint64_t max_concurrent = 8;    ///< requests at one time; others wait
  uint64_t max_answer_bytes = 256ull << 20;    ///< of one answer, decompressed
  std::map<std::string, std::string> headers;  ///< values may be secret
  http_client_config client;

  bool operator==(const global_view_config&) const = default;
};

}  // namespace troupe::config
