// Publishing over a node's log: what a topic holds in quiet times, after deaths and restarts.
#include "pipeline/topics/record_reader.h"
#include "storage/model/tenant.h"
#include "tests/pipeline/topics/publish_kit.h"

namespace troupe::topics {
namespace {

using Quiet = PublishTest;
using Death = PublishTest;
using Records = PublishTest;
using Bodies = PublishTest;

class DeathSeeds : public PublishTest, public testing::WithParamInterface<uint64_t> {};

TEST_F(Quiet, EverythingOnceAndInOrder) {
  start();
  for (int i = 0; i < 100; ++i) {
    write(1 + static_cast<size_t>(i % 7));
    pass(200);
  }
  pass(1000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(got.order, order);
  EXPECT_EQ(got.misplaced, 0u);
  EXPECT_EQ(metric("samples_total"), static_cast<double>(written.samples.size()));
  EXPECT_EQ(metric("records_total"), static_cast<double>(got.records));
  EXPECT_EQ(metric("lag_seconds"), 0);
  EXPECT_EQ(metric("up"), 1);
  EXPECT_EQ(metric("sessions_total"), 1);
  EXPECT_EQ(metric("errors_total"), 0);
  EXPECT_EQ(metric("dropped_samples_total"), 0);
}

TEST_F(Quiet, SamplesWaitShortlyForOthers) {
  start();
  pass(1000);
  const size_t before = read().records;
  for (int i = 0; i < 100; ++i) {
    write(1);
    pass(100);
  }
  const size_t made = read().records - before;
  // 10 s of 4 partitions.
  EXPECT_LE(made, 4u * 10'000 / 300);
  EXPECT_GE(made, 30u);
}

TEST_F(Quiet, WhatWasThereBeforeTheFirstStartIsNotSent) {
  conf.own.publish.clear();
  start();
  write(10);
  pass(500);
  written = {};
  conf.own.publish.push_back({"p", "k", "t", {}, {}});
  apply();
  pass(200);
  write(20);
  pass(1000);
  EXPECT_EQ(read().all.samples, written.samples);
}

TEST_P(DeathSeeds, WhatWasConfirmedIsNotSentAgain) {
  seeded_random random(GetParam());
  start();
  pass(100);  // it has its place in the log
  for (int round = 0; round < 12; ++round) {
    kafka.records_a_poll = 1 + random.below(4);
    kafka.reachable = random.below(4) != 0;
    write(random.below(12));
    pass(static_cast<int64_t>(random.below(12)) * 100);
    if (random.below(3) == 0) {
      // In the topic, but nobody hears of it.
      kafka.append_then_break(1'000'000);
      pass(100);
      kafka.append_then_break(0);
      kill();
      start();
    } else if (random.below(3) == 0) {
      kill();
      start();
    }
  }
  kafka.reachable = true;
  kafka.records_a_poll = 1000;
  pass(3000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(metric("samples_total"), static_cast<double>(written.samples.size()));
  EXPECT_EQ(got.misplaced, 0u);
}

INSTANTIATE_TEST_SUITE_P(Publishing, DeathSeeds, testing::Range<uint64_t>(1, 31));

TEST_F(Death, APowerCutSendsAgainWhatWasNotSynced) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    start();
    write(20);
    pass(1500);
    write(10);
    pass(400);
    power_cut();
  }
  start();
  pass(1000);
  expect_all(read());
}

TEST_F(Death, AnOrderlyStopLeavesNothingUnderWay) {
  start();
  for (int i = 0; i < 5; ++i) {
    write(20);
    pass(200);
    publisher->stop();
    EXPECT_FALSE(publisher->idle());
    pass(300);
    EXPECT_TRUE(publisher->idle());
    publisher->flush();
    power_cut();
    start();
  }
  pass(1000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Death, WithAnotherNumberOfShards) {
  start();
  write(20);
  kafka.reachable = false;
  pass(1000);
  kill();
  log.settings.shards = 3;
  start();
  kafka.reachable = true;
  pass(2000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(door->holds().size(), 3u);
}

TEST_F(Death, ADamagedCursorSendsWhatTheLogHas) {
  start();
  write(20);
  pass(2000);
  const auto files = log.fs.files("data/publish");
  ASSERT_EQ(files.size(), 1u);
  kill();
  log.fs.flip_bit(files[0], 20, 3);
  start();
  pass(2000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), written.samples.size());
}

TEST_F(Records, AnIdlePartitionTellsThatItIsComplete) {
  start();
  write(1);
  pass(20'000);
  const auto got = read();
  EXPECT_GE(got.heartbeats, 4u * 3);
  for (const auto& headers : got.headers) {
    timestamp_ms last = min_time;
    for (const auto& h : headers) {
      EXPECT_GE(h.as_of, last);
      last = h.as_of;
    }
    EXPECT_GE(last, log.clk.now_ms() - 6'000);
  }
  // While nobody is there to take them there are no more.
  kafka.reachable = false;
  pass(60'000);
  EXPECT_LT(metric("queued_bytes"), 1000);
}

TEST_F(Records, WhatComesLaterWasWrittenLaterThanTheyTell) {
  options.record_bytes = 400;
  options.segment_bytes = 3000;
  start();
  seeded_random random(3);
  for (int i = 0; i < 300; ++i) {
    kafka.reachable = i % 50 < 30;
    kafka.records_a_poll = 1 + random.below(3);
    kafka.queue_bytes = 2000;
    for (uint64_t k = random.below(8); k > 0; --k) {
      std::vector<labels> series;
      const auto target = std::to_string(k);
      for (size_t s = 0; s < 10; ++s)
        series.push_back(labels::from({{"__name__", "m" + std::to_string(s)},
                                       {"instance", target},
                                       {"job", "j"},
                                       {"n", std::to_string(random.below(20))}}));
      write(storage::simple_batch(storage::table_of(series), log.clk.now_ms(),
                                  std::vector<double>(10, static_cast<double>(i)), i * 10 + k));
    }
    pass(100);
  }
  kafka.reachable = true;
  pass(100'000);
  expect_all(read());
  EXPECT_EQ(metric("lag_seconds"), 0);
  for (const auto& p : *kafka.find("t")) {
    record_reader reader({});
    int64_t offset = 0;
    timestamp_ms as_of = min_time;
    for (const auto& r : p.records) {
      const auto got = reader.read(r.payload, offset++);
      ASSERT_TRUE(got.ok());
      for (const auto& b : got->batches)
        for (const auto& f : b->floats)
          ASSERT_GE(f.ts, as_of);
      as_of = std::max(as_of, got->header->as_of);
    }
    EXPECT_GE(as_of, log.clk.now_ms() - 6'000);
  }
}

TEST_F(Records, CanBeReadFromTheFirstOfASegmentOn) {
  block().key_interval_ms = 20'000;
  start();
  for (int i = 0; i < 300; ++i) {
    write(2);
    pass(200);
  }
  pass(1000);
  const auto got = read();
  expect_all(got);
  expect_keys(got);
  auto& topic = *kafka.find("t");
  for (uint32_t p = 0; p < topic.size(); ++p) {
    size_t segments = 0;
    for (const auto& h : got.headers[p])
      segments += h.index == 0;
    EXPECT_GE(segments, 3u);
    EXPECT_LE(segments, 6u);
  }
  // Whoever comes late reads what is in the last segments.
  for (uint32_t p = 0; p < topic.size(); ++p)
    kafka.trim("t", p, got.headers[p].back().key_offset);
  EXPECT_EQ(read().lost, 0u);
}

TEST_F(Records, ALargeBacklogMakesLargeOnes) {
  options.record_bytes = 2'000;
  start();
  kafka.reachable = false;
  write(500);
  pass(1000);
  kafka.reachable = true;
  pass(2000);
  const auto got = read();
  expect_all(got);
  for (const auto& p : *kafka.find("t"))
    for (const auto& r : p.records)
      EXPECT_LT(r.payload.size(), 6'000u);
}

TEST_F(Records, ANewSegmentAfterSoManyBytes) {
  options.record_bytes = 1'000;
  options.segment_bytes = 5'000;
  start();
  for (int i = 0; i < 10; ++i) {
    write(60);
    pass(1000);
  }
  pass(5000);
  const auto got = read();
  expect_all(got);
  expect_keys(got);
  EXPECT_EQ(got.doubled(), 0u);
  size_t segments = 0;
  for (const auto& h : got.headers)
    for (const auto& one : h)
      segments += one.index == 0;
  EXPECT_GT(segments, 8u);
}

TEST_F(Records, SelectedSeriesWithLabels) {
  block().match = {R"({__name__=~"metric_[0-3]"})", R"({id!=""})"};
  block().labels = {{"region", "eu"}, {"job", "other"}};
  conf.global.external_labels = {{"region", "us"}, {"node", "n"}};
  start();
  for (int i = 0; i < 50; ++i) {
    write(4);
    pass(200);
  }
  pass(1000);
  const auto got = read();
  EXPECT_EQ(got.lost, 0u);
  EXPECT_EQ(got.doubled(), 0u);
  // Series without an instance have moved to other slots.
  EXPECT_EQ(got.misplaced, 0u);
  EXPECT_GT(got.all.samples.size(), 0u);
  EXPECT_LT(got.all.samples.size(), written.samples.size());
  each_batch("t", [&](const write_batch& b) {
    for (const auto& f : b.floats) {
      const labels& l = b.table->series[f.series];
      EXPECT_EQ(l.get("region"), "eu");
      EXPECT_EQ(l.get("node"), "n");
      EXPECT_EQ(l.get("job"), "node");
      EXPECT_TRUE(l.has("id") || l.metric_name() <= "metric_3") << l.to_string();
    }
  });
  EXPECT_EQ(metric("samples_total"), static_cast<double>(got.samples));
}

TEST_F(Records, FamiliesAreDescribedInEverySegment) {
  block().key_interval_ms = 10'000;
  described = {{"a", {metric_type::counter, "", "A."}}, {"b", {metric_type::gauge, "s", "B."}}};
  start();
  pass(35'000);
  size_t times = 0;
  each_batch("t", [&](const write_batch& b) { times += b.metadata.size(); });
  EXPECT_GE(times, 6u);
  EXPECT_LE(times, 8u);
}

TEST_F(PublishTest, WhatTheNodeNotesForItselfStaysHere) {
  start();
  for (const auto tenant : {audit_tenant, rules_tenant}) {
    write_batch own = source.next();
    own.tenant = std::string(tenant);
    own.table = make_series_table(tenant, own.table->series);
    write(own);
  }
  written = {};
  order = {};
  write(5);
  pass(2000);
  expect_all(read());
  size_t own = 0;
  each_batch("t", [&](const write_batch& b) { own += is_own_tenant(b.tenant); });
  EXPECT_EQ(own, 0u);
}

TEST_F(Bodies, OfBothVersions) {
  source = storage::batch_source(3, {1, 0, 3, 8, false, false, 1});
  for (const auto format :
       {config::record_format::remote_write, config::record_format::remote_write_2}) {
    SCOPED_TRACE(static_cast<int>(format));
    block().format = format;
    block().topic = format == config::record_format::remote_write ? "one" : "two";
    start();
    written = {};
    for (int i = 0; i < 40; ++i) {
      write_batch b = source.next();
      b.tenant.clear();
      b.table = make_series_table("", b.table->series);
      write(b);
      pass(200);
    }
    pass(1000);
    const auto got = read(block().topic);
    EXPECT_EQ(got.all.samples, written.samples);
    EXPECT_EQ(got.doubled(), 0u);
    EXPECT_EQ(got.misplaced, 0u);
    kill();
  }
}

TEST_F(Bodies, DeathsAndOutages) {
  block().format = config::record_format::remote_write_2;
  source = storage::batch_source(3, {1, 0, 3, 8, false, false, 1});
  start();
  seeded_random random(5);
  for (int i = 0; i < 60; ++i) {
    for (uint64_t k = random.below(5); k > 0; --k) {
      write_batch b = source.next();
      b.tenant.clear();
      b.table = make_series_table("", b.table->series);
      write(b);
    }
    kafka.reachable = random.below(3) != 0;
    kafka.records_a_poll = 1 + random.below(3);
    kafka.queue_bytes = 200 + random.below(5000);
    pass(static_cast<int64_t>(random.below(8)) * 100);
    switch (random.below(6)) {
      case 0:
        kill();
        start();
        break;
      case 1:
        kafka.break_producers();
        break;
      case 2:
        if (auto* t = kafka.find("t"); t != nullptr && t->size() < 8)
          kafka.add_partitions("t", 1);
        break;
      default:
        break;
    }
  }
  kafka.reachable = true;
  kafka.queue_bytes = 1 << 20;
  kafka.records_a_poll = 1000;
  pass(5000);
  const auto got = read();
  EXPECT_EQ(got.all.samples, written.samples);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(got.lost, 0u);
}

TEST_F(Bodies, ThatAreTooLargeAreHalved) {
  block().format = config::record_format::remote_write;
  source = storage::batch_source(3, {1, 0, 2, 40, false, false, 0});
  kafka.largest_record = 300;
  start();
  write_batch b = source.next();
  b.tenant.clear();
  b.table = make_series_table("", b.table->series);
  write(b);
  pass(2000);
  const auto got = read();
  EXPECT_EQ(got.all.samples, written.samples);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_GT(got.records, 1u);
}

}  // namespace
}  // namespace troupe::topics
