// What the API shows of rule groups: the newest state of each, published by their owners.
// Thread-safe; what is handed out is immutable.
#pragma once

#include "pipeline/rules/completeness.h"
#include "pipeline/rules/rule_group.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe::rules {

struct rule_view {
  rule_status status;
  alert_state state = alert_state::inactive;  ///< of an alerting rule
  std::vector<alert> alerts;                  ///< pending and firing
};

struct group_view {
  group_definition_ptr definition;
  std::vector<rule_view> rules;      ///< as in the definition
  int64_t duration_ns = 0;           ///< of the last evaluation
  timestamp_ms last_evaluation = 0;  ///< wall clock; 0: never
  incomplete_evaluations incomplete;
};
using group_view_ptr = std::shared_ptr<const group_view>;

class rule_board {
 public:
  void publish(group_view_ptr view);
  void remove(const group_definition& group);
  /// By file, then name.
  std::vector<group_view_ptr> all() const;

 private:
  mutable std::mutex lock_;
  std::map<std::pair<std::string, std::string>, group_view_ptr> groups_;
};

}  // namespace troupe::rules
