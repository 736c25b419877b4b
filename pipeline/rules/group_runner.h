// A rule group over time: takes it up after a restart where it stood, evaluates what is due, keeps
// present and missed instants apart. Plain class, one owner, no timers; queries run on the caller's
// thread.
#pragma once

#include "pipeline/rules/completeness.h"
#include "pipeline/rules/group_clock.h"
#include "pipeline/rules/rule_group.h"
#include "storage/querier.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::rules {

/// What all groups of a node share; outlives them.
struct runner_environment {
  storage::queryable* data = nullptr;
  query_door* queries = nullptr;
  const clock* clk = nullptr;
  const alert_settings* alerts = nullptr;
  std::string tenant;
  input_boards inputs;
  int64_t live_wait_ms = 10'000;
  int64_t catch_up_wait_ms = 300'000;
  int64_t reach_ms = 6 * 3'600'000;
};

class group_runner {
 public:
  group_runner(group_definition_ptr definition, const runner_environment& env);

  const group_definition& definition() const { return *definition_; }
  const group_definition_ptr& shared_definition() const { return definition_; }
  /// The group as the API shows it: at the present.
  const rule_group& group() const { return *live_; }
  const group_clock* schedule() const { return schedule_ ? &*schedule_ : nullptr; }

  /// Reads what the storage has of the group and takes up its state; unavailable while the storage
  /// replays. Must be ok before anything is evaluated.
  status open(timestamp_ms now);
  /// Takes the place of `old`, which had the same name, in mid-run.
  void replace(group_runner&& old, timestamp_ms now);

  /// Begins the evaluation of the next instant that is due; false if there is none or one is under
  /// way. Then next_stage() gives batches to store, one list after the other; each list is answered
  /// by stored() for all of its batches before the next.
  bool begin(timestamp_ms now, timestamp_ms complete_until);
  bool busy() const { return step_.has_value(); }
  /// Empty: the evaluation is over. Otherwise positions are of the last list.
  std::vector<batch_ptr> next_stage();
  struct outcome {
    status error;
    uint64_t refused = 0;
  };
  void stored(const std::vector<outcome>& outcomes);
  /// Alerts to be sent of the evaluation that is over.
  std::vector<outgoing_alert> take_alerts();

  /// The newest instant evaluated since the start; 0: none.
  timestamp_ms last_instant() const { return last_instant_; }
  int64_t last_duration_ns() const { return last_duration_ns_; }
  timestamp_ms last_started() const { return last_started_; }  ///< wall clock; 0: never
  uint64_t instants() const { return instants_; }
  uint64_t caught_up() const { return caught_up_; }  ///< instants evaluated as history
  /// Instants evaluated since the start though data were missing.
  const incomplete_evaluations& incomplete() const { return incomplete_; }
  /// The newest evaluation that is over was one.
  bool was_incomplete() const { return was_incomplete_; }

  /// Stale markers for all series of the group, which goes away.
  batch_ptr end_series(timestamp_ms now);

 private:
  std::unique_ptr<rule_group> fresh_group() const;
  result<std::unique_ptr<rule_group>> group_at(timestamp_ms instant) const;
  void take_up(timestamp_ms now, std::vector<timestamp_ms> evaluated);
  /// Parts the present from the missed instants.
  void fork();
  /// Batches that close the evaluation of an instant.
  std::vector<batch_ptr> closing_batches();
  void finish();
  rule_group& running() { return step_->past && past_ ? *past_ : *live_; }
  group_run run() const { return {step_->instant, step_->catch_up, missing_.notes}; }

  group_definition_ptr definition_;
  const runner_environment& env_;
  std::optional<group_clock> schedule_;
  std::unique_ptr<rule_group> live_;
  std::unique_ptr<rule_group> past_;  ///< of the missed instants after a fork; else null
  timestamp_ms fork_instant_ = 0;     ///< the first of the present lane
  std::vector<labels> at_fork_;       ///< what the group wrote then, sorted

  std::optional<group_clock::step> step_;
  size_t stage_ = 0;
  bool closing_ = false;                   ///< what is on its way says that the instant is done
  bool failed_ = false;                    ///< something of the instant could not be stored
  std::vector<size_t> offered_;            ///< rules of the last list
  std::optional<timestamp_ms> last_done_;  ///< the newest instant evaluated, before the start too
  std::vector<outgoing_alert> alerts_;
  rule_selectors selectors_;
  missing_data missing_;  ///< for the instant under way
  incomplete_evaluations incomplete_;
  bool was_incomplete_ = false;
  int64_t began_ns_ = 0;
  timestamp_ms last_instant_ = 0, last_started_ = 0;
  int64_t last_duration_ns_ = 0;
  uint64_t instants_ = 0, caught_up_ = 0;
};

}  // namespace troupe::rules
