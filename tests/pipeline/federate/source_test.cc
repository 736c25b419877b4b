// The source's side as a whole over a node's log: what is selected is handed out once, wherever
// either side dies.
#include "storage/model/sample.h"
#include "tests/pipeline/federate/federation_kit.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace troupe::federate {
namespace {

using Source = FederationTest;
using Outage = FederationTest;
using Limits = FederationTest;

TEST_F(Source, EverySelectedSampleOnceAndInOrder) {
  request.selectors = {"{instance=\"a\"}", "m1{instance=\"b\"}"};
  start();
  for (int i = 0; i < 20; ++i) {
    write(3, "a");
    write(2, "b");
    receive(700);
  }
  receive(2000);
  auto want = written_of("a");
  for (const auto& [key, value] : written_of("b"))
    if (key.first.starts_with("m1{"))
      want.emplace(key, value);
  EXPECT_EQ(got.values, want);
  EXPECT_EQ(got.doubled(), 0u);
  std::map<std::string, timestamp_ms> newest;
  for (const auto& [series, ts] : got.order) {
    EXPECT_GT(ts, newest[series]);
    newest[series] = ts;
  }
  EXPECT_EQ(metric("feed_samples_total"), static_cast<double>(want.size()));
  EXPECT_EQ(told.front().start, stream_start::anew);
  EXPECT_EQ(told.back().start, stream_start::goes_on);
}

TEST_F(Source, BeginsWithAllThatTheLogHas) {
  start();
  write(5);
  kill();
  start();
  write(5);
  receive(1000);
  EXPECT_EQ(got.values, written);
  EXPECT_FALSE(told.front().gap);
}

TEST_F(Source, ARequestWaitsForSamplesAndForOthersBesideThem) {
  start();
  ask();
  pass(5000);
  EXPECT_FALSE(answered);
  write(1);
  pass(200);
  EXPECT_FALSE(answered);
  pass(200);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->samples, 3u);
  take();
  ask();
  pass(9900);
  EXPECT_FALSE(answered);
  pass(200);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->samples, 0u);
  EXPECT_FALSE(answered->cursor.empty());
}

TEST_F(Source, LabelsAreAddedWhereASeriesHasThemNot) {
  external_labels = {{"region", "east"}, {"job", "x"}};
  request.labels = {{"region", "west"}, {"env", "prod"}};
  start();
  write(1, "a", 1);
  receive(1000);
  ASSERT_EQ(got.values.size(), 1u);
  EXPECT_EQ(got.values.begin()->first.first,
            "m0{env=\"prod\", instance=\"a\", job=\"j\", region=\"east\"}");
}

TEST_F(Source, AllKindsOfSamplesComeWithTheirDescriptions) {
  described = {{"m0", {metric_type::counter, "", "Help."}}};
  start();
  write_batch b;
  b.group = 3;
  b.table =
      storage::table_of({labels::from({{"__name__", "m0"}, {"instance", "a"}, {"job", "j"}})});
  const timestamp_ms ts = log.clk.now_ms();
  b.floats.push_back({ts, stale_nan(), 0});
  auto h = std::make_shared<histogram>();
  h->count = 3;
  h->positive_spans = {{0, 1}};
  h->positive_buckets = {3};
  b.histograms.push_back({ts + 1000, no_start_timestamp, h, 0});
  b.exemplars.push_back({{labels::from({{"trace", "x"}}), 1.5, ts}, 0});
  ASSERT_TRUE(log.writer->append(b).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  receive(1000);
  ASSERT_EQ(got.values.size(), 1u);
  EXPECT_TRUE(is_stale(got.values.begin()->second));
  EXPECT_EQ(got.histograms.size(), 1u);
  EXPECT_EQ(got.exemplars.size(), 1u);
  EXPECT_EQ(got.families["m0"].help, "Help.");
}

TEST_F(Outage, AnAnswerThatIsLostIsGivenAgain) {
  limits.most_entries = 10;
  start();
  write(20);
  for (int i = 0; i < 30; ++i) {
    ask();
    pass(400);
    ASSERT_TRUE(answered);
    if (i % 3 == 0) {
      const uint64_t samples = answered->samples;
      ask();
      pass(400);
      ASSERT_TRUE(answered);
      EXPECT_EQ(answered->samples, samples);
    }
    take();
    pass(100);
    if (!from->is_asked() && got.values.size() == written.size())
      break;
  }
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Outage, OfTheSourceCostsNothing) {
  limits.most_entries = 10;
  start();
  for (int i = 0; i < 12; ++i) {
    write(7, "a");
    write(7, "b", 5);
    receive(300 + 100 * (i % 5));
    kill();
    start();
  }
  receive(5000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_TRUE(std::none_of(told.begin(), told.end(), [](const auto& a) { return a.gap; }));
}

TEST_F(Outage, AWeekOfItWaitsInTheLogAndFreshSamplesComeFirst) {
  limits.most_entries = 50;
  log.settings.segment_bytes = 3000;
  log.settings.key_frame_interval = 5;
  start();
  write(5);
  receive(2000);
  for (int day = 0; day < 7; ++day) {
    write(40, "a");
    write(40, "b");
    log.clk.advance_ms(24 * 3600 * 1000);
    condense();
    if (day % 2 == 1) {
      kill();
      start();
    }
  }
  write(1, "c");
  const size_t before = got.order.size();
  receive(600);
  EXPECT_THAT(std::vector(got.order.begin() + static_cast<ptrdiff_t>(before), got.order.end()),
              testing::Contains(
                  testing::Field(&send::sample_key::first, testing::HasSubstr("instance=\"c\""))));
  EXPECT_LT(got.values.size(), written.size());
  EXPECT_GT(metric("feed_lag_seconds"), 5 * 24 * 3600);
  receive(60'000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_LT(metric("feed_lag_seconds"), 1);
  EXPECT_EQ(metric("feed_gaps_total"), 0);
  // The log goes when it is no longer needed.
  const size_t files = log.files(".wal").size();
  condense();
  EXPECT_LT(log.files(".wal").size(), files);
}

TEST_F(Outage, LongerThanTheLogIsKeptIsTold) {
  log.settings.segment_bytes = 2000;
  log.settings.key_frame_interval = 5;
  request.keep_bytes = 6000;
  start();
  write(5);
  receive(1000);
  const timestamp_ms last = log.clk.now_ms();
  for (int i = 0; i < 20; ++i) {
    log.clk.advance_ms(60'000);
    write(10);
    condense();
  }
  receive(5000);
  const auto at =
      std::find_if(told.begin(), told.end(), [](const auto& a) { return a.gap.has_value(); });
  ASSERT_NE(at, told.end());
  EXPECT_GE(at->gap->from, last - 2000);
  EXPECT_LE(at->gap->from, last);
  EXPECT_GT(at->gap->to, last + 60'000);
  EXPECT_LE(at->gap->to, log.clk.now_ms());
  EXPECT_EQ(metric("feed_gaps_total"), 1);
  EXPECT_LT(got.values.size(), written.size());
  EXPECT_TRUE(std::all_of(written.begin(), written.end(), [&](const auto& w) {
    return w.first.second < at->gap->to || got.values.contains(w.first);
  }));
  const size_t lost = written.size() - got.values.size();
  write(10);
  receive(2000);
  EXPECT_EQ(written.size() - got.values.size(), lost);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Outage, WithAnotherNumberOfShards) {
  start();
  write(5, "a");
  receive(200);
  write(5, "a");
  kill();
  log.settings.shards = 3;
  start();
  receive(3000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(door->holds().size(), 3u);
}

TEST_F(Outage, OtherDataAndDamagedCursorsBeginAnewAndSaySo) {
  start();
  write(5);
  receive(1000);
  source_id = 8;
  kill();
  start();
  receive(1000);
  EXPECT_EQ(told.back().start, stream_start::other_data);
  EXPECT_EQ(got.doubled(), written.size());
  request.cursor = "AAAA";
  ask();
  pass(400);
  take();
  EXPECT_EQ(told.back().start, stream_start::unreadable);
}

TEST_F(Outage, OtherSelectorsGoOnFromTheSamePlace) {
  request.selectors = {"{instance=\"a\"}"};
  start();
  write(5, "a");
  write(5, "b");
  receive(1000);
  const size_t before = got.values.size();
  request.selectors = {"{instance=\"b\"}"};
  write(2, "a");
  write(2, "b");
  receive(1000);
  EXPECT_EQ(got.values.size(), before + 6);
}

TEST_F(Limits, OfSubscriptions) {
  limits.most_subscriptions = 2;
  start();
  request.wait_ms = 0;
  for (const auto* name : {"one", "two", "three", "one"}) {
    request.subscription = name;
    ask();
    ASSERT_TRUE(answered);
    EXPECT_EQ(answered->error.ok(), request.subscription != "three");
  }
  // Those that are away count.
  kill();
  start();
  request.subscription = "three";
  ask();
  EXPECT_EQ(answered->error.code(), errc::unavailable);
  EXPECT_TRUE(from->forget("two").ok());
  EXPECT_EQ(from->forget("two").code(), errc::not_found);
  ask();
  EXPECT_TRUE(answered->error.ok());
}

TEST_F(Limits, OfWhatIsAsked) {
  start();
  request.selectors = {"{"};
  ask();
  EXPECT_EQ(answered->error.code(), errc::invalid_argument);
  request.selectors = {};
  ask();
  EXPECT_EQ(answered->error.code(), errc::invalid_argument);
  request.selectors = {"up"};
  request.subscription = "a/b";
  ask();
  EXPECT_EQ(answered->error.code(), errc::invalid_argument);
  request.subscription = "a";
  readable = false;
  ask();
  EXPECT_EQ(answered->error.code(), errc::unavailable);
}

TEST_F(Limits, OneRequestOfASubscriptionWaits) {
  start();
  ask();
  EXPECT_FALSE(answered);
  std::optional<stream_answer> first;
  first.swap(answered);
  from->ask(
      request, nullptr, [&](stream_answer a) { first = std::move(a); }, log.clk.now_ms(),
      log.clk.monotonic_ns());
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->error.code(), errc::unavailable);
  EXPECT_FALSE(first);
  from->stop();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->error.code(), errc::unavailable);
  ask();
  EXPECT_EQ(answered->error.code(), errc::unavailable);
}

TEST_F(Limits, NobodyWaitsForASubscriberThatIsGone) {
  start();
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  from->ask(
      request, gone, [this](stream_answer a) { answered = std::move(a); }, log.clk.now_ms(),
      log.clk.monotonic_ns());
  pass(200);
  EXPECT_TRUE(from->is_asked());
  *gone = true;
  pass(100);
  EXPECT_FALSE(from->is_asked());
}

}  // namespace
}  // namespace troupe::federate
