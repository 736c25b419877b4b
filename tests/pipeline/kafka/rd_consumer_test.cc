#include "tests/pipeline/kafka/mock_cluster.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

namespace troupe::kafka {
namespace {

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> out;
  for (int i = from; i < to; ++i)
    out.push_back(std::to_string(i));
  return out;
}

std::vector<int64_t> offsets(const std::vector<fetched_record>& all, uint32_t partition) {
  std::vector<int64_t> out;
  for (const auto& r : all)
    if (r.partition == partition) {
      EXPECT_EQ(r.payload, std::to_string(r.offset));
      out.push_back(r.offset);
    }
  return out;
}

std::vector<int64_t> sequence(int64_t from, int64_t to) {
  std::vector<int64_t> out;
  for (int64_t i = from; i < to; ++i)
    out.push_back(i);
  return out;
}

TEST(RdConsumer, BeginsInTheMiddleOfABatch) {
  kit k;
  k.fill(0, numbered(0, 100));
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 42).ok());
  EXPECT_EQ(offsets(records_of(*c, 58), 0), sequence(42, 100));
  k.fill(0, numbered(100, 120));
  EXPECT_EQ(offsets(records_of(*c, 20), 0), sequence(100, 120));
  EXPECT_TRUE(c->state().up);
}

TEST(RdConsumer, MovesWithoutRecordsOfBefore) {
  kit k;
  k.fill(0, numbered(0, 300));
  const auto c = k.make_consumer();
  for (const int64_t from : {200, 10, 290, 0, 299, 150}) {
    ASSERT_TRUE(c->start(0, from).ok());
    EXPECT_EQ(offsets(records_of(*c, 1, 1), 0), sequence(from, from + 1));
  }
  EXPECT_EQ(offsets(records_of(*c, 149), 0), sequence(151, 300));
}

// A late answer to the question for the range once moved reading to the end, over all that lay
// between.
TEST(RdConsumer, NothingIsPassedOverWhenTheRangeWasAskedForBefore) {
  kit k;
  for (int i = 0; i < 10; ++i)
    k.fill(0, numbered(i, i + 1));  // each fetch has one of them
  const auto c = k.make_consumer();
  ASSERT_TRUE(eventually([&] { return c->partitions() == 1; }));
  k.brokers.delay(50);
  for (const int pause_ms : {0, 10, 20, 30, 40, 60}) {
    c->stop(0);
    // The question is not asked yet, on its way, or answered.
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(pause_ms);
    ASSERT_TRUE(eventually([&] {
      static_cast<void>(c->range(0));
      return std::chrono::steady_clock::now() >= until;
    }));
    ASSERT_TRUE(c->start(0, 2).ok());
    std::vector<fetched_record> got;
    while (got.empty() || got.back().offset < 9) {
      ASSERT_TRUE(eventually([&] {
        auto more = c->poll(1);
        std::move(more.records.begin(), more.records.end(), std::back_inserter(got));
        return !more.records.empty();
      })) << "after record "
          << (got.empty() ? 1 : got.back().offset);
    }
    EXPECT_EQ(offsets(got, 0), sequence(2, 10));
  }
}

TEST(RdConsumer, PartitionsAreIndependent) {
  kit k(3, 2);
  k.fill(0, numbered(0, 50));
  k.fill(1, numbered(0, 60));
  k.fill(2, numbered(0, 70));
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 5).ok());
  ASSERT_TRUE(c->start(2, 7).ok());
  auto got = records_of(*c, 45 + 63);
  EXPECT_EQ(offsets(got, 0), sequence(5, 50));
  EXPECT_EQ(offsets(got, 2), sequence(7, 70));
  c->stop(0);
  ASSERT_TRUE(c->start(1, 0).ok());
  k.fill(0, numbered(50, 51));
  k.fill(2, numbered(70, 71));
  got = records_of(*c, 61);
  EXPECT_EQ(offsets(got, 1), sequence(0, 60));
  EXPECT_EQ(offsets(got, 2), sequence(70, 71));
  ASSERT_TRUE(c->start(0, 50).ok());
  EXPECT_EQ(offsets(records_of(*c, 1), 0), sequence(50, 51));
}

TEST(RdConsumer, APausedPartitionWaits) {
  kit k(2);
  k.fill(0, numbered(0, 20));
  k.fill(1, numbered(0, 20));
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 0).ok());
  ASSERT_TRUE(c->start(1, 0).ok());
  c->pause(0);
  EXPECT_EQ(offsets(records_of(*c, 20), 1), sequence(0, 20));
  EXPECT_TRUE(c->poll(1 << 20).records.empty());
  c->resume(0);
  EXPECT_EQ(offsets(records_of(*c, 20), 0), sequence(0, 20));
}

// What it had fetched is let go after a second, and fetched again.
TEST(RdConsumer, APartitionThatIsPausedForLongGoesOnWhereItWas) {
  manual_clock time;
  kit k;
  k.fill(0, numbered(0, 20));
  const auto connections = make_rd_connector(time, *k.files);
  const auto c = std::move(*connections->make_consumer(k.settings, "t"));
  ASSERT_TRUE(c->start(0, 0).ok());
  EXPECT_EQ(offsets(records_of(*c, 1, 1), 0), sequence(0, 1));
  c->pause(0);
  for (int i = 0; i < 2; ++i) {
    time.advance_ms(1100);
    EXPECT_TRUE(c->poll(1 << 20).records.empty());
  }
  EXPECT_EQ(c->range(0)->end, 20);
  k.fill(0, numbered(20, 30));
  time.advance_ms(10'000);
  ASSERT_TRUE(eventually([&] { return c->range(0)->end == 30; }));
  EXPECT_TRUE(c->poll(1 << 20).records.empty());
  c->resume(0);
  EXPECT_EQ(offsets(records_of(*c, 29), 0), sequence(1, 30));
}

// Handed out are about as many bytes as were asked for, one record at least.
TEST(RdConsumer, HandsOutWithinTheBudget) {
  kit k(2);
  k.fill(0, std::vector<std::string>(20, std::string(1000, 'x')));
  k.fill(1, std::vector<std::string>(20, std::string(1000, 'x')));
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 0).ok());
  ASSERT_TRUE(c->start(1, 0).ok());
  size_t all = 0;
  bool seen[2] = {};
  ASSERT_TRUE(eventually([&] {
    const auto got = c->poll(all < 20 ? 1 : 5000);
    EXPECT_LE(got.records.size(), all < 20 ? 1U : 5U);
    for (const auto& r : got.records)
      seen[r.partition] = true;
    all += got.records.size();
    // Neither waits until the other is through.
    EXPECT_TRUE(all < 25 || (seen[0] && seen[1]));
    return all == 40;
  }));
}

TEST(RdConsumer, AnOffsetBeyondTheEndIsTold) {
  kit k(2);
  k.fill(0, numbered(0, 10));
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 11).ok());
  const auto s = stop_of(*c);
  EXPECT_EQ(s.partition, 0U);
  EXPECT_EQ(s.asked, 11);
  EXPECT_EQ(s.why, offset_trouble::beyond_end);
  EXPECT_EQ(s.first, 0);
  EXPECT_EQ(s.end, 10);
  k.fill(0, numbered(10, 20));
  EXPECT_TRUE(c->poll(1 << 20).records.empty());
  ASSERT_TRUE(c->start(0, 10).ok());
  EXPECT_EQ(offsets(records_of(*c, 10), 0), sequence(10, 20));
}

// The mock keeps 5 MB of a partition.
TEST(RdConsumer, AnOffsetThatIsGoneIsTold) {
  kit k;
  for (int i = 0; i < 8; ++i)
    k.fill(0, {std::string(900'000, static_cast<char>('a' + i))});
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 0).ok());
  const auto s = stop_of(*c);
  EXPECT_EQ(s.asked, 0);
  EXPECT_EQ(s.why, offset_trouble::below_start);
  EXPECT_GT(s.first, 0);
  EXPECT_EQ(s.end, 8);
  ASSERT_TRUE(c->start(0, s.first).ok());
  const auto got = records_of(*c, static_cast<size_t>(s.end - s.first));
  EXPECT_EQ(got.front().offset, s.first);
}

TEST(RdConsumer, AnAnswerThatIsNotTrueStopsNothing) {
  kit k;
  k.fill(0, numbered(0, 10));
  const auto c = k.make_consumer();
  k.brokers.fail(fetch_request, {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE});
  ASSERT_TRUE(c->start(0, 3).ok());
  EXPECT_EQ(offsets(records_of(*c, 7), 0), sequence(3, 10));
}

TEST(RdConsumer, TheRangeIsKnownBeforeAndAfterTheStart) {
  kit k(2);
  k.fill(1, numbered(0, 10));
  const auto c = k.make_consumer();
  std::optional<offset_range> r;
  ASSERT_TRUE(eventually([&] { return (r = c->range(1)).has_value(); }));
  EXPECT_EQ(r->first, 0);
  EXPECT_EQ(r->end, 10);
  ASSERT_TRUE(eventually([&] { return (r = c->range(0)).has_value(); }));
  EXPECT_EQ(r->end, 0);
  ASSERT_TRUE(c->start(1, 10).ok());
  k.fill(1, numbered(10, 15));
  EXPECT_EQ(offsets(records_of(*c, 5), 1), sequence(10, 15));
  EXPECT_EQ(c->range(1)->end, 15);
}

TEST(RdConsumer, KnowsItsPartitions) {
  kit k(5);
  const auto c = k.make_consumer();
  ASSERT_TRUE(eventually([&] { return c->partitions() == 5; }));
  EXPECT_EQ(c->start(5, 0).code(), errc::not_found);
  EXPECT_EQ(c->start(0, -1).code(), errc::invalid_argument);
}

TEST(RdConsumer, ATopicThatIsMissingHasNone) {
  kit k;
  k.brokers.create("missing", 2);
  k.brokers.hide("missing");
  auto c = std::move(*k.connections->make_consumer(k.settings, "missing"));
  ASSERT_TRUE(eventually([&] {
    EXPECT_EQ(c->partitions(), 0U);
    return c->state().last_error == "topic \"missing\" does not exist";
  }));
  k.brokers.show("missing");
  ASSERT_TRUE(eventually([&] { return c->partitions() == 2; }));
  EXPECT_EQ(c->state().last_error, "");
}

TEST(RdConsumer, AnOutageLosesAndDoublesNothing) {
  kit k(1, 3);
  k.fill(0, numbered(0, 500));
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 0).ok());
  auto got = records_of(*c, 100, 1);
  k.brokers.all_down();
  ASSERT_TRUE(eventually([&] {
    for (auto& r : c->poll(1).records)
      got.push_back(std::move(r));
    return !c->state().up;
  }));
  k.brokers.all_up();
  k.brokers.fail(fetch_request, {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                 RD_KAFKA_RESP_ERR__TRANSPORT, RD_KAFKA_RESP_ERR_UNKNOWN});
  for (auto& r : records_of(*c, 500 - got.size()))
    got.push_back(std::move(r));
  EXPECT_EQ(offsets(got, 0), sequence(0, 500));
}

TEST(RdConsumer, GoesQuicklyWithoutBrokers) {
  kit k;
  k.brokers.all_down();
  const auto began = std::chrono::steady_clock::now();
  {
    const auto c = k.make_consumer();
    ASSERT_TRUE(c->start(0, 0).ok());
    EXPECT_FALSE(c->range(1).has_value());
    EXPECT_EQ(c->partitions(), 0U);
    EXPECT_TRUE(c->poll(1 << 20).records.empty());
    c->stop(0);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

}  // namespace
}  // namespace troupe::kafka
