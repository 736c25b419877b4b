// The rules of one group, evaluated instant by instant. Plain class, one owner; evaluating runs
// queries on the caller's thread. What the rules give is handed out as batches; the owner stores
// those of a stage before it asks for the next.
#pragma once

#include "pipeline/rules/alert_book.h"
#include "pipeline/rules/definition.h"
#include "pipeline/rules/expander.h"
#include "storage/base/clock.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::rules {

enum class rule_health : uint8_t { unknown, good, bad };
/// "unknown", "ok", "err".
std::string_view to_string(rule_health h);

struct rule_status {
  rule_health health = rule_health::unknown;
  std::string last_error;
  int64_t duration_ns = 0;           ///< of the last evaluation
  timestamp_ms last_evaluation = 0;  ///< wall clock; 0: never
};

/// One instant to evaluate.
struct group_run {
  timestamp_ms instant = 0;
  /// Long past: recorded as if on time, but alerts are not sent.
  bool catch_up = false;
  /// By rule, or none: what is missing of the data, which its alerts are sent with.
  std::span<const std::string> notes;
};

class rule_group {
 public:
  /// The settings and the clock (for durations) must outlive the group.
  rule_group(group_definition_ptr definition, const alert_settings& settings, const clock& clk,
             std::string tenant = {});

  const group_definition& definition() const { return *definition_; }

  /// What one rule gave.
  struct output {
    size_t rule = 0;  ///< its position; leftovers: what no rule of the group writes any more
    batch_ptr batch;
  };
  static constexpr size_t leftovers = static_cast<size_t>(-1);
  /// Evaluates the rules of one stage. Rules that fail or give nothing have no output. With the
  /// last stage come stale markers of series left from an earlier definition.
  std::vector<output> evaluate(size_t stage, const group_run& run, query_door& queries);
  /// What became of an output. `refused`: samples that were not accepted.
  void stored(size_t rule, const status& outcome, uint64_t refused);
  /// Alerts of a stage's rules to be sent after its evaluation; none of a catch-up.
  std::vector<outgoing_alert> take_due_alerts(size_t stage, const group_run& run);

  /// Brings the group to where it stood after the evaluation of `at`: evaluates without storing and
  /// takes the states of its alerts from `saved` (by rule).
  void resume(timestamp_ms at, const std::vector<saved_alerts>& saved, query_door& queries);
  /// After resume(): nothing happened from then until `now` (alert_book::bridge_outage).
  void bridge_outage(timestamp_ms from, timestamp_ms now);
  /// For a group that is new to the storage (alert_book::expect); by rule.
  void expect(std::vector<saved_alerts> saved);
  /// Takes over what `old` knows about rules that both have (name and labels); series of others are
  /// marked stale with the next evaluation.
  void adopt(rule_group&& old);
  /// What the group wrote last, sorted.
  std::vector<labels> written_last() const;
  /// Stale markers at `ts` for what the group wrote last, but for `others` (sorted); null if there
  /// is nothing. The group is over.
  batch_ptr end_series(timestamp_ms ts, const std::vector<labels>& others = {});

  const rule_status& status_of(size_t rule) const { return rules_[rule].status; }
  const alert_book& alerts_of(size_t rule) const { return rules_[rule].alerts; }
  /// Samples of the last evaluation.
  uint64_t samples() const { return samples_; }
  uint64_t failures() const { return failures_; }
  uint64_t evaluations() const { return evaluations_; }
  /// What the rules' expressions have in common.
  const query::shared_calls& shared() const { return *shared_; }

 private:
  struct rule_state {
    explicit rule_state(const rule_definition& d, const alert_settings& s) : alerts(d, s) {}
    rule_status status;
    alert_book alerts;
    std::vector<labels> found;     ///< label sets of the expression's last result, in its order
    std::vector<labels> written;   ///< what they became
    series_table_ptr table;        ///< of `written`, and maybe of vanished series after it
    std::vector<labels> previous;  ///< series of the last result that was stored, sorted
    std::vector<labels> offered;   ///< the same of the one on its way
  };

  /// Results of expressions that several rules of a stage have.
  using shared_results = std::map<std::string_view, query::vector_value>;
  result<query::vector_value> result_of(size_t rule, const group_run& run, query_door& queries,
                                        shared_results& shared);
  /// Gives the elements the labels of the recorded series.
  status name_results(rule_state& state, const rule_definition& rule, query::vector_value& v) const;
  batch_ptr batch_of(rule_state& state, size_t rule, const query::vector_value& v,
                     timestamp_ms stale_ts) const;
  batch_ptr stale_batch(std::vector<labels> series, timestamp_ms ts) const;
  void note(rule_state& state, const status& s);

  group_definition_ptr definition_;
  const alert_settings& settings_;
  const clock& clk_;
  std::string tenant_;
  std::vector<rule_state> rules_;
  std::unique_ptr<query::shared_calls> shared_ = std::make_unique<query::shared_calls>();
  std::vector<labels> leftovers_;
  uint64_t samples_ = 0;
  uint64_t failures_ = 0;
  uint64_t evaluations_ = 0;
};

}  // namespace troupe::rules
