#include "pipeline/discover/target.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::discover {
namespace {

using config::relabel_action;
using config::relabel_config;

config::scrape_config job() {
  config::scrape_config c;
  c.job_name = "node";
  c.scrape_interval_ms = 15'000;
  c.scrape_timeout_ms = 10'000;
  return c;
}

relabel_config set_label(std::string target, std::string value) {
  relabel_config c;
  c.target_label = std::move(target);
  c.replacement = std::move(value);
  return c;
}

target_maker::outcome make(const config::scrape_config& c, const std::string& address,
                           const std::map<std::string, std::string>& group = {}) {
  auto maker = target_maker::create(c);
  EXPECT_TRUE(maker.ok());
  return maker->make(address, group);
}

TEST(Target, DefaultsAndSpecialLabels) {
  const auto c = job();
  const auto got =
      make(c, "host:9100", {{"env", "prod"}, {"__meta_filepath", "f.json"}, {"__tmp", "x"}});
  ASSERT_NE(got.made, nullptr);
  EXPECT_EQ(
      got.discovered.to_string(),
      "{__address__=\"host:9100\", __meta_filepath=\"f.json\", __metrics_path__=\"/metrics\", "
      "__scheme__=\"http\", __scrape_interval__=\"15s\", __scrape_timeout__=\"10s\", __tmp=\"x\", "
      "env=\"prod\", job=\"node\"}");
  EXPECT_EQ(got.made->public_labels.to_string(),
            "{env=\"prod\", instance=\"host:9100\", job=\"node\"}");
  EXPECT_EQ(got.made->url, "http://host:9100/metrics");
  EXPECT_EQ(got.made->interval_ms, 15'000);
  EXPECT_EQ(got.made->timeout_ms, 10'000);
}

TEST(Target, NoDefaultPortIsAdded) {
  auto c = job();
  c.scheme = "https";
  const auto got = make(c, "example.org");
  ASSERT_NE(got.made, nullptr);
  EXPECT_EQ(got.made->url, "https://example.org/metrics");
  EXPECT_EQ(got.made->public_labels.get("instance"), "example.org");
}

TEST(Target, GroupLabelsOverrideTheJob) {
  const auto got = make(job(), "h:1",
                        {{"job", "other"},
                         {"instance", "me"},
                         {"__metrics_path__", "/m"},
                         {"__scheme__", "https"},
                         {"__scrape_interval__", "1m"},
                         {"__scrape_timeout__", "1s"}});
  ASSERT_NE(got.made, nullptr);
  EXPECT_EQ(got.made->url, "https://h:1/m");
  EXPECT_EQ(got.made->interval_ms, 60'000);
  EXPECT_EQ(got.made->timeout_ms, 1'000);
  EXPECT_EQ(got.made->public_labels.to_string(), "{instance=\"me\", job=\"other\"}");
}

TEST(Target, ParamsBecomeTheQuery) {
  auto c = job();
  c.metrics_path = "/federate";
  c.params = {{"match[]", {"{job=\"a\"}", "up"}}, {"module", {"http 2xx"}}, {"empty", {}}};
  auto got = make(c, "h:1");
  ASSERT_NE(got.made, nullptr);
  EXPECT_EQ(got.discovered.get("__param_match[]"), "{job=\"a\"}");
  EXPECT_EQ(got.made->url,
            "http://h:1/federate?match%5B%5D=%7Bjob%3D%22a%22%7D&match%5B%5D=up&module=http+2xx");
  c.relabel_configs = {set_label("__param_module", "tcp"), set_label("__param_target", "a/b")};
  got = make(c, "h:1");
  ASSERT_NE(got.made, nullptr);
  EXPECT_EQ(
      got.made->url,
      "http://h:1/federate?match%5B%5D=%7Bjob%3D%22a%22%7D&match%5B%5D=up&module=tcp&target=a%2Fb");
  EXPECT_FALSE(got.made->public_labels.has("__param_target"));
}

TEST(Target, PathIsEscaped) {
  auto c = job();
  c.metrics_path = "probe me?x";
  EXPECT_EQ(make(c, "h:1").made->url, "http://h:1/probe%20me%3Fx");
}

TEST(Target, RelabelDropsAndRewrites) {
  auto c = job();
  relabel_config drop;
  drop.action = relabel_action::drop;
  drop.source_labels = {"__address__"};
  drop.regex = "bad.*";
  relabel_config address;
  address.source_labels = {"__address__"};
  address.target_label = "__param_target";
  relabel_config instance;
  instance.source_labels = {"__param_target"};
  instance.target_label = "instance";
  c.relabel_configs = {drop, address, instance, set_label("__address__", "blackbox:9115")};
  const auto dropped = make(c, "bad:1");
  EXPECT_EQ(dropped.made, nullptr);
  EXPECT_TRUE(dropped.error.ok());
  EXPECT_EQ(dropped.discovered.get("__address__"), "bad:1");
  const auto made = make(c, "good:1");
  ASSERT_NE(made.made, nullptr);
  EXPECT_EQ(made.made->url, "http://blackbox:9115/metrics?target=good%3A1");
  EXPECT_EQ(made.made->public_labels.get("instance"), "good:1");
}

TEST(Target, SaysWhyAnAddressCannotBeScraped) {
  const auto why = [](std::vector<relabel_config> rules, const std::string& address = "h:1") {
    auto c = job();
    c.relabel_configs = std::move(rules);
    return std::string(make(c, address).error.message());
  };
  EXPECT_EQ(why({}, "http://h:1/metrics"), "\"http://h:1/metrics\" is not a valid hostname");
  EXPECT_EQ(why({set_label("__address__", "")}), "no address");
  EXPECT_NE(why({set_label("__scrape_interval__", "x")}).find("error parsing scrape interval"),
            std::string::npos);
  EXPECT_NE(why({set_label("__scrape_timeout__", "")}).find("error parsing scrape timeout"),
            std::string::npos);
  EXPECT_EQ(why({set_label("__scrape_interval__", "0s")}), "scrape interval cannot be 0");
  EXPECT_EQ(why({set_label("__scrape_timeout__", "0s")}), "scrape timeout cannot be 0");
  EXPECT_EQ(why({set_label("__scrape_timeout__", "20s")}),
            "scrape timeout cannot be greater than scrape interval (\"20s\" > \"15s\")");
  EXPECT_EQ(why({set_label("x", "\xff")}), "invalid label value for \"x\": \"\\xff\"");
}

TEST(Target, IdIsAFunctionOfLabelsAndUrl) {
  const auto c = job();
  EXPECT_EQ(make(c, "h:1").made->id, make(c, "h:1").made->id);
  EXPECT_NE(make(c, "h:1").made->id, make(c, "h:2").made->id);
  EXPECT_NE(make(c, "h:1").made->id, make(c, "h:1", {{"a", "b"}}).made->id);
  EXPECT_NE(make(c, "h:1").made->id, make(c, "h:1", {{"__scrape_interval__", "1m"}}).made->id);
  EXPECT_EQ(make(c, "h:1").made->id, make(c, "h:1", {{"__meta_x", "y"}}).made->id)
      << "meta labels are gone after relabelling";
}

}  // namespace
}  // namespace troupe::discover
