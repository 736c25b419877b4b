// `troupe drill` as a plain struct.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::config {

struct drill_command {
  enum class outage : uint8_t { region, brokers };
  outage of = outage::region;
  std::string from;  ///< a node of the region; with what is below a prefix, if it has one
  std::vector<std::string> to;   ///< nodes of other regions
  std::string region;            ///< "": blocks are found by topics and URLs
  std::string http_config_file;  ///< an http_config as YAML; "": none
  int64_t cut_ms = 60'000;
  double rate = 50;  ///< samples a second, of all series
  int64_t timeout_ms = 5LL * 60'000;
  std::optional<int64_t> max_rpo_ms, max_rto_ms;
  bool dry_run = false;
  bool keep = false;
  bool json = false;
};

}  // namespace troupe::config
