// The rule groups that one owner evaluates: takes them from the configuration, keeps their state
// over reloads, says which are due. Plain class, one owner (a rule actor), no timers.
#pragma once

#include "config/config.h"
#include "pipeline/rules/group_metrics.h"
#include "pipeline/rules/group_runner.h"
#include "pipeline/rules/rule_board.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::rules {

struct manager_environment {
  runner_environment runner;  ///< without alert settings, which the configuration completes
  alert_settings alerts;
  query::parse_options parse;
  rule_board* board = nullptr;
  registry* metrics = nullptr;
  /// Does this manager evaluate the group of that key? One of all managers of a cluster does.
  std::function<bool(const std::string& key)> owns;
};

class rule_manager {
 public:
  explicit rule_manager(manager_environment env);

  using runner_ptr = std::shared_ptr<group_runner>;

  /// Takes the groups of a configuration: those that are the same go on, changed ones take over
  /// what they share with the old, others end. The batches must be stored.
  std::vector<batch_ptr> configure(const config::config& c, timestamp_ms now);
  /// Begins the evaluation of every group that is due.
  std::vector<runner_ptr> begin_due(timestamp_ms now, timestamp_ms complete_until);
  /// The group is still to be evaluated.
  bool current(const runner_ptr& group) const;
  /// An evaluation of the group is over.
  void evaluated(const group_runner& group);

  size_t size() const { return groups_.size(); }

 private:
  struct entry {
    runner_ptr runner;
    std::shared_ptr<group_metrics> metrics;
  };

  bool same(const group_definition& a, const group_definition& b) const;
  void publish(const group_runner& group);
  void tell_incomplete(const group_runner& group);

  manager_environment env_;
  std::map<std::string, entry> groups_;  ///< by key
  uint64_t untold_ = 0;                  ///< evaluations without all data since the last line
  timestamp_ms next_line_ms_ = min_time;
};

}  // namespace troupe::rules
