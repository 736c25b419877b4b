// A troupe node whose series this one takes over as they come. Plain data.
#pragma once

#include "config/http_client_config.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::config {

struct federation_config {
  std::string name;  ///< unique; the place reached at the source is kept under it
  std::string url;   ///< the source's root; may hold a password: print it only through mask_url()
  std::vector<std::string> match;             ///< selectors; a series that one of them selects
  std::map<std::string, std::string> labels;  ///< added to every series that has them not
  uint64_t keep_bytes = 4ull << 30;  ///< most the source keeps of its log for this subscription
  http_client_config client;

  bool operator==(const federation_config&) const = default;
};

}  // namespace troupe::config
