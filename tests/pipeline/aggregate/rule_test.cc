#include "pipeline/aggregate/rule.h"

#include "pipeline/aggregate/dropped_inputs.h"

#include <gtest/gtest.h>

namespace troupe::aggregate {
namespace {

config::aggregation_config basic() {
  config::aggregation_config c;
  c.name = "r";
  c.match = {"{job=\"a\"}", "m{x=~\"1|2\"}"};
  c.interval_ms = 60'000;
  c.outputs = {"sum_samples"};
  return c;
}

const labels series =
    labels::from({{"__name__", "m"}, {"job", "a"}, {"instance", "i"}, {"x", "3"}});

TEST(aggregation_rule, takes_series_that_a_selector_selects) {
  const auto r = *rule::make(basic());
  EXPECT_TRUE(r->matches(series));
  EXPECT_TRUE(r->matches(labels::from({{"__name__", "m"}, {"x", "2"}})));
  EXPECT_FALSE(r->matches(labels::from({{"__name__", "m"}, {"x", "3"}})));
}

TEST(aggregation_rule, outputs_are_named_as_victoriametrics_names_them) {
  auto c = basic();
  EXPECT_EQ((*rule::make(c))->output_of(series, function::sum_samples).metric_name(),
            "m:1m_sum_samples");
  c.by = {"x", "job", "__name__", "job"};
  auto r = *rule::make(c);
  EXPECT_EQ(r->output_of(r->group_of(series), function::rate_sum).to_string(),
            R"(m:1m_by_job_x_rate_sum{job="a", x="3"})");
  EXPECT_EQ(r->output_of(r->group_of(series), function::quantiles, "quantile", "0.5").to_string(),
            R"(m:1m_by_job_x_quantiles{job="a", quantile="0.5", x="3"})");
  c.by.clear();
  c.without = {"instance", "none"};
  c.interval_ms = 90'000;
  r = *rule::make(c);
  EXPECT_EQ(r->output_of(r->group_of(series), function::total).to_string(),
            R"(m:1m30s_without_instance_none_total{job="a", x="3"})");
  c.keep_metric_names = true;
  r = *rule::make(c);
  EXPECT_EQ(r->output_of(r->group_of(series), function::total).to_string(), R"(m{job="a", x="3"})");
}

TEST(aggregation_rule, long_intervals_have_steps) {
  auto c = basic();
  const auto step = [&](int64_t interval, int64_t dedup = 0) {
    c.interval_ms = interval;
    c.dedup_interval_ms = dedup;
    return (*rule::make(c))->step_ms();
  };
  EXPECT_EQ(step(10'000), 10'000);
  EXPECT_EQ(step(60'000), 60'000);
  EXPECT_EQ(step(90'000), 45'000);
  EXPECT_EQ(step(3'600'000), 60'000);
  EXPECT_EQ(step(300'000, 100'000), 100'000);
  EXPECT_EQ(step(300'000, 25'000), 50'000);
}

TEST(aggregation_rule, another_definition_is_another_rule) {
  auto c = basic();
  const auto was = (*rule::make(c))->fingerprint();
  c.max_wait_ms = 1;
  c.keep_input = false;
  EXPECT_EQ((*rule::make(c))->fingerprint(), was);
  c.by = {"job"};
  EXPECT_NE((*rule::make(c))->fingerprint(), was);
}

TEST(aggregation_rule, inputs_that_are_not_kept_are_told_from_outputs) {
  auto kept = basic(), dropped = basic();
  kept.by = {"job"};
  kept.outputs = {"sum_samples", "quantiles(0.5)"};
  dropped.keep_input = false;
  dropped.without = {"a.b"};
  const auto selectors = dropped_inputs({kept, dropped});
  ASSERT_EQ(selectors.size(), 2u);
  const auto is_dropped = [&](std::string name) {
    const auto s = labels::from({{"__name__", std::move(name)}, {"job", "a"}});
    return matches_all(selectors[0], s) || matches_all(selectors[1], s);
  };
  EXPECT_TRUE(is_dropped("m"));
  EXPECT_TRUE(is_dropped("m:1m_by_job_avg"));
  EXPECT_FALSE(is_dropped("m:1m_by_job_sum_samples"));
  EXPECT_FALSE(is_dropped("m:1m_by_job_quantiles"));
  EXPECT_FALSE(is_dropped("m:1m_without_a.b_sum_samples"));
  EXPECT_TRUE(dropped_inputs({kept}).empty());
}

TEST(aggregation_rule, errors_of_selectors_and_outputs) {
  auto c = basic();
  c.match = {"sum(m)"};
  EXPECT_FALSE(rule::make(c).ok());
  c = basic();
  c.outputs = {"median"};
  EXPECT_FALSE(rule::make(c).ok());
}

}  // namespace
}  // namespace troupe::aggregate
