// What is lost, damaged or made anew on Kafka's side, and backlogs: nothing is skipped silently,
// nothing blocks, the newest samples come first.
#include "tests/pipeline/topics/consume_kit.h"

#include <gmock/gmock.h>

namespace troupe::topics {
namespace {

using ConsumeTrouble = ConsumeTest;
using FreshFirst = ConsumeTest;
using testing::SizeIs;

TEST_F(ConsumeTrouble, ARecordThatNobodyCanReadIsSetAside) {
  start();
  write();
  const int64_t at = append("TRPR\x01\x05garbage");
  append("something else");
  append(std::string("TRPR\x09") + "later");
  write();
  pass(1000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(figure("consume_poisoned_total"), 3);
  EXPECT_EQ(figure("quarantined_records_total"), 3);
  const auto path = "data/quarantine/kafka/east-0-" + std::to_string(at) + ".record";
  EXPECT_EQ(disk.content(path), "TRPR\x01\x05garbage");
  EXPECT_THAT(disk.content(path + ".why"), testing::Not(testing::IsEmpty()));
  EXPECT_EQ(state().totals.poisoned, 3u);
  EXPECT_EQ(figure("consume_lag_records"), 0);
  kill();
  start();
  pass(100);
  EXPECT_EQ(figure("consume_poisoned_total"), 3) << "counters go on";
}

TEST_F(ConsumeTrouble, TheQuarantineIsBounded) {
  start();
  for (int i = 0; i < 1010; ++i)
    append("x");
  pass(3000);
  EXPECT_EQ(figure("consume_poisoned_total"), 1010);
  EXPECT_EQ(figure("quarantined_records_total"), 1000);
  EXPECT_EQ(figure("quarantine_dropped_records_total"), 10);
  EXPECT_THAT(disk.files("data/quarantine/kafka/"), SizeIs(2000));
  kill();
  start();
  append("y");
  pass(1000);
  EXPECT_THAT(disk.files("data/quarantine/kafka/"), SizeIs(2000)) << "earlier ones count";
}

TEST_F(ConsumeTrouble, RecordsThatAreGoneBeforeTheyWereReadAreAGap) {
  segment_records = 5;
  start();
  write_many(7);
  pass(1000);
  ASSERT_EQ(stored, written);
  kill();
  write_many(20);
  // The first one that is left, 17, belongs to the segment of 15.
  cluster.trim("metrics", 0, 17);
  start();
  pass(1000);
  for (int64_t o = 7; o < 20; ++o)
    for (const auto& key : in_record[{0, o}])
      written.erase(key);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(figure("consume_gaps_total"), 2) << "records, and what later ones refer to";
  EXPECT_EQ(figure("consume_gap_records_total"), 10 + 3);
  EXPECT_EQ(figure("consume_lost_samples_total"), 9);
  kill();
  start();
  pass(1000);
  EXPECT_EQ(figure("consume_gaps_total"), 2) << "told once";
  EXPECT_EQ(stored, written);
}

class Retention : public ConsumeTest, public testing::WithParamInterface<uint64_t> {};

TEST_P(Retention, WhatIsMissingIsToldWhoeverDies) {
  seeded_random random(GetParam());
  segment_records = 3 + random.below(30);
  cluster.records_a_poll = 1 + random.below(60);
  start();
  pass(100);
  for (int round = 0; round < 20; ++round) {
    write_many(random.below(80), random.below(3) == 0 ? 4'000 : 20);
    pass(static_cast<int64_t>(random.below(20)) * 100);
    const auto& topic = cluster.find("metrics")->front();
    if (random.below(3) == 0)
      cluster.trim("metrics", 0,
                   topic.first + static_cast<int64_t>(random.below(topic.records.size() + 1)));
    if (random.below(3) == 0) {
      kill();
      start();
    }
  }
  kill();
  start();
  for (int i = 0; i < 20 && (i == 0 || figure("consume_lag_records") > 0); ++i)
    pass(30'000);
  EXPECT_EQ(figure("consume_lag_records"), 0);
  // What was stored, but not written down when the process died, may be told as missing, too.
  EXPECT_LE(static_cast<double>(written.size() - stored.size()),
            3 * figure("consume_gap_records_total") + figure("consume_lost_samples_total"));
}
INSTANTIATE_TEST_SUITE_P(Seeds, Retention, testing::Range<uint64_t>(1, 61));

TEST_F(ConsumeTrouble, RecordsThatWereNotHandedOutAreAskedForAgain) {
  start();
  write_many(5);
  pass(200);
  // In the middle, before the first one of a segment, and where another start begins to learn.
  for (const size_t n : {1u, 4u, 7u}) {
    cluster.passed_over = n;
    write_many(20);
    pass(1000);
    EXPECT_EQ(stored, written) << n;
    kill();
    cluster.passed_over = n;
    write_many(8);
    start();
    pass(1000);
    write();  // the next one tells
    pass(1000);
    EXPECT_EQ(cluster.passed_over, 0u);
    EXPECT_EQ(stored, written) << n;
  }
  EXPECT_EQ(figure("consume_gaps_total"), 0);
  EXPECT_EQ(figure("consume_lost_samples_total"), 0);
}

TEST_F(ConsumeTrouble, WhatOnlyLaterRecordsReferToMayBeGoneWithoutAGap) {
  segment_records = 5;
  start();
  write_many(13);
  pass(1000);
  kill();
  cluster.trim("metrics", 0, 12);
  write_many(10);
  start();
  pass(1000);
  EXPECT_EQ(figure("consume_gap_records_total"), 2) << "13 and 14, whose first record is gone";
  EXPECT_EQ(stored.size(), written.size() - 6);
}

TEST_F(ConsumeTrouble, ADamagedFirstRecordCostsItsSegmentOnly) {
  segment_records = 5;
  write_many(20);
  auto& record = (*cluster.find("metrics"))[0].records[5].payload;
  record[record.size() / 2] = static_cast<char>(record[record.size() / 2] ^ 0x40);
  start();
  pass(1000);
  EXPECT_EQ(figure("consume_poisoned_total"), 1);
  EXPECT_EQ(figure("consume_lost_samples_total"), 12);
  EXPECT_EQ(figure("consume_gaps_total"), 1);
  EXPECT_EQ(stored.size(), written.size() - 15);
  EXPECT_EQ(figure("consume_lag_records"), 0);
}

TEST_F(ConsumeTrouble, WhatAnEarlierSessionOfAWriterSendsLateIsNoGap) {
  topic_writer first(1, 0, 10, 100), second(1, 0, 10, 101), third(1, 0, 10, 102);
  const auto next = [&](topic_writer& from) {
    clk.advance_ms(10);
    return from.next(end_of(), clk.now_ms());
  };
  start();
  append(next(first));
  const std::string late = next(first);
  const std::string late_first = next(second);
  append(next(third));
  pass(1000);
  for (int life = 0; life < 2; ++life) {
    append(late);
    append(late_first);
    append(next(third));
    pass(1000);
    kill();
    start();
    pass(1000);
  }
  EXPECT_EQ(stored.size(), 4u * 3);
  EXPECT_EQ(figure("consume_gaps_total"), 0);
  EXPECT_EQ(figure("consume_lost_samples_total"), 0);
  EXPECT_EQ(figure("consume_poisoned_total"), 0);
}

TEST_F(ConsumeTrouble, ATopicThatIsMadeAnewIsReadFromItsBeginning) {
  start();
  write_many(8);
  pass(1000);
  cluster.recreate("metrics");
  writers.clear();
  clk.advance_ms(10);
  write();
  pass(1000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(figure("consume_resets_total"), 1);
  EXPECT_EQ(doubled(), 0u);
  // While nobody looks, and with more records than before.
  kill();
  cluster.recreate("metrics");
  writers.clear();
  for (int i = 0; i < 12; ++i) {
    clk.advance_ms(10);
    write();
  }
  start();
  pass(1000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(figure("consume_resets_total"), 2);
  EXPECT_EQ(figure("consume_gaps_total"), 0);
}

TEST_F(ConsumeTrouble, ATopicWithFewerPartitionsAndOneThatLostItsEnd) {
  cluster.make("metrics", 3);
  block().from_beginning = false;
  start();
  pass(200);
  for (uint32_t p = 0; p < 3; ++p)
    write(p);
  pass(1000);
  cluster.make("metrics", 1);
  writers.clear();
  pass(1000);
  EXPECT_EQ(state().stretches.size(), 1u);
  clk.advance_ms(10);
  cluster.add_partitions("metrics", 1);
  write(1);
  write_many(4);
  pass(1000);
  EXPECT_EQ(stored, written);
  cluster.truncate("metrics", 0, 2);
  pass(1000);
  EXPECT_EQ(figure("consume_resets_total"), 4);
  EXPECT_EQ(on_disk().partitions.at(0).live.next, 2);
}

TEST_F(ConsumeTrouble, DamagedOffsetsBeginAnewLoudly) {
  block().from_beginning = false;
  start();
  pass(200);
  write();
  pass(1000);
  kill();
  disk.flip_bit("data/consume/east.offsets", 12, 3);
  write();
  start();
  pass(1000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(figure("consume_errors_total"), 1);
  EXPECT_EQ(on_disk().partitions.at(0).live.next, 2);
}

TEST_F(ConsumeTrouble, OffsetsThatCannotBeReadNowAreWaitedFor) {
  start();
  write();
  pass(1000);
  kill();
  disk.fail_nth(1, errc::io_error, true, support::op_read);
  start();
  pass(1000);
  write();
  EXPECT_EQ(doubled(), 0u);
  disk.clear_faults();
  pass(31'000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
}

TEST_F(ConsumeTrouble, ADiskThatIsFullStopsNothing) {
  start();
  pass(500);
  disk.fail_nth(1, errc::no_space, true);
  write();
  append("x");
  write();
  pass(3000);
  EXPECT_EQ(stored, written);
  EXPECT_GT(figure("consume_errors_total"), 0);
  EXPECT_EQ(figure("quarantine_dropped_records_total"), 1);
  disk.clear_faults();
  pass(1000);
  EXPECT_EQ(on_disk().partitions.at(0).live.next, 3);
}

TEST_F(FreshFirst, TheNewestIsStoredSoonWhileABacklogDrains) {
  segment_records = 200;
  cluster.records_a_poll = 50;
  const int64_t start_ms = clk.now_ms();
  write_many(5000, 1000);
  const timestamp_ms newest = clk.now_ms() - 1000;
  start();
  while (steps < 12 && !times.contains({in_record[{0, 4999}][0].first, newest}))
    step();
  EXPECT_LT(steps, 12u);
  ASSERT_TRUE(times.contains({in_record[{0, 4999}][0].first, newest}));
  EXPECT_LT(stored.size(), written.size() / 5);
  EXPECT_EQ(state().stretches.size(), 2u);
  EXPECT_GT(figure("consume_lag_seconds"), 4000);
  timestamp_ms before = start_ms;
  while (state().stretches.size() > 1 && steps < 1000) {
    if (steps % 10 == 0)
      write();
    const auto now = state().watermark.value_or(before);
    EXPECT_GE(now, before);
    EXPECT_LT(now, newest) << "as long as there is a backlog";
    before = now;
    pass(100);
  }
  pass(500);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
  EXPECT_GE(*state().watermark, newest);
  EXPECT_EQ(figure("consume_lag_records"), 0);
  EXPECT_FALSE(on_disk().partitions.at(0).backlog.has_value());
  // Another start goes on where both were.
  const auto at = on_disk();
  EXPECT_EQ(at.partitions.at(0).live.next, end_of());
}

TEST_F(FreshFirst, BothPlacesOutliveTheProcessAndAnotherOutage) {
  segment_records = 50;
  cluster.records_a_poll = 20;
  for (int outage = 0; outage < 4; ++outage) {
    write_many(400, 1000);
    start();
    pass(600);
    for (int i = 0; i < 5; ++i) {
      write();
      pass(100);
    }
    ASSERT_TRUE(on_disk().partitions.at(0).backlog.has_value());
    check_offsets();
    kill();
  }
  EXPECT_GE(on_disk().partitions.at(0).backlog->stored.size(), 1u);
  start();
  pass(20'000);
  EXPECT_EQ(stored, written);
  EXPECT_LT(doubled(), written.size() / 4) << "only what was not written down comes again";
  EXPECT_FALSE(on_disk().partitions.at(0).backlog.has_value());
}

TEST_F(FreshFirst, ABacklogThatIsGoneIsAGapAndEnds) {
  segment_records = 10;
  cluster.records_a_poll = 10;
  write_many(300, 1000);
  start();
  pass(500);
  ASSERT_EQ(state().stretches.size(), 2u);
  const int64_t at = state().stretches[0].next;
  cluster.trim("metrics", 0, 299);
  pass(1000);
  EXPECT_EQ(state().stretches.size(), 1u);
  EXPECT_EQ(figure("consume_gap_records_total"), static_cast<double>(299 - at));
  write();
  pass(200);
  EXPECT_EQ(figure("consume_lag_records"), 0);
}

TEST_F(FreshFirst, WithoutASecondClientOneReadsAll) {
  write_many(300, 1000);
  start();
  cluster.records_a_poll = 10;
  step();
  cluster.making = {errc::io_error, "no"};
  pass(10'000);
  EXPECT_EQ(stored, written);
}

TEST_F(ConsumeTrouble, OtherFormatsTellTheirNewestSample) {
  start();
  append(R"({"name":"up","labels":{"__name__":"up","job":"a"},"timestamp":"2023-11-14T22:13:20Z",)"
         R"("value":"1"})");
  pass(100);
  EXPECT_EQ(stored.size(), 1u);
  EXPECT_EQ(state().watermark, 1'700'000'000'000);
  pass(1000);
  EXPECT_EQ(state().watermark, 1'700'000'000'000);
  clk.advance_ms(120'000);
  step();
  EXPECT_FALSE(state().watermark.has_value()) << "nobody waits for a sender that is silent";
}

}  // namespace
}  // namespace troupe::topics
