// The alerts of one alerting rule from instant to instant. One owner: the rule group.
#pragma once

#include "pipeline/rules/alert.h"
#include "pipeline/rules/definition.h"
#include "pipeline/rules/expander.h"
#include "query/engine/value.h"

#include <map>
#include <vector>

namespace troupe::rules {

/// What stays the same for all alerts of a node.
struct alert_settings {
  text_map external_labels;  ///< for templates
  std::string external_url;  ///< for templates
  int64_t resend_delay_ms = 60'000;
  int64_t outage_tolerance_ms = 3'600'000;       ///< an older state is not restored
  int64_t grace_period_ms = 600'000;             ///< what a restored pending alert waits at least
  const template_expander* templates = nullptr;  ///< null: texts are taken as they are
};

/// The state of an alert as the stored series tell it.
struct saved_alert {
  timestamp_ms active_at = 0;  ///< in whole seconds
  timestamp_ms seen_at = 0;    ///< the newest sample that says so
  bool firing = false;
  std::optional<timestamp_ms> keep_firing_since;
};
using saved_alerts = std::map<labels, saved_alert>;

class alert_book {
 public:
  using alert_map = std::map<labels, alert>;

  /// The definition and the settings must outlive the book.
  alert_book(const rule_definition& rule, const alert_settings& settings)
      : rule_(rule), settings_(settings) {}

  struct evaluation {
    timestamp_ms instant = 0;
    uint64_t limit = 0;
    bool catch_up = false;
  };
  /// Takes what the rule's expression gave. invalid_argument for two elements with one label set,
  /// resource_exhausted beyond the limit (then no alert is active any more).
  status update(const query::vector_value& found, const evaluation& e, query_door& queries);

  /// Appends ALERTS and ALERTS_FOR_STATE of what is active, at `ts`.
  void append_samples(timestamp_ms ts, query::vector_value& out) const;
  /// Appends what is due to be sent and notes it as sent.
  void take_due(timestamp_ms instant, int64_t interval_ms, std::vector<outgoing_alert>& out);

  /// Puts the states saved at `at` (an instant of the group) in the place of what update() at that
  /// very instant found. An alert that was not found there is one that was kept firing.
  void resume(const saved_alerts& saved, timestamp_ms at, int64_t interval_ms);
  /// After resume(): nothing was evaluated from then until `now`. Pending alerts are treated as
  /// Prometheus treats them: those of a `for` below the grace period begin anew, the others do not
  /// count the outage, and wait for the grace period at least.
  void bridge_outage(timestamp_ms from, timestamp_ms now);
  /// In the place of resume(), where it is not known what was evaluated last: alerts that the next
  /// update() finds and that are in `saved` go on as after an outage.
  void expect(saved_alerts saved) { expected_ = std::move(saved); }

  const alert_map& all() const { return alerts_; }
  void adopt(alert_map from) { alerts_ = std::move(from); }
  void clear() { alerts_.clear(); }
  /// The most serious state of any alert.
  alert_state state() const;
  /// Alerts as the API lists them: pending and firing.
  std::vector<alert> active() const;

 private:
  std::string expand(const std::string& text, const query::vector_element& element,
                     const evaluation& e, query_door& queries) const;
  result<alert_map> alerts_of(const query::vector_value& found, const evaluation& e,
                              query_door& queries) const;
  /// Moves one alert on; false if it is to be forgotten. `counted`: it is pending or firing.
  bool advance(alert& a, bool found, const evaluation& e, bool& counted) const;
  /// When a pending alert is said to have begun after an outage; none: anew.
  std::optional<timestamp_ms> begin_after_outage(timestamp_ms active_at, timestamp_ms from,
                                                 timestamp_ms now) const;

  const rule_definition& rule_;
  const alert_settings& settings_;
  alert_map alerts_;  ///< by label set; resolved ones stay for 15 minutes
  saved_alerts expected_;
};

}  // namespace troupe::rules
