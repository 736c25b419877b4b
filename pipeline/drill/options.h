// What a drill is asked to do. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace troupe::drill {

enum class drill_kind : uint8_t {
  region,   ///< the other regions lose this one
  brokers,  ///< all regions lose Kafka
};

struct drill_options {
  drill_kind kind = drill_kind::region;
  std::string id;      ///< of this drill: a label of the audit series
  std::string region;  ///< names the blocks at the other nodes; "": found by topics and URLs
  int64_t cut_ms = 60'000;
  int64_t spacing_ms = 200;  ///< between the samples of a series
  uint32_t series = 10;
  /// For the audit series to come to all nodes: at the begin, and after the cut.
  int64_t timeout_ms = 300'000;
  std::optional<int64_t> max_rpo_ms, max_rto_ms;
  bool dry_run = false;  ///< only checks
  bool keep = false;     ///< the audit series stays
};

}  // namespace troupe::drill
