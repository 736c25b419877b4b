// What a drill has found. Plain data.
#pragma once

#include "pipeline/drill/arrivals.h"
#include "pipeline/drill/audit_series.h"
#include "pipeline/drill/options.h"
#include "storage/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::drill {

struct destination_report {
  std::string url;
  bool is_cut = false;               ///< the source's samples were to come no more
  bool came_past = false;            ///< some came all the same
  std::optional<int64_t> usual_ms;   ///< from an acknowledged write to its sight there
  std::optional<shortfall> at_cut;   ///< what would have been lost with the source then: RPO
  std::optional<shortfall> backlog;  ///< what was missing at the end of the cut
  std::optional<int64_t>
      rto_newest_ms;                  ///< from the resume to the sight of a sample written after it
  std::optional<int64_t> rto_all_ms;  ///< to that of all that was written before it
  std::optional<audit_result> audit;  ///< none: there was none
};

struct drill_report {
  std::string id;
  drill_kind kind = drill_kind::region;
  uint64_t written = 0;  ///< samples that were acknowledged
  std::vector<destination_report> destinations;
  std::optional<audit_result> source;
  std::vector<std::string> notes;  ///< what a person should know
  status failed;                   ///< why it ended early

  /// Why it is not as it should be; none: all was there, soon enough, and the cut was one.
  std::vector<std::string> faults(const drill_options& o) const;
};

}  // namespace troupe::drill
