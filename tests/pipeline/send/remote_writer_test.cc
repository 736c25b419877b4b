// Remote write as a whole over a node's log: nothing is lost, nothing but what was under way comes
// twice, whatever dies.
#include "tests/pipeline/send/send_kit.h"

#include <gmock/gmock.h>

namespace troupe::send {
namespace {

using Restart = SendTest;
using Answers = SendTest;
using Blocks = SendTest;

TEST_F(Restart, EverySampleOnceAndInOrder) {
  start();
  for (int i = 0; i < 20; ++i) {
    write(3, "a");
    write(2, "b");
    deliver(700);
  }
  deliver(3000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
  std::map<std::string, timestamp_ms> newest;
  for (const auto& [series, ts] : got.order) {
    EXPECT_GT(ts, newest[series]);
    newest[series] = ts;
  }
  EXPECT_EQ(metric("samples_total"), static_cast<double>(written.size()));
  EXPECT_EQ(metric("samples_pending"), 0);
  EXPECT_EQ(metric("lag_seconds"), 0);
}

TEST_F(Restart, AfterADeathOnlyWhatWasUnderWayIsSentAgain) {
  block().queue.min_shards = 4;
  start();
  size_t again = 0;
  for (int i = 0; i < 12; ++i) {
    write(7, "a");
    write(7, "b", 5);
    write(7, "c", 2);
    pass(1500);
    for (int k = 0; k < 5 && !wire.empty(); ++k)
      answer_one(static_cast<size_t>(k) % wire.size(), 204);
    // Taken, but the answer is lost with the process.
    for (const auto& r : wire)
      got.take(r);
    again += in_flight();
    kill();
    start();
  }
  deliver(5000);
  EXPECT_EQ(got.values, written);
  EXPECT_GT(again, 0u);
  EXPECT_EQ(got.doubled(), again);
}

TEST_F(Restart, AnOrderlyOneSendsNothingAgain) {
  start();
  for (int i = 0; i < 5; ++i) {
    write(10);
    pass(1200);
    answer_one(0, 204);
    writer->stop();
    answer(204);
    EXPECT_TRUE(writer->idle());
    writer->flush();
    kill();
    start();
  }
  deliver(3000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Restart, AWeekOfOutageWaitsInTheLog) {
  options.fresh_first_lag_ms = 0;
  log.settings.segment_bytes = 3000;
  log.settings.key_frame_interval = 5;
  start();
  write(5);
  deliver(2000);
  for (int day = 0; day < 7; ++day) {
    write(40, "a");
    write(40, "b");
    pass(3000);
    answer(0);
    log.clk.advance_ms(24 * 3600 * 1000);
    condense();
    if (day % 2 == 1) {
      kill();
      start();
    }
  }
  pass(1000);
  EXPECT_GT(metric("lag_seconds"), 6 * 24 * 3600);
  EXPECT_GT(metric("lag_bytes"), 10'000);
  deliver(60'000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
  // The log goes when it is no longer needed.
  const size_t files = log.files(".wal").size();
  condense();
  EXPECT_LT(log.files(".wal").size(), files);
}

TEST_F(Restart, WithAnotherNumberOfShards) {
  start();
  write(5, "a");
  pass(1200);
  answer(503);
  kill();
  log.settings.shards = 3;
  start();
  ASSERT_TRUE(metrics);
  deliver(3000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(door->holds().size(), 3u);
}

TEST_F(Restart, APowerCutSendsAgainWhatWasNotSynced) {
  start();
  write(30);
  deliver(5000);
  write(30);
  deliver(300);
  writer.reset();
  wire.clear();
  log.writer.reset();
  log.fs.crash();
  start();
  deliver(5000);
  EXPECT_EQ(got.values, written);
}

TEST_F(Restart, ADamagedCursorSendsWhatTheLogHas) {
  start();
  write(10);
  deliver(3000);
  const auto files = log.fs.files("data/remote_write");
  ASSERT_EQ(files.size(), 1u);
  kill();
  log.fs.flip_bit(files[0], 20, 3);
  start();
  deliver(3000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), written.size());
}

TEST_F(Restart, WithoutMemoryTheLogKeepsWhatWaits) {
  uint64_t held = 0;
  memory = std::make_unique<memory_budget>(
      1 << 20, [&] { return held; }, log.clk);
  block().queue.max_shards = 1;
  start();
  write(100);
  pass(1100);
  EXPECT_EQ(metric("samples_pending"), 300);
  EXPECT_GT(memory->used(), 300 * sizeof(entry));
  answer(204);
  EXPECT_LT(memory->used(), 300u);
  held = 1 << 20;
  pass(200);  // it is measured ten times a second
  write(100);
  pass(1100);
  EXPECT_LE(metric("samples_pending"), 20);
  deliver(10'000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Answers, FailuresOfTheWayAndOfTheServerAreRepeatedWithGrowingPauses) {
  block().queue.max_backoff_ms = 800;
  start();
  write(1);
  pass(1100);
  ASSERT_EQ(wire.size(), 1u);
  EXPECT_EQ(http::find_header(wire[0].header_fields, "Retry-Attempt"), "");
  int attempts = 0;
  for (const int64_t pause : {100, 200, 200, 400, 800, 800}) {
    answer_one(0, ++attempts % 2 == 0 ? 0 : 503);
    ASSERT_TRUE(wire.empty());
    pass(pause);
    if (wire.empty())
      pass(pause);
    ASSERT_EQ(wire.size(), 1u) << pause;
    EXPECT_EQ(http::find_header(wire[0].header_fields, "Retry-Attempt"), std::to_string(attempts));
  }
  answer(204);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(metric("samples_retried_total"), 18);
  EXPECT_EQ(metric("samples_failed_total"), 0);
}

TEST_F(Answers, RetryAfterIsKept) {
  start();
  write(1);
  pass(1100);
  answer_one(0, 503, {{"Retry-After", "30"}});
  pass(29'900);
  EXPECT_TRUE(wire.empty());
  pass(200);
  EXPECT_EQ(wire.size(), 1u);
}

TEST_F(Answers, ARefusalIsCountedAndNotRepeated) {
  start();
  write(4);
  pass(1100);
  ASSERT_EQ(wire.size(), 1u);
  answer_one(0, 400);
  answer(204);
  deliver(3000);
  EXPECT_EQ(metric("samples_failed_total"), 10);
  EXPECT_EQ(got.values.size(), 2u);
  EXPECT_EQ(metric("samples_retried_total"), 0);
}

TEST_F(Answers, TooManyRequestsIsARefusalUnlessConfigured) {
  start();
  write(1);
  pass(1100);
  answer(429);
  EXPECT_EQ(metric("samples_failed_total"), 3);
  block().queue.retry_on_http_429 = true;
  apply();
  write(1);
  pass(1100);
  answer(429);
  EXPECT_EQ(metric("samples_failed_total"), 3);
  deliver(1000);
  EXPECT_EQ(got.values.size(), 3u);
}

TEST_F(Answers, MoreRequestsAtATimeWhileSamplesWait) {
  block().queue.max_shards = 6;
  block().queue.capacity = 1000;
  start();
  size_t most = 0;
  for (int i = 0; i < 60; ++i) {
    for (const char* target : {"a", "b", "c", "d", "e", "f", "g", "h"})
      write(6, target);
    pass(300);
    most = std::max(most, wire.size());
    const size_t now = wire.size();
    for (size_t k = 0; k < now; ++k)
      answer_one(0, 204);
  }
  EXPECT_EQ(most, 6u);
  deliver(120'000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_LT(metric("shards"), 3);
}

TEST_F(Blocks, AChangeOfTheQueueGoesOnAtTheSamePlace) {
  start();
  write(10);
  pass(1200);
  answer_one(0, 204);
  const size_t under_way = in_flight();
  for (const auto& r : wire)
    got.take(r);
  wire.clear();
  block().queue.max_samples_per_send = 4;
  apply();
  deliver(5000);
  EXPECT_EQ(got.values, written);
  EXPECT_EQ(got.doubled(), under_way);
}

TEST_F(Blocks, ANewOneBeginsNow) {
  const auto only = conf.remote_write;
  conf.remote_write.clear();
  start();
  write(10);
  pass(1000);
  written.clear();
  conf.remote_write = only;
  apply();
  pass(100);
  write(3);
  deliver(3000);
  EXPECT_EQ(got.values, written);
}

TEST_F(Blocks, OneThatIsGoneHoldsNothing) {
  start();
  write(3);
  pass(1000);
  EXPECT_EQ(door->holds().size(), 1u);
  conf.remote_write.clear();
  apply();
  pass(100);
  EXPECT_TRUE(door->holds().empty());
  EXPECT_TRUE(log.fs.files("data/remote_write").empty());
}

TEST_F(Blocks, ExternalLabelsAndRelabelling) {
  conf.global.external_labels = {{"job", "x"}, {"region", "eu"}};
  config::relabel_config drop;
  drop.source_labels = {"__name__"};
  drop.regex = "m1";
  drop.action = config::relabel_action::drop;
  block().write_relabel_configs = {drop};
  start();
  write(2);
  deliver(3000);
  EXPECT_EQ(got.values.size(), 4u);
  EXPECT_EQ(got.values.begin()->first.first, R"(m0{instance="a", job="j", region="eu"})");
  EXPECT_EQ(metric("samples_dropped_total", "dropped_series"), 2);
}

TEST_F(Blocks, SamplesAboveTheAgeLimitAreDropped) {
  block().queue.sample_age_limit_ms = 60'000;
  options.fresh_first_lag_ms = 0;
  start();
  write(10);
  pass(2000);
  answer(0);
  log.clk.advance_ms(300'000);
  write(2);
  deliver(10'000);
  EXPECT_EQ(got.values.size(), 6u);
  EXPECT_EQ(metric("samples_dropped_total", "too_old"), 30);
}

TEST_F(Blocks, MetadataOfVersionOne) {
  block().metadata.send = true;
  block().metadata.max_samples_per_send = 2;
  described = {{"a", {metric_type::counter, "", "A."}},
               {"b", {metric_type::gauge, "s", "B."}},
               {"c", {metric_type::histogram, "", ""}}};
  start();
  deliver(1000);
  EXPECT_EQ(got.families.size(), 3u);
  EXPECT_EQ(got.families["b"], (metadata{metric_type::gauge, "s", "B."}));
  got.families.clear();
  deliver(60'000);
  EXPECT_EQ(got.families.size(), 3u);
  EXPECT_EQ(metric("metadata_total"), 6);
}

}  // namespace
}  // namespace troupe::send
