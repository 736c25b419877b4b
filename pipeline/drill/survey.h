// Before a drill: what the nodes tell of themselves, whether they are fit for it, and which stages
// it would pause. Pure.
#pragma once

#include "pipeline/client/node_answers.h"
#include "pipeline/drill/options.h"
#include "storage/base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::drill {

struct node_facts {
  std::string url;
  std::map<std::string, std::string> flags;
  std::vector<client::node_stage> stages;
  std::vector<client::topic_link> topics;
  std::vector<client::node_watermark> watermarks;
  int64_t clock_off_ms = 0;       ///< of the clock here
  int64_t clock_accuracy_ms = 0;  ///< of that
};

/// A stage to pause.
struct stage_cut {
  size_t node = 0;  ///< among the facts; 0 is the source
  std::string stage, name;

  bool operator==(const stage_cut&) const = default;
};

struct drill_plan {
  std::vector<stage_cut> cuts;
  std::vector<bool>
      is_cut;  ///< by destination: the source's samples do not come by Kafka, or at all
};

/// Why not, if the drill cannot be: invalid_argument where something is missing or wrongly named,
/// unavailable where something is not well now. The first one of `nodes` is the source.
result<drill_plan> plan_drill(const drill_options& options, const std::vector<node_facts>& nodes);

}  // namespace troupe::drill
