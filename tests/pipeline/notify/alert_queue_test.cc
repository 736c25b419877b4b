#include "pipeline/notify/alert_queue.h"

#include "tests/pipeline/notify/notify_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::notify {
namespace {

using testing::ElementsAre;

std::vector<std::string> names(const std::vector<alert_ptr>& alerts) {
  std::vector<std::string> out;
  for (const auto& a : alerts)
    out.push_back(std::string(a->identity.get("alertname")) + a->annotations.at("generation"));
  return out;
}

TEST(AlertQueue, IsFirstInFirstOut) {
  alert_queue q(10);
  EXPECT_EQ(q.push({make_alert("a"), make_alert("b")}), 0u);
  EXPECT_EQ(q.push({make_alert("c")}), 0u);
  EXPECT_THAT(names(q.take(2)), ElementsAre("a0", "b0"));
  EXPECT_THAT(names(q.take(2)), ElementsAre("c0"));
  EXPECT_TRUE(q.empty());
}

TEST(AlertQueue, DropsTheOldest) {
  alert_queue q(3);
  EXPECT_EQ(q.push({make_alert("a"), make_alert("b"), make_alert("c"), make_alert("d")}), 1u);
  EXPECT_EQ(q.push({make_alert("e")}), 1u);
  EXPECT_THAT(names(q.take(9)), ElementsAre("c0", "d0", "e0"));
}

TEST(AlertQueue, KeepsTheNewestStateOfAnAlert) {
  alert_queue q(3);
  q.push({make_alert("a", 1), make_alert("b", 1)});
  EXPECT_EQ(q.push({make_alert("a", 2), make_alert("c", 1)}), 0u);
  EXPECT_THAT(names(q.take(9)), ElementsAre("b1", "a2", "c1"));
}

TEST(AlertQueue, TakesBackWhatCouldNotBeSent) {
  alert_queue q(4);
  q.push({make_alert("a", 1), make_alert("b", 1), make_alert("c", 1)});
  const auto batch = q.take(2);
  q.push({make_alert("a", 2), make_alert("d", 1)});
  EXPECT_EQ(q.put_back(batch), 0u);
  EXPECT_THAT(names(q.take(9)), ElementsAre("b1", "c1", "a2", "d1"));
}

TEST(AlertQueue, IsBoundedWhenTakingBack) {
  alert_queue q(3);
  q.push({make_alert("a"), make_alert("b")});
  const auto batch = q.take(2);
  q.push({make_alert("c"), make_alert("d")});
  EXPECT_EQ(q.put_back(batch), 1u);
  EXPECT_THAT(names(q.take(9)), ElementsAre("b0", "c0", "d0"));
}

}  // namespace
}  // namespace troupe::notify
