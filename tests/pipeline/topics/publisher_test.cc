// All publications: changes of the configuration, errors of it, stop.
#include "tests/pipeline/topics/publish_kit.h"

namespace troupe::topics {
namespace {

using Publisher = PublishTest;

TEST_F(Publisher, AChangedOneGoesOnAtItsPlace) {
  start();
  write(20);
  pass(200);
  block().key_interval_ms = 30'000;
  apply();
  write(20);
  pass(2000);
  block().topic = "other";
  apply();
  write(20);
  pass(2000);
  auto got = read();
  EXPECT_EQ(got.doubled(), 0u);
  const auto rest = read("other");
  EXPECT_EQ(rest.lost, 0u);
  EXPECT_GT(rest.all.samples.size(), 0u);
  got.all.samples.insert(rest.all.samples.begin(), rest.all.samples.end());
  EXPECT_EQ(got.all.samples, written.samples);
  EXPECT_EQ(got.samples + rest.samples, written.samples.size());
}

TEST_F(Publisher, AnUnchangedOneIsKept) {
  start();
  write(5);
  pass(1000);
  conf.own.publish.push_back({"q", "k", "u", {}, {}});
  apply();
  pass(100);
  write(5);
  pass(1000);
  EXPECT_EQ(metric("sessions_total", "\"p\""), 1);
  EXPECT_EQ(metric("sessions_total", "\"q\""), 1);
  EXPECT_EQ(publisher->states().size(), 2u);
  expect_all(read());
  EXPECT_LT(read("u").all.samples.size(), written.samples.size());
}

TEST_F(Publisher, OneThatIsGoneHoldsNothing) {
  start();
  write(5);
  pass(1000);
  EXPECT_EQ(door->holds().size(), 1u);
  EXPECT_EQ(log.fs.files("data/publish").size(), 1u);
  conf.own.publish.clear();
  apply();
  pass(100);
  EXPECT_TRUE(door->holds().empty());
  EXPECT_TRUE(log.fs.files("data/publish").empty());
  EXPECT_TRUE(publisher->empty());
  EXPECT_EQ(metric("up"), 0);
}

TEST_F(Publisher, OneThatIsGoneWhileKafkaIsAwayDoesNotWaitForEver) {
  start();
  pass(500);
  kafka.reachable = false;
  write(5);
  pass(500);
  conf.own.publish.clear();
  apply();
  pass(4000);
  EXPECT_FALSE(publisher->empty());
  pass(2000);
  EXPECT_TRUE(publisher->empty());
  EXPECT_TRUE(door->holds().empty());
}

TEST_F(Publisher, AConfigurationThatKafkaRefusesIsShownAndTriedAgain) {
  kafka.making = {errc::invalid_argument, "no such setting"};
  start();
  write(5);
  pass(3000);
  EXPECT_NE(publisher->states().at(0).last_error.find("no such setting"), std::string::npos);
  EXPECT_EQ(metric("errors_total"), 1);
  EXPECT_EQ(metric("up"), 0);
  kafka.making = {};
  pass(31'000);
  expect_all(read());
  EXPECT_EQ(publisher->states().at(0).last_error, "");
  EXPECT_TRUE(publisher->states().at(0).up);
}

TEST_F(Publisher, WithoutKafkaItIsShown) {
  connector = nullptr;
  start();
  write(5);
  pass(3000);
  EXPECT_EQ(publisher->states().at(0).last_error, "this node has no Kafka");
  EXPECT_TRUE(publisher->idle());
}

TEST_F(Publisher, ATopicHasOneOfANode) {
  conf.own.publish.push_back({"q", "k", "t", {}, {}});
  start();
  write(5);
  pass(1000);
  EXPECT_EQ(publisher->states().at(0).last_error, "");
  EXPECT_EQ(publisher->states().at(1).last_error, "p writes into this topic already");
  expect_all(read());
}

TEST_F(Publisher, AtStopWhatCannotBeHandedOverIsNotIdle) {
  start();
  pass(500);
  kafka.reachable = false;
  write(5);
  pass(500);
  publisher->stop();
  pass(1000);
  EXPECT_FALSE(publisher->idle());
  kafka.reachable = true;
  pass(200);
  EXPECT_TRUE(publisher->idle());
  expect_all(read());
}

}  // namespace
}  // namespace troupe::topics
