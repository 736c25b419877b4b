// Publishing when things go wrong: Kafka away, its queue full, producers broken, records refused,
// the log at its bound.
#include "tests/pipeline/topics/publish_kit.h"

#include <algorithm>

namespace troupe::topics {
namespace {

using Outage = PublishTest;
using Bound = PublishTest;
using Refused = PublishTest;
using Broken = PublishTest;

class BrokenSeeds : public PublishTest, public testing::WithParamInterface<uint64_t> {};
class Bounds : public PublishTest, public testing::WithParamInterface<bool> {};

// A sample whose label does not compress.
write_batch large_sample(const storage::log_fixture& log, size_t bytes, timestamp_ms after = 0) {
  seeded_random random(9);
  std::string text;
  while (text.size() < bytes)
    text += static_cast<char>('!' + random.below(90));
  const auto table = storage::table_of(
      {labels::from({{"__name__", "large"}, {"instance", "i"}, {"job", "j"}, {"text", text}})});
  return storage::simple_batch(table, log.clk.now_ms() + after, {1}, 99);
}

// As the rules of a publication change it.
write_batch with_label(const write_batch& b, const std::map<std::string, std::string>& added) {
  write_batch out = b;
  out.source_position.clear();
  std::vector<labels> series;
  for (const auto& l : b.table->series) {
    labels_builder builder(l);
    for (const auto& [name, value] : added)
      if (!l.has(name))
        builder.set(name, value);
    series.push_back(builder.build());
  }
  out.table = make_series_table(b.tenant, std::move(series));
  return out;
}

TEST_F(Outage, ALongOneWaitsInTheLog) {
  log.settings.segment_bytes = 3000;
  log.settings.key_frame_interval = 5;
  uint64_t held = 0;
  memory = std::make_unique<memory_budget>(
      64 << 20, [&] { return held; }, log.clk);
  kafka.queue_bytes = 3000;
  options.record_bytes = 1000;
  start();
  write(20);
  pass(2000);
  kafka.reachable = false;
  uint64_t most = 0;
  for (int day = 0; day < 7; ++day) {
    write(60);
    pass(3000);
    log.clk.advance_ms(24 * 3600 * 1000);
    condense();
    pass(3000);
    most = std::max(most, memory->used());
    if (day % 3 == 1) {
      kill();
      start();
    }
  }
  EXPECT_GT(metric("lag_bytes"), 10'000);
  EXPECT_LT(most, 1u << 20);
  EXPECT_EQ(metric("dropped_samples_total"), 0);
  kafka.reachable = true;
  pass(60'000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(got.order, order);
  EXPECT_EQ(metric("lag_seconds"), 0);
  // The log goes when it is no longer needed.
  const size_t files = log.files(".wal").size();
  condense();
  EXPECT_LT(log.files(".wal").size(), files);
}

TEST_F(Outage, AFullQueueIsTriedAgain) {
  kafka.queue_bytes = 1500;
  options.record_bytes = 700;
  kafka.records_a_poll = 1;
  start();
  write(200);
  pass(100);
  EXPECT_LE(metric("queued_bytes"), 1500);
  pass(120'000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(got.order, order);
}

TEST_F(Outage, WithoutMemoryTheLogKeepsWhatWaits) {
  uint64_t held = 1 << 20;
  memory = std::make_unique<memory_budget>(
      1 << 20, [&] { return held; }, log.clk);
  start();
  write(300);
  pass(10'000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Outage, ACursorThatCannotBeWrittenLosesNothing) {
  start();
  write(10);
  pass(1000);
  log.fs.fail_only_on("publish");
  log.fs.fail_nth(1, errc::no_space, true);
  write(10);
  pass(3000);
  EXPECT_EQ(read().all.samples, written.samples);
  EXPECT_NE(publisher->states().at(0).last_error.find("cannot write down"), std::string::npos);
  kill();
  log.fs.clear_faults();
  start();
  write(10);
  pass(3000);
  const auto got = read();
  expect_all(got);
  EXPECT_GT(got.doubled(), 0u);
  EXPECT_EQ(publisher->states().at(0).last_error, "");
  kill();
  start();
  pass(1000);
  EXPECT_EQ(read().doubled(), got.doubled());
}

TEST_F(Outage, DamageOfTheLogCostsItselfAlone) {
  log.settings.segment_bytes = 8000;
  start();
  kafka.reachable = false;
  for (int i = 0; i < 3; ++i) {
    write(60);
    pass(1000);
  }
  const auto files = log.files(".wal");
  ASSERT_GT(files.size(), 3u);
  log.fs.flip_bit(files[1], 4000, 3);
  kafka.reachable = true;
  pass(3000);
  kill();
  start();
  write(60);
  pass(3000);
  const auto got = read();
  EXPECT_EQ(got.lost, 0u);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_LT(got.all.samples.size(), written.samples.size());
  EXPECT_GT(got.all.samples.size(), written.samples.size() * 9 / 10);
  for (const auto& [key, value] : got.all.samples)
    EXPECT_EQ(written.samples.at(key), value);
  EXPECT_EQ(metric("lag_seconds"), 0);
}

TEST_F(Outage, ATopicThatCannotBeCreatedIsWaitedFor) {
  kafka.creation = {errc::permission_denied, "not allowed to create topics"};
  start();
  write(10);
  pass(5000);
  EXPECT_EQ(kafka.find("t"), nullptr);
  EXPECT_EQ(publisher->states().at(0).last_error, "not allowed to create topics");
  EXPECT_GT(publisher->states().at(0).lag_ms, 3000);
  kafka.creation = {};
  pass(2000);
  EXPECT_EQ(kafka.find("t")->size(), 4u);
  expect_all(read());
}

TEST_P(Bounds, TheOldestGoesAndIsCounted) {
  log.settings.segment_bytes = 3000;
  block().keep_bytes = 12'000;
  // Records may be under way when Kafka goes.
  kafka.reachable = GetParam();
  start();
  pass(500);
  kafka.reachable = false;
  for (int i = 0; i < 20; ++i) {
    write(40);
    pass(11'000);
    EXPECT_LE(metric("lag_bytes"), 16'000);
  }
  const double dropped = metric("dropped_samples_total", "disk_bound");
  EXPECT_GT(dropped, 0);
  kafka.reachable = true;
  pass(10'000);
  const auto got = read();
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(static_cast<double>(got.all.samples.size()) + dropped,
            static_cast<double>(written.samples.size()));
  EXPECT_EQ(metric("dropped_samples_total"), dropped);
  EXPECT_EQ(publisher->states().at(0).dropped, static_cast<uint64_t>(dropped));
  // The newest are there.
  const size_t before = got.all.samples.size();
  write(5);
  pass(1000);
  EXPECT_GT(read().all.samples.size(), before);
  // Nothing is held that is not needed.
  condense();
  EXPECT_LE(log.files(".wal").size(), 2u);
}

INSTANTIATE_TEST_SUITE_P(Publishing, Bounds, testing::Bool());

TEST_F(Bound, OfBodiesTheDefaultTenantCounts) {
  block().format = config::record_format::remote_write_2;
  source = storage::batch_source(3, {1, 0, 3, 8, false, false, 1});
  log.settings.segment_bytes = 3000;
  block().keep_bytes = 12'000;
  start();
  pass(500);
  for (int i = 0; i < 10; ++i) {
    write(40);
    pass(i < 3 ? 200 : 11'000);
    kafka.reachable = i < 2;
  }
  const double dropped = metric("dropped_samples_total", "disk_bound");
  EXPECT_GT(dropped, 0);
  kafka.reachable = true;
  pass(10'000);
  // Keys begin with the tenant.
  const auto of_default = std::count_if(written.samples.begin(), written.samples.end(),
                                        [](const auto& s) { return s.first[0] == '\0'; });
  EXPECT_LT(static_cast<size_t>(of_default), written.samples.size());
  const auto got = read();
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(static_cast<double>(got.all.samples.size()) + dropped, static_cast<double>(of_default));
}

TEST_F(Bound, WhatIsOnItsWayIsNotGivenUp) {
  log.settings.segment_bytes = 3000;
  block().keep_bytes = 40'000;
  options.record_bytes = 500;
  kafka.records_a_poll = 1;
  start();
  pass(1000);
  while (door->bytes_since(0, {}) < 46'000)
    write(1);
  pass(200'000);
  EXPECT_EQ(metric("dropped_samples_total"), 0);
  expect_all(read());
}

TEST_F(Refused, RecordsBecomeSmaller) {
  kafka.largest_record = 1000;
  start();
  write(100);
  pass(20'000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.order, order);
  EXPECT_EQ(metric("dropped_samples_total"), 0);
}

TEST_F(Refused, TheTopicTakesSmallerOnesFromNowOn) {
  options.record_bytes = 2000;
  kafka.records_a_poll = 1;
  start();
  write(100);
  pass(20'000);
  kafka.largest_record = 1000;
  write(100);
  pass(100'000);
  // What refers to a record that was refused cannot be read, and comes again.
  EXPECT_EQ(read().all.samples, written.samples);
  EXPECT_EQ(metric("dropped_samples_total"), 0);
}

TEST_F(Refused, ASampleThatIsTooLargeAloneIsLeftOutAndCounted) {
  kafka.largest_record = 5'000;
  start();
  write(30);
  pass(1000);
  write(30);
  write(large_sample(log, 20'000));
  write(30);
  pass(60'000);
  auto got = read();
  EXPECT_EQ(got.lost, 0u);
  EXPECT_EQ(written.samples.size(), got.all.samples.size() + 1);
  EXPECT_EQ(metric("dropped_samples_total", "too_large"), 1);
  EXPECT_EQ(metric("lag_seconds"), 0);
  // It goes on, and so does the next one of that kind.
  write(large_sample(log, 20'000, 1000));
  write(30);
  pass(60'000);
  got = read();
  EXPECT_EQ(written.samples.size(), got.all.samples.size() + 2);
  EXPECT_EQ(metric("dropped_samples_total", "too_large"), 2);
}

TEST_F(Refused, ManySamplesAroundIt) {
  kafka.largest_record = 4'000;
  source = storage::batch_source(1, {1, 0, 2, 400, true, true, 1});
  start();
  write(3);
  write_batch b = source.scrape(0);
  std::vector<labels> series = b.table->series;
  const labels large = large_sample(log, 20'000).table->series[0];
  labels_builder builder(series[200]);
  builder.set("text", large.get("text"));
  series[200] = builder.build();
  b.table = make_series_table(b.tenant, series);
  const auto of_it = static_cast<size_t>(std::count_if(
      b.floats.begin(), b.floats.end(), [](const float_entry& f) { return f.series == 200; }));
  write(b);
  write(3);
  pass(120'000);
  const auto got = read();
  EXPECT_EQ(got.lost, 0u);
  EXPECT_EQ(got.all.samples.size() + of_it, written.samples.size());
  EXPECT_EQ(metric("dropped_samples_total", "too_large"), static_cast<double>(of_it));
}

TEST_F(Broken, AProducerIsMadeAnew) {
  start();
  for (int i = 0; i < 40; ++i) {
    write(5);
    if (i % 10 == 4)
      kafka.break_producers();
    if (i % 10 == 9)
      kafka.append_then_break(2);
    pass(700);
  }
  pass(3000);
  const auto got = read();
  expect_all(got);
  EXPECT_GT(metric("sessions_total"), 6);
  EXPECT_GT(metric("errors_total"), 5);
  EXPECT_LT(got.doubled(), written.samples.size() / 5);
  uint64_t last = 0;
  for (const auto& h : got.headers[0]) {
    EXPECT_GE(h.session, last);
    last = h.session;
  }
}

TEST_F(Broken, ARightThatIsMissingIsToldAndWaitedFor) {
  start();
  write(5);
  pass(1000);
  kafka.writing = {errc::permission_denied, "topic authorization failed"};
  write(5);
  pass(20'000);
  EXPECT_EQ(publisher->states().at(0).last_error, "topic authorization failed");
  EXPECT_GE(metric("errors_total"), 3);
  EXPECT_LE(metric("errors_total"), 5);
  kafka.writing = {};
  pass(6000);
  EXPECT_EQ(publisher->states().at(0).last_error, "");
  EXPECT_EQ(metric("dropped_samples_total"), 0);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
}

TEST_F(Broken, ATopicThatGrows) {
  start();
  for (int i = 0; i < 30; ++i) {
    write(5);
    if (i % 10 == 5)
      kafka.add_partitions("t", 3);
    pass(500);
  }
  pass(3000);
  const auto got = read();
  expect_all(got);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(got.headers.size(), 13u);
  EXPECT_FALSE(got.headers[12].empty());
  EXPECT_EQ(metric("sessions_total"), 4);
}

TEST_P(BrokenSeeds, WhateverHappensNothingIsLost) {
  seeded_random random(GetParam());
  block().labels = {{random.below(2) == 0 ? "region" : "instance", "eu"}};
  block().match = {R"({job!=""})"};
  block().key_interval_ms = 3000;
  options.record_bytes = 500 + random.below(3000);
  options.segment_bytes = 5000;
  log.settings.segment_bytes = 4000;
  storage::log_content labelled;
  source = storage::batch_source(GetParam());
  start();
  pass(100);  // it has its place in the log
  for (int round = 0; round < 40; ++round) {
    kafka.records_a_poll = 1 + random.below(5);
    kafka.queue_bytes = 500 + random.below(8000);
    kafka.largest_record = 4000 + random.below(8000);
    kafka.reachable = random.below(4) != 0;
    kafka.delivery_polls = random.below(6);
    kafka.stragglers = random.below(5);
    if (random.below(3) == 0)
      kafka.land();
    for (uint64_t k = random.below(6); k > 0; --k) {
      const write_batch b = source.next();
      ASSERT_TRUE(log.writer->append(b).ok());
      ASSERT_TRUE(log.writer->commit().ok());
      labelled.add(with_label(b, block().labels));
    }
    pass(static_cast<int64_t>(random.below(10)) * 100);
    auto* topic = kafka.find("t");
    switch (random.below(9)) {
      case 0:
        kafka.append_then_break(1 + random.below(4));
        break;
      case 1:
        kafka.break_producers();
        break;
      case 2:
        if (topic != nullptr && topic->size() < 8)
          kafka.add_partitions("t", 1);
        break;
      case 3:
        random.below(2) == 0 ? kill() : power_cut();
        start();
        break;
      case 4:
        condense();
        break;
      default:
        break;
    }
  }
  kafka.append_then_break(0);
  kafka.break_producers();  // one of them may have lost deliveries
  kafka.reachable = true;
  kafka.delivery_polls = 0;
  kafka.land();
  kafka.records_a_poll = 1000;
  kafka.queue_bytes = kafka.largest_record = 1 << 20;
  pass(10'000);
  EXPECT_EQ(metric("lag_seconds"), 0);
  const auto got = read();
  expect_keys(got);
  EXPECT_EQ(got.all.samples, labelled.samples);
  EXPECT_EQ(got.all.exemplars, labelled.exemplars);
  EXPECT_EQ(got.lost, 0u);
  EXPECT_EQ(metric("dropped_samples_total"), 0);
}

INSTANTIATE_TEST_SUITE_P(Publishing, BrokenSeeds, testing::Range<uint64_t>(1, 41));

TEST_F(Broken, ATopicThatGrowsWhileRecordsAreUnderWay) {
  options.record_bytes = 500;
  kafka.records_a_poll = 1;
  start();
  write(100);
  pass(1000);
  EXPECT_GT(metric("queued_bytes"), 0);
  kafka.add_partitions("t", 3);
  write(20);
  pass(60'000);
  const auto got = read();
  expect_all(got);
  expect_keys(got);
  EXPECT_EQ(got.doubled(), 0u);
  EXPECT_EQ(metric("errors_total"), 0);
  EXPECT_EQ(metric("sessions_total"), 2);
}

TEST_F(Broken, ATopicThatWasMadeAnewGetsASessionOfItsOwn) {
  start();
  write(20);
  pass(2000);
  kafka.recreate("t");
  written = {};
  write(20);
  pass(5000);
  // Records that were under way refer to what is gone: they are sent again.
  EXPECT_EQ(read().all.samples, written.samples);
  EXPECT_EQ(metric("sessions_total"), 2);
}

}  // namespace
}  // namespace troupe::topics
