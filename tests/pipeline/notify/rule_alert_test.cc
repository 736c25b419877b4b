#include "pipeline/notify/rule_alert.h"

#include <gtest/gtest.h>

namespace troupe::notify {
namespace {

TEST(RuleAlert, LinksToTheExpression) {
  rules::outgoing_alert a;
  a.lset = labels::from({{"alertname", "Down"}});
  a.annotations = {{"summary", "it is"}, {"empty", ""}};
  a.starts_at = 1000;
  a.ends_at = 2000;
  a.expr = "up{job=\"a b\"} == 0";
  for (const std::string external : {"http://p:9090", "http://p/base"}) {
    const auto made = alerts_of_rules({a, a}, external);
    ASSERT_EQ(made.size(), 2u);
    EXPECT_EQ(made[0]->identity, a.lset);
    EXPECT_EQ(made[0]->annotations, a.annotations);
    EXPECT_EQ(made[0]->starts_at, 1000);
    EXPECT_EQ(made[0]->ends_at, 2000);
    EXPECT_EQ(made[0]->generator_url,
              external + "/graph?g0.expr=up%7Bjob%3D%22a+b%22%7D+%3D%3D+0&g0.tab=1");
  }
}

}  // namespace
}  // namespace troupe::notify
