#include "config/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace troupe::config {
namespace {

using ::testing::ElementsAre;

config with_jobs(std::initializer_list<std::string> names) {
  config c;
  for (const auto& n : names) {
    c.scrape_configs.emplace_back();
    c.scrape_configs.back().job_name = n;
  }
  return c;
}

TEST(diff, of_equal_configurations_is_empty) {
  const auto c = with_jobs({"a", "b"});
  EXPECT_TRUE(diff(c, c).empty());
  EXPECT_TRUE(diff(config{}, config{}).empty());
}

TEST(diff, names_jobs_that_come_and_go) {
  const auto d = diff(with_jobs({"c", "a", "b"}), with_jobs({"b", "e", "d"}));
  EXPECT_THAT(d.added_jobs, ElementsAre("d", "e"));
  EXPECT_THAT(d.removed_jobs, ElementsAre("a", "c"));
  EXPECT_TRUE(d.changed_jobs.empty());
  EXPECT_FALSE(d.empty());
}

TEST(diff, the_order_and_file_of_jobs_change_nothing) {
  auto moved = with_jobs({"b", "a"});
  moved.scrape_configs[0].source_file = "/e/j.yml";
  EXPECT_TRUE(diff(with_jobs({"a", "b"}), moved).empty());
}

TEST(diff, tells_what_of_a_job_changed) {
  struct change {
    std::function<void(scrape_config&)> make;
    job_change expected;
  };
  const change changes[] = {
      {[](auto& j) {
         j.discovery.static_groups.push_back({{"a"}, {}});
       },
       {"a", true, false, false}},
      {[](auto& j) {
         j.discovery.http.push_back({"http://a", 1, {}});
       },
       {"a", true, false, false}},
      {[](auto& j) { j.relabel_configs.emplace_back(); }, {"a", false, true, false}},
      {[](auto& j) { j.scheme = "https"; }, {"a", false, true, false}},
      {[](auto& j) { j.params["x"] = {"y"}; }, {"a", false, true, false}},
      {[](auto& j) { j.scrape_interval_ms = 7; }, {"a", false, true, false}},
      {[](auto& j) { j.metric_relabel_configs.emplace_back(); }, {"a", false, false, true}},
      {[](auto& j) {
         j.client.basic_auth = {"u", "", secret("p"), ""};
       },
       {"a", false, false, true}},
      {[](auto& j) { j.limits.samples = 1; }, {"a", false, false, true}},
      {[](auto& j) { j.honor_labels = true; }, {"a", false, false, true}}};
  for (const auto& c : changes) {
    const auto before = with_jobs({"a", "b"});
    auto after = before;
    c.make(after.scrape_configs[0]);
    EXPECT_THAT(diff(before, after).changed_jobs, ElementsAre(c.expected));
  }
}

TEST(diff, a_changed_secret_is_a_change) {
  auto before = with_jobs({"a"});
  before.scrape_configs[0].client.authorization = {"Bearer", secret("x"), ""};
  auto after = before;
  after.scrape_configs[0].client.authorization->credentials = secret("y");
  EXPECT_TRUE(diff(before, after).changed_jobs.at(0).scrape);
}

TEST(diff, names_the_blocks) {
  const std::pair<std::function<void(config&)>, bool config_diff::*> changes[] = {
      {[](auto& c) { c.global.external_labels["a"] = "b"; }, &config_diff::external_labels},
      {[](auto& c) { c.global.evaluation_interval_ms = 1; }, &config_diff::evaluation},
      {[](auto& c) { c.global.rule_query_offset_ms = 1; }, &config_diff::evaluation},
      {[](auto& c) { c.global.query_log_file = "q"; }, &config_diff::query_log},
      {[](auto& c) { c.rule_groups.emplace_back(); }, &config_diff::rules},
      {[](auto& c) { c.alerting.alertmanagers.emplace_back(); }, &config_diff::alerting},
      {[](auto& c) { c.remote_write.emplace_back(); }, &config_diff::remote_write},
      {[](auto& c) { c.remote_read.emplace_back(); }, &config_diff::remote_read},
      {[](auto& c) { c.storage.max_exemplars = 1; }, &config_diff::storage},
      {[](auto& c) { c.otlp.promote_scope_metadata = true; }, &config_diff::otlp},
      {[](auto& c) { c.tracing.endpoint = "t"; }, &config_diff::tracing}};
  for (const auto& [make, field] : changes) {
    config after;
    make(after);
    auto d = diff(config{}, after);
    EXPECT_TRUE(d.*field);
    d.*field = false;
    EXPECT_TRUE(d.empty());
  }
}

}  // namespace
}  // namespace troupe::config
