#include "pipeline/notify/alertmanager.h"

#include <gtest/gtest.h>

namespace troupe::notify {
namespace {

alertmanager_resolver make(const config::alertmanager_config& c) {
  auto r = alertmanager_resolver::create(c, config::name_validation::utf8);
  EXPECT_TRUE(r.ok());
  return *r;
}

std::string url_with_prefix(std::string prefix) {
  config::alertmanager_config c;
  c.path_prefix = std::move(prefix);
  return make(c).resolve("am:9093", {}).url;
}

TEST(AlertmanagerResolver, JoinsThePathPrefix) {
  EXPECT_EQ(url_with_prefix(""), "http://am:9093/api/v2/alerts");
  EXPECT_EQ(url_with_prefix("/"), "http://am:9093/api/v2/alerts");
  EXPECT_EQ(url_with_prefix("/am"), "http://am:9093/am/api/v2/alerts");
  EXPECT_EQ(url_with_prefix("am//x/"), "http://am:9093/am/x/api/v2/alerts");
  EXPECT_EQ(url_with_prefix("/a/../b/./c"), "http://am:9093/b/c/api/v2/alerts");
}

TEST(AlertmanagerResolver, TakesSchemeAndLabelsOfTheGroup) {
  config::alertmanager_config c;
  c.scheme = "https";
  EXPECT_EQ(make(c).resolve("am:9093", {}).url, "https://am:9093/api/v2/alerts");
  EXPECT_EQ(make(c).resolve("am", {{"__scheme__", "http"}, {"__alerts_path__", "/x"}}).url,
            "http://am/x");
  EXPECT_EQ(make(c).resolve("am", {{"__address__", "other"}}).url, "https://am/api/v2/alerts");
}

TEST(AlertmanagerResolver, Relabels) {
  config::alertmanager_config c;
  config::relabel_config keep;
  keep.action = config::relabel_action::keep;
  keep.source_labels = {"tier"};
  keep.regex = "alerts";
  config::relabel_config address;
  address.source_labels = {"__address__"};
  address.regex = "(.*):.*";
  address.target_label = "__address__";
  address.replacement = "$1:9999";
  c.relabel_configs = {keep, address};
  const auto r = make(c);
  EXPECT_EQ(r.resolve("am:9093", {{"tier", "alerts"}}).url, "http://am:9999/api/v2/alerts");
  const auto dropped = r.resolve("am:9093", {{"tier", "web"}});
  EXPECT_TRUE(dropped.dropped);
  EXPECT_EQ(dropped.url, "http://am:9093/api/v2/alerts");
}

TEST(AlertmanagerResolver, RefusesWhatIsNoAddress) {
  const auto r = make({});
  EXPECT_EQ(r.resolve("http://am:9093", {}).error.message(),
            "\"http://am:9093\" is not a valid hostname");
  EXPECT_EQ(r.resolve("", {}).error.message(), "no address");
}

}  // namespace
}  // namespace troupe::notify
