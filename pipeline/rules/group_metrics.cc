#include "pipeline/rules/group_metrics.h"

#include <string_view>

namespace troupe::rules {
namespace {

constexpr double ns_per_second = 1e9;

std::vector<double> bounds() {
  return {0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};
}

double seconds(int64_t ms) {
  return static_cast<double>(ms) / 1000;
}

// "troupe_X" exists now; it is "prometheus_X", too.
template <class Metric>
Metric& with_alias(registry& r, std::string_view name, Metric& m) {
  r.add_alias(name, "prometheus" + std::string(name.substr(name.find('_'))));
  return m;
}

counter& count(registry& r, const std::string& key, std::string_view name, std::string_view help) {
  return with_alias(r, name, r.get_counter(name, help, {{"rule_group", key}}));
}

gauge& level(registry& r, const std::string& key, std::string_view name, std::string_view help) {
  return with_alias(r, name, r.get_gauge(name, help, {{"rule_group", key}}));
}

void add_new(counter& c, uint64_t now, uint64_t& seen) {
  c.add(static_cast<double>(now < seen ? now : now - seen));
  seen = now;
}

}  // namespace

group_metrics::group_metrics(registry& r, const std::string& key)
    : group_duration_(
          with_alias(r, "troupe_rule_group_duration_seconds",
                     r.get_histogram("troupe_rule_group_duration_seconds",
                                     "How long the evaluations of rule groups took.", bounds()))),
      rule_duration_(
          with_alias(r, "troupe_rule_evaluation_duration_seconds",
                     r.get_histogram("troupe_rule_evaluation_duration_seconds",
                                     "How long the evaluations of rules took.", bounds()))),
      iterations_(count(r, key, "troupe_rule_group_iterations_total",
                        "Instants of a rule group, evaluated or given up.")),
      missed_(count(r, key, "troupe_rule_group_iterations_missed_total",
                    "Instants of a rule group that were given up, being too long ago.")),
      evaluations_(count(r, key, "troupe_rule_evaluations_total", "Evaluations of rules.")),
      failures_(count(r, key, "troupe_rule_evaluation_failures_total",
                      "Evaluations of rules that failed.")),
      caught_up_(r.get_counter("troupe_rule_group_caught_up_total",
                               "Instants of a rule group that were evaluated as history.",
                               {{"rule_group", key}})),
      shared_(r.get_counter("troupe_rule_group_shared_calls_total",
                            "Calls and selectors of a rule group's expressions that were answered "
                            "from series read once for all of them.",
                            {{"rule_group", key}})),
      incomplete_(r.get_counter("troupe_rule_group_incomplete_evaluations_total",
                                "Instants of a rule group that were evaluated though sources of "
                                "its data were behind.",
                                {{"rule_group", key}})),
      interval_(level(r, key, "troupe_rule_group_interval_seconds", "Interval of a rule group.")),
      rules_(level(r, key, "troupe_rule_group_rules", "Rules of a rule group.")),
      last_time_(level(r, key, "troupe_rule_group_last_evaluation_timestamp_seconds",
                       "When a rule group was evaluated last.")),
      last_duration_(level(r, key, "troupe_rule_group_last_duration_seconds",
                           "How long the last evaluation of a rule group took.")),
      last_sum_(level(r, key, "troupe_rule_group_last_rule_duration_sum_seconds",
                      "How long the last evaluations of a group's rules took together.")),
      last_samples_(level(r, key, "troupe_rule_group_last_evaluation_samples",
                          "Samples of the last evaluation of a rule group.")),
      backlog_(r.get_gauge("troupe_rule_group_backlog",
                           "Missed instants of a rule group that are still to be evaluated.",
                           {{"rule_group", key}})),
      shared_bytes_(r.get_gauge("troupe_rule_group_shared_bytes",
                                "Memory that a rule group keeps for what its expressions share.",
                                {{"rule_group", key}})) {}

void group_metrics::defined(const group_definition& d) {
  interval_.set(seconds(d.interval_ms));
  rules_.set(static_cast<double>(d.rules.size()));
  seen_evaluations_ = seen_failures_ = seen_caught_up_ = seen_missed_ = seen_shared_ =
      seen_incomplete_ = 0;
}

void group_metrics::evaluated(const group_runner& g) {
  const auto& group = g.group();
  iterations_.add();
  add_new(evaluations_, group.evaluations(), seen_evaluations_);
  add_new(failures_, group.failures(), seen_failures_);
  add_new(caught_up_, g.caught_up(), seen_caught_up_);
  add_new(shared_, group.shared().answered(), seen_shared_);
  add_new(incomplete_, g.incomplete().count, seen_incomplete_);
  shared_bytes_.set(static_cast<double>(group.shared().bytes()));
  if (const auto* schedule = g.schedule()) {
    const uint64_t before = seen_missed_;
    add_new(missed_, schedule->given_up(), seen_missed_);
    iterations_.add(static_cast<double>(seen_missed_ < before ? 0 : seen_missed_ - before));
    backlog_.set(static_cast<double>(schedule->backlog()));
  }
  double sum = 0;
  for (size_t i = 0; i < g.definition().rules.size(); ++i) {
    const double took = static_cast<double>(group.status_of(i).duration_ns) / ns_per_second;
    rule_duration_.observe(took);
    sum += took;
  }
  const double took = static_cast<double>(g.last_duration_ns()) / ns_per_second;
  group_duration_.observe(took);
  last_duration_.set(took);
  last_sum_.set(sum);
  last_time_.set(seconds(g.last_started()));
  last_samples_.set(static_cast<double>(group.samples()));
}

void group_metrics::gone() {
  for (auto* g : {&interval_, &rules_, &last_time_, &last_duration_, &last_sum_, &last_samples_,
                  &backlog_, &shared_bytes_})
    g->set(0);
}

}  // namespace troupe::rules
