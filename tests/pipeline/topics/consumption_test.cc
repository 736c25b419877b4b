// A topic into storage: whatever happens to the process, the disk, the storage and the topic, each
// sample that is in the topic is stored, and offsets are never ahead of that.
#include "tests/pipeline/topics/consume_kit.h"

#include <gmock/gmock.h>

namespace troupe::topics {
namespace {

using Consumption = ConsumeTest;
using testing::IsEmpty;
using testing::SizeIs;

TEST_F(Consumption, InQuietTimesEverySampleIsStoredOnceAndSoon) {
  cluster.make("metrics", 3);
  start();
  pass(500);
  for (int i = 0; i < 60; ++i) {
    for (uint32_t p = 0; p < 3; ++p)
      write(p, 0, 3 + static_cast<size_t>(i) / 20);
    pass(100);
    ASSERT_EQ(stored, written) << i;
  }
  EXPECT_EQ(doubled(), 0u);
  EXPECT_EQ(figure("consume_samples_total"), static_cast<double>(written.size()));
  EXPECT_EQ(figure("consume_records_total"), 180);
  EXPECT_EQ(figure("consume_lag_records"), 0);
  EXPECT_EQ(figure("consume_lag_seconds"), 0);
  EXPECT_EQ(figure("consume_up"), 1);
  EXPECT_EQ(figure("consume_gaps_total"), 0);
  EXPECT_EQ(figure("consume_errors_total"), 0);
  const auto newest = clk.now_ms() - 100;
  EXPECT_EQ(figure("consume_watermark_seconds"), static_cast<double>(newest) / 1000);
  EXPECT_EQ(progress.back(), std::pair(std::string("east"), newest));
  pass(1000);
  const auto before = stored;
  kill();
  start();
  pass(1000);
  EXPECT_EQ(doubled(), 0u) << "the places were written down";
}

TEST_F(Consumption, WhoWritesIsTold) {
  cluster.make("metrics", 2);
  start();
  write(0);
  write(1);
  pass(100);
  ASSERT_THAT(state().writers, SizeIs(1));
  EXPECT_EQ(state().writers[0].node, 1u);
  EXPECT_EQ(figure("consume_writers"), 1);
  const auto early = clk.now_ms();
  write_as(2, 1);
  pass(1000);
  write_as(2, 0);
  pass(100);
  ASSERT_THAT(state().writers, SizeIs(2));
  EXPECT_EQ(state().writers[1].node, 2u);
  EXPECT_EQ(state().writers[1].as_of, early) << "as far as it is in both partitions";
  EXPECT_EQ(figure("consume_writers"), 2);
  kill();
  start();
  pass(200);
  EXPECT_THAT(state().writers, SizeIs(2)) << "they are in the offsets' file";
  // The first one is gone; who took its place is alone within an hour.
  for (int i = 0; i < 61; ++i) {
    write_as(2, static_cast<uint32_t>(i) % 2);
    pass(60'000, 10'000);
  }
  write_as(2, 0);
  pass(100);
  EXPECT_THAT(state().writers, SizeIs(1));
  EXPECT_EQ(figure("consume_writers"), 1);
}

TEST_F(Consumption, TheWatermarkIsThatOfThePartitionThatIsBehindAndOfEveryWriter) {
  cluster.make("metrics", 2);
  start();
  write(0);
  pass(100);
  EXPECT_TRUE(state().watermark.has_value()) << "nobody has written into partition 1";
  const auto early = clk.now_ms();
  write(1);
  pass(1000);
  write(0);
  pass(100);
  EXPECT_EQ(state().watermark, early);
  write_mark(1);
  const auto late = clk.now_ms();
  pass(100);
  EXPECT_EQ(state().watermark, late - 100) << "of the last record of partition 0";
  write_as(2, 0);
  const auto of_second = clk.now_ms();
  for (int i = 0; i < 70; ++i) {
    clk.advance_ms(60'000);
    write(0);
    write_mark(1);
    pass(100);
    if (i < 50) {
      ASSERT_EQ(state().watermark, of_second) << i;
    }
  }
  EXPECT_EQ(state().watermark, clk.now_ms() - 100) << "the second writes no more";
}

class Deaths : public ConsumeTest, public testing::WithParamInterface<uint64_t> {};

TEST_P(Deaths, AllIsStoredAndOffsetsAreNeverAheadOfIt) {
  seeded_random random(GetParam());
  cluster.make("metrics", 2);
  segment_records = 3 + random.below(20);
  cluster.records_a_poll = 1 + random.below(40);
  start();
  for (int round = 0; round < 12; ++round) {
    const bool outage = random.below(4) == 0;
    for (uint64_t n = random.below(60); n > 0; --n) {
      write(static_cast<uint32_t>(random.below(2)), 0, 1 + random.below(6));
      if (random.below(6) == 0)
        write_as(2, static_cast<uint32_t>(random.below(2)));
      clk.advance_ms(outage ? 5'000 : 50);
      if (!outage && random.below(2) == 0)
        step();
    }
    answers = random.below(3) != 0;
    refuse = random.below(5) == 0 ? status(errc::unavailable, "replaying") : status();
    if (random.below(4) == 0)
      cluster.redeliver(random.below(30));
    pass(static_cast<int64_t>(random.below(30)) * 100);
    answers = true;
    refuse = {};
    if (random.below(2) == 0) {
      kill();
      if (random.below(3) == 0)
        disk.crash();
      check_offsets();
      start();
    }
  }
  // One that waits for an answer which was never given gets none.
  kill();
  start();
  for (int i = 0; i < 10 && stored.size() < written.size(); ++i)
    pass(30'000);
  EXPECT_TRUE(stored == written) << stored.size() << " of " << written.size();
  check_offsets();
  EXPECT_EQ(figure("consume_gaps_total"), 0);
  EXPECT_EQ(figure("consume_lost_samples_total"), 0);
  EXPECT_EQ(figure("consume_poisoned_total"), 0);
  EXPECT_EQ(figure("consume_lag_records"), 0);
}
INSTANTIATE_TEST_SUITE_P(Seeds, Deaths, testing::Range<uint64_t>(1, 61));

TEST_F(Consumption, WhatIsHandedOutTwiceIsStoredOnce) {
  start();
  for (int i = 0; i < 40; ++i) {
    write();
    if (i % 5 == 0)
      cluster.redeliver(7);
    pass(100);
  }
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
}

TEST_F(Consumption, NothingIsSkippedWhileStorageIsUnavailable) {
  start();
  write();
  pass(200);
  refuse = {errc::unavailable, "replaying"};
  for (int i = 0; i < 100; ++i) {
    write();
    pass(100);
  }
  EXPECT_THAT(stored, SizeIs(3));
  EXPECT_GT(figure("consume_errors_total"), 2);
  EXPECT_LT(figure("consume_errors_total"), 20);
  EXPECT_GT(figure("consume_lag_seconds"), 9);
  EXPECT_EQ(state().last_error, "cannot store: replaying");
  check_offsets();
  refuse = {};
  pass(6000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
  EXPECT_EQ(state().last_error, "");
}

TEST_F(Consumption, BatchesThatStorageNeverTakesDoNotBlock) {
  start();
  write();
  refuse = {errc::invalid_argument, "no such tenant"};
  pass(200);
  refuse = {};
  write();
  pass(200);
  EXPECT_EQ(stored.size(), written.size() - 3);
  EXPECT_EQ(figure("consume_poisoned_total"), 1);
  EXPECT_THAT(disk.files("data/quarantine/kafka/"), SizeIs(2));
}

TEST_F(Consumption, NoMoreIsFetchedThanIsStored) {
  answers = false;
  start();
  for (int i = 0; i < 300; ++i)
    write(0, 0, 3000);
  pass(2000);
  EXPECT_GT(figure("consume_bytes_total"), 1 << 20);
  const auto most = static_cast<double>(consumption::most_bytes + (1 << 20));
  EXPECT_LT(figure("consume_bytes_total"), most);
  EXPECT_THAT(unanswered, SizeIs(1));
}

TEST_F(Consumption, BeginsInTheMiddleWithWhatThatRefersTo) {
  block().from_beginning = false;
  for (int i = 0; i < 25; ++i) {
    write();
    clk.advance_ms(10);
  }
  const auto old = written;
  start();
  pass(200);
  EXPECT_THAT(stored, IsEmpty());
  for (int i = 0; i < 15; ++i) {
    write();
    pass(100);
  }
  for (const auto& [key, value] : old)
    written.erase(key);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
  EXPECT_EQ(figure("consume_lost_samples_total"), 0);
}

TEST_F(Consumption, PartitionsThatComeLaterAreReadFromTheirBeginning) {
  block().from_beginning = false;
  start();
  pass(200);
  cluster.add_partitions("metrics", 2);
  write(0);
  write(1);
  write(2);
  pass(200);
  EXPECT_EQ(stored, written);
  kill();
  cluster.add_partitions("metrics", 1);
  write(3);
  start();
  pass(200);
  EXPECT_EQ(stored, written);
}

TEST_F(Consumption, GoesOnWhenTheClusterAndTheTopicComeBack) {
  start();
  write();
  pass(1000);
  cluster.reachable = false;
  write();
  pass(20'000);
  EXPECT_EQ(figure("consume_up"), 0);
  EXPECT_GT(figure("consume_lag_seconds"), 19);
  EXPECT_EQ(state().last_error, "all brokers are down");
  cluster.reachable = true;
  pass(200);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(figure("consume_up"), 1);
}

TEST_F(Consumption, AClientThatCannotBeMadeIsTriedAgain) {
  cluster.making = {errc::io_error, "ca.pem: not found"};
  write();
  start();
  pass(29'000);
  EXPECT_EQ(figure("consume_errors_total"), 1);
  EXPECT_EQ(state().last_error, "ca.pem: not found");
  cluster.making = {};
  pass(2000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(state().last_error, "");
}

TEST_F(Consumption, AStopWritesDownWhatIsStored) {
  start();
  pass(1000);
  write();
  answers = false;
  pass(100);
  ASSERT_THAT(unanswered, SizeIs(1));
  to->stop();
  EXPECT_FALSE(to->idle());
  to->on_stored(unanswered[0], {ingest::outcome()}, clk.now_ms(), clk.monotonic_ns());
  EXPECT_TRUE(to->idle());
  write();
  step();
  EXPECT_TRUE(to->idle());
  EXPECT_EQ(on_disk().partitions.at(0).live.next, 1);
}

TEST_F(Consumption, AChangeOfTheConfigurationGoesOnUnderTheSameName) {
  start();
  write();
  pass(100);
  block().match = {"{__name__=\"m1\"}"};
  block().labels = {{"region", "east"}};
  reload();
  stored.clear();
  write();
  pass(100);
  ASSERT_THAT(stored, SizeIs(1));
  EXPECT_THAT(stored.begin()->first.first, testing::HasSubstr("region=\"east\""));
  // Another topic has other offsets.
  cluster.make("others", 1);
  block() = conf.own.consume.front();
  block().topic = "others";
  block().match.clear();
  reload();
  pass(100);
  EXPECT_EQ(on_disk().topic, "others");
  EXPECT_EQ(on_disk().partitions.at(0).live.next, 0);
  conf.own.consume.clear();
  reload();
  EXPECT_TRUE(to->empty());
  EXPECT_THAT(disk.files("data/consume"), IsEmpty());
}

TEST_F(Consumption, FilesOfCredentialsThatChangeMakeConnectionsAnew) {
  const auto put = [&](const std::string& text) {
    ASSERT_TRUE(write_file_atomically(disk, "kafka.pw", text).ok());
  };
  put("right");
  conf.own.kafka.front().sasl = {"PLAIN", "joe", secret(), "kafka.pw"};
  start();
  write();
  pass(6000);
  EXPECT_EQ(state().last_error, "");
  // Made anew it cannot be: so it was.
  cluster.making = {errc::invalid_argument, "made anew"};
  pass(6000);
  EXPECT_EQ(state().last_error, "");
  put("wrong");
  pass(6000);
  EXPECT_EQ(state().last_error, "made anew");
  cluster.making = {};
  put("right");
  reload();
  write();
  pass(1000);
  EXPECT_EQ(state().last_error, "");
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
}

TEST_F(Consumption, WithoutAClientBlocksAreAnError) {
  consume_environment env;
  env.files = &disk;
  env.metrics = metrics.get();
  env.folder = "data/consume";
  env.quarantine = "data/quarantine/kafka";
  to = std::make_unique<consumers>(std::move(env));
  reload();
  pass(1000);
  EXPECT_EQ(figure("consume_errors_total"), 1);
  EXPECT_EQ(figure("consume_up"), 0);
}

TEST_F(Consumption, APausedOneTakesNothingAndGoesOnByItself) {
  cluster.make("metrics", 2);
  start();
  write(0);
  write(1);
  pass(500);
  const auto until = state().watermark;
  const auto before = stored;
  pause(30'000);
  for (int i = 0; i < 29; ++i) {
    write(0);
    write(1);
    pass(1000);
    ASSERT_EQ(stored, before) << i;
  }
  EXPECT_TRUE(state().paused);
  EXPECT_FALSE(to->is_hungry());
  EXPECT_EQ(state().watermark, until) << "what is not here is not said to be";
  EXPECT_GE(figure("consume_lag_seconds"), 28);
  pass(2000);
  EXPECT_FALSE(state().paused);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
  EXPECT_EQ(figure("consume_lag_seconds"), 0);
  EXPECT_EQ(figure("consume_gaps_total"), 0);
}

TEST_F(Consumption, APausedOneTakesTheNewestFirstAfterLong) {
  cluster.make("metrics", 1);
  start();
  write();
  pass(500);
  pause(600'000);
  for (int i = 0; i < 300; ++i) {
    write();
    pass(1000);
  }
  const size_t before = order.size();
  EXPECT_TRUE(switches->resume(stages::stage::consume, "east", clk.monotonic_ns()));
  pass(1000);
  ASSERT_GT(order.size(), before);
  EXPECT_GE(order[before], clk.now_ms() - 3000) << "the newest";
  pass(5000);
  EXPECT_EQ(stored, written);
  EXPECT_EQ(doubled(), 0u);
}

TEST_F(Consumption, WhatIsBeingStoredWhenItIsPausedIsStored) {
  cluster.make("metrics", 1);
  start();
  pass(500);
  refuse = {errc::unavailable, "starting"};
  write();
  pass(100);
  pause(60'000);
  const auto under_way = written;
  write();
  pass(100);
  refuse = {};
  pass(10'000);
  EXPECT_EQ(stored, under_way);
  pass(60'000);
  EXPECT_EQ(stored, written);
}

TEST_F(Consumption, AStopDoesNotWaitForAPauseAndAStartHasNone) {
  cluster.make("metrics", 1);
  start();
  write();
  pass(500);
  pause(600'000);
  write();
  pass(500);
  to->stop();
  EXPECT_TRUE(to->idle());
  kill();
  start();
  pass(1000);
  EXPECT_EQ(stored, written);
}

}  // namespace
}  // namespace troupe::topics
