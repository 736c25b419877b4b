// All publications: changes of the configuration, errors of it, stop.
#include "tests/pipeline/topics/publish_kit.h"

#include <set>

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

TEST_F(Publisher, FilesOfCredentialsThatChangeMakeConnectionsAnew) {
  const auto put = [&](const std::string& text) {
    ASSERT_TRUE(write_file_atomically(log.fs, "kafka.pw", text).ok());
  };
  put("wrong");
  conf.own.kafka.front().sasl = {"PLAIN", "joe", secret(), "kafka.pw"};
  start();
  write(5);
  pass(6000);
  EXPECT_EQ(metric("sessions_total"), 1);
  // Without a reload, and with one that changes nothing else.
  put("right");
  pass(6000);
  EXPECT_EQ(metric("sessions_total"), 2);
  put("another");
  apply();
  pass(1000);
  EXPECT_EQ(metric("sessions_total"), 3);
  // While it is being replaced it may not be there.
  ASSERT_TRUE(log.fs.remove_file("kafka.pw").ok());
  pass(6000);
  apply();
  put("another");
  write(5);
  pass(12'000);
  EXPECT_EQ(metric("sessions_total"), 3);
  expect_all(read());
  EXPECT_EQ(read().doubled(), 0u);
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

TEST_F(Publisher, SinceWhenTheClusterIsAway) {
  start();
  write(5);
  pass(2000);
  EXPECT_FALSE(publisher->states().at(0).down_since.has_value());
  kafka.reachable = false;
  const auto from = log.clk.now_ms();
  write(5);
  pass(5000);
  const auto since = publisher->states().at(0).down_since;
  ASSERT_TRUE(since.has_value());
  EXPECT_GT(*since, from);
  EXPECT_LE(*since, from + 1100);
  pass(5000);
  EXPECT_EQ(publisher->states().at(0).down_since, since);
  kafka.reachable = true;
  pass(2000);
  EXPECT_FALSE(publisher->states().at(0).down_since.has_value());
}

class RemoteWrite : public PublishTest {
 protected:
  RemoteWrite() {
    conf.own.publish.clear();
    conf.global.external_labels = {{"cluster", "c1"}};
    config::remote_write_config c;
    c.url = "kafka://k/t";
    c.name = "r";
    c.send_exemplars = c.send_native_histograms = true;
    conf.remote_write = {c};
  }
  config::remote_write_config& block() { return conf.remote_write.front(); }
  static labels series(const std::string& name) {
    return labels::from({{"__name__", name}, {"instance", "a"}});
  }
  void write_all_kinds() {
    write_batch b;
    b.group = 3;
    b.table = storage::table_of({series("kept"), series("dropped")});
    const timestamp_ms ts = log.clk.now_ms();
    b.floats = {{ts, 1, 0}, {ts, 2, 1}};
    auto h = std::make_shared<histogram>();
    h->schema = 2;
    h->count = 3;
    h->positive_spans = {{0, 2}};
    h->positive_buckets = {1, 2};
    b.histograms.push_back({ts + 1000, no_start_timestamp, h, 0});
    b.exemplars.push_back({{labels::from({{"trace", "x"}}), 1.5, ts}, 0});
    write(b);
  }
  /// Names and "cluster" of all series in the topic.
  std::set<std::string> found() {
    std::set<std::string> out;
    each_batch("t", [&](const write_batch& b) {
      for (const auto& f : b.floats)
        out.insert(std::string(b.table->series[f.series].metric_name()) + " " +
                   std::string(b.table->series[f.series].get("cluster")));
    });
    return out;
  }
};

TEST_F(RemoteWrite, ABlockWithATopicIsRelabelledAndLabelled) {
  config::relabel_config drop, rename;
  drop.source_labels = rename.source_labels = {"__name__"};
  drop.regex = "dropped";
  drop.action = config::relabel_action::drop;
  rename.regex = "(kept)";
  rename.target_label = "__name__";
  rename.replacement = "${1}_too";
  block().write_relabel_configs = {drop, rename};
  start();
  write_all_kinds();
  pass(2000);
  EXPECT_EQ(found(), (std::set<std::string>{"kept_too c1"}));
  const auto got = read();
  EXPECT_EQ(got.all.samples.size(), 2u);  // a float, a histogram
  EXPECT_EQ(got.all.exemplars.size(), 1u);
  EXPECT_EQ(publisher->states().at(0).name, "remote_write-r");
  EXPECT_EQ(metric("up", "remote_write-r"), 1);
}

TEST_F(RemoteWrite, KindsAndAgesAreThoseOfTheBlock) {
  block().send_exemplars = block().send_native_histograms = false;
  block().queue.sample_age_limit_ms = 60'000;
  start();
  kafka.reachable = false;
  write_all_kinds();
  pass(100'000);
  EXPECT_EQ(metric("dropped_samples_total", "too_old"), 0);
  kill();
  log.clk.advance_ms(100'000);
  kafka.reachable = true;
  start();
  write_all_kinds();
  pass(2000);
  const auto got = read();
  EXPECT_EQ(got.all.samples.size(), 2u);
  EXPECT_TRUE(got.all.exemplars.empty());
  EXPECT_EQ(metric("dropped_samples_total", "too_old"), 2);
  EXPECT_EQ(publisher->states().at(0).dropped, 2u);
}

TEST_F(RemoteWrite, TheLogThatWaitsForOneIsBounded) {
  log.settings.segment_bytes = 3000;
  remote_write_keep_bytes = 20'000;
  source = storage::batch_source(3, {1, 0, 3, 8, false, false, 0});
  start();
  pass(500);
  kafka.reachable = false;
  for (int i = 0; i < 500; ++i) {
    write(1);
    pass(100);
  }
  pass(20'000);
  EXPECT_GT(metric("dropped_samples_total", "disk_bound"), 0);
  EXPECT_LT(publisher->states().at(0).lag_bytes, 40'000u);
}

TEST_F(RemoteWrite, ChangedRulesGoOnAtThePlaceReached) {
  start();
  write_all_kinds();
  pass(2000);
  config::relabel_config c;
  c.source_labels = {"__name__"};
  c.regex = "dropped";
  c.action = config::relabel_action::drop;
  block().write_relabel_configs = {c};
  apply();
  write_all_kinds();
  pass(2000);
  const auto got = read();
  EXPECT_EQ(got.all.samples.size(), 5u);
  EXPECT_EQ(got.doubled(), 0u);
}

class PausedPublisher : public PublishTest {
 protected:
  void SetUp() override {
    start();
    write(5);
    pass(2000);
    pause(60'000);
    pass(100);
    before_ = read();
  }
  void expect_nothing_moved() {
    const auto now = read();
    EXPECT_EQ(now.records, before_.records);
    EXPECT_EQ(now.heartbeats, before_.heartbeats);
  }

 private:
  topic_content before_;
};

TEST_F(PausedPublisher, MovesNothingAndGoesOnByItself) {
  EXPECT_TRUE(publisher->states().at(0).paused);
  EXPECT_EQ(metric("sessions_total"), 1);
  write(30);
  pass(59'000);
  expect_nothing_moved();
  EXPECT_NEAR(metric("lag_seconds"), 59, 2);
  pass(3000);
  EXPECT_FALSE(publisher->states().at(0).paused);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(metric("sessions_total"), 1) << "it went on as it was";
  EXPECT_EQ(metric("dropped_samples_total"), 0);
}

TEST_F(PausedPublisher, GoesOnWhenItIsTold) {
  write(5);
  pass(1000);
  expect_nothing_moved();
  EXPECT_TRUE(switches->resume(stages::stage::publish, "p", log.clk.monotonic_ns()));
  pass(1000);
  expect_all(read());
  EXPECT_EQ(read().doubled(), 0u);
}

TEST_F(PausedPublisher, HandsNothingToAProducerThatComesBack) {
  kafka.break_producers();
  write(5);
  pass(20'000);
  expect_nothing_moved();
  pass(45'000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(PausedPublisher, DoesNotHoldUpAStopAndIsNotPausedAfterAStart) {
  write(5);
  pass(500);
  publisher->stop();
  pass(100);
  EXPECT_TRUE(publisher->idle());
  publisher->flush();
  expect_nothing_moved();
  kill();
  start();
  pass(1000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(PausedPublisher, KeepsNoMoreOfTheLogThanEver) {
  block().keep_bytes = 64 << 10;
  apply();
  pass(100);
  for (int i = 0; i < 20; ++i) {
    write(100);
    ASSERT_TRUE(log.writer->cut().ok());
  }
  pass(30'000);
  expect_nothing_moved();
  EXPECT_GT(metric("dropped_samples_total"), 0);
  pass(40'000);
  const auto got = read();
  EXPECT_EQ(got.samples + static_cast<uint64_t>(metric("dropped_samples_total")),
            written.samples.size());
}

}  // namespace
}  // namespace troupe::topics
