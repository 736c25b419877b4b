#include "tests/pipeline/kafka/mock_cluster.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

namespace troupe::kafka {
namespace {

TEST(RdProducer, RecordsArriveAsTheyAreInOrder) {
  kit k;
  const auto p = k.make_producer();
  std::vector<std::string> payloads{std::string("\0\xff\n", 3), "", std::string(100'000, 'x')};
  for (int i = 0; i < 500; ++i)
    payloads.push_back("record " + std::to_string(i));
  for (size_t i = 0; i < payloads.size(); ++i)
    ASSERT_TRUE(
        p->produce({0, payloads[i], 1'700'000'000'000 + static_cast<int64_t>(i), 1000 + i}).ok());
  EXPECT_GT(p->queued_bytes(), 100'000U);
  const auto done = deliveries_of(*p, payloads.size());
  EXPECT_EQ(p->queued_bytes(), 0U);
  for (size_t i = 0; i < done.size(); ++i) {
    EXPECT_TRUE(done[i].error.ok());
    EXPECT_EQ(done[i].token, 1000 + i);
    EXPECT_EQ(done[i].offset, static_cast<int64_t>(i));
  }
  EXPECT_TRUE(p->state().up);
  EXPECT_TRUE(p->broken().ok());

  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 0).ok());
  const auto got = records_of(*c, payloads.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].payload, payloads[i]);
    EXPECT_EQ(got[i].offset, static_cast<int64_t>(i));
    EXPECT_EQ(got[i].ts, 1'700'000'000'000 + static_cast<int64_t>(i));
  }
}

TEST(RdProducer, KnowsItsPartitions) {
  kit k(7);
  const auto p = k.make_producer();
  EXPECT_TRUE(eventually([&] { return p->partitions() != 0; }));
  EXPECT_EQ(p->partitions(), 7U);
}

TEST(RdProducer, SeesATopicThatIsMadeLater) {
  kit k;
  k.brokers.create("later", 3);
  k.brokers.hide("later");
  auto p = std::move(*k.connections->make_producer(k.settings, {.name = "later"}));
  // The mock knows no CreateTopics.
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(p->partitions(), 0U);
    return p->state().last_error == "topic \"later\" does not exist";
  }));
  k.brokers.show("later");
  EXPECT_TRUE(eventually([&] { return p->partitions() == 3; }));
  EXPECT_EQ(p->state().last_error, "");
}

TEST(RdProducer, AFullQueueTakesMoreAfterDeliveries) {
  kit k;
  k.settings.settings["queue.buffering.max.kbytes"] = "100";
  const auto p = k.make_producer();
  k.brokers.all_down();
  const std::string payload(10 << 10, 'x');
  uint64_t taken = 0;
  status s;
  while ((s = p->produce({0, payload, 0, taken})).ok())
    ++taken;
  EXPECT_EQ(s.code(), errc::resource_exhausted);
  EXPECT_EQ(taken, 10U);
  EXPECT_EQ(p->queued_bytes(), 100U << 10);
  k.brokers.all_up();
  EXPECT_EQ(deliveries_of(*p, taken).back().token, taken - 1);
  EXPECT_TRUE(p->produce({0, payload, 0, taken}).ok());
  EXPECT_EQ(deliveries_of(*p, 1)[0].token, taken);
}

TEST(RdProducer, AnOutageLosesAndDoublesNothing) {
  kit k(1, 3);
  const auto p = k.make_producer();
  std::vector<delivery> done;
  const auto poll = [&] {
    for (auto& d : p->poll())
      done.push_back(std::move(d));
  };
  uint64_t next = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i, ++next) {
      ASSERT_TRUE(p->produce({0, std::to_string(next), 0, next}).ok());
      if (i == 100)
        k.brokers.all_down();
      poll();
    }
    ASSERT_TRUE(eventually([&] {
      poll();
      return !p->state().up && !p->state().last_error.empty();
    }));
    k.brokers.all_up();
    ASSERT_TRUE(eventually([&] {
      poll();
      return done.size() == next;
    }));
  }
  EXPECT_TRUE(eventually([&] { return p->state().up; }));
  for (uint64_t i = 0; i < next; ++i) {
    EXPECT_TRUE(done[i].error.ok());
    EXPECT_EQ(done[i].token, i);
  }
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 0).ok());
  const auto got = records_of(*c, next);
  for (uint64_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i].payload, std::to_string(i));
}

TEST(RdProducer, WhatPassesIsTriedAgain) {
  kit k(1, 2);
  const auto p = k.make_producer();
  k.brokers.fail(produce_request,
                 {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR__TRANSPORT,
                  RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT});
  for (uint64_t i = 0; i < 50; ++i)
    ASSERT_TRUE(p->produce({0, std::to_string(i), 0, i}).ok());
  k.brokers.lead("t", 0, 2);
  const auto done = deliveries_of(*p, 50);
  for (size_t i = 0; i < done.size(); ++i) {
    EXPECT_TRUE(done[i].error.ok()) << done[i].error.to_string();
    EXPECT_EQ(done[i].token, i);
  }
  const auto c = k.make_consumer();
  ASSERT_TRUE(c->start(0, 0).ok());
  const auto got = records_of(*c, 50);
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(got[i].payload, std::to_string(i));
}

// By librdkafka (message.max.bytes), by its queue: told in its turn.
TEST(RdProducer, ARecordThatIsTooLargeIsGivenUpInItsTurn) {
  kit k;
  const std::string large(2'000'000, 'x');
  for (const bool queue : {false, true}) {
    if (queue)
      k.settings.settings.insert({{"message.max.bytes", "200000000"},
                                  {"receive.message.max.bytes", "300000000"},
                                  {"queue.buffering.max.kbytes", "1000"}});
    const auto p = k.make_producer();
    k.brokers.all_down();
    ASSERT_TRUE(p->produce({0, "before", 0, 1}).ok());
    ASSERT_TRUE(p->produce({0, large, 0, 2}).ok());
    ASSERT_TRUE(p->produce({0, "after", 0, 3}).ok());
    EXPECT_TRUE(p->poll().empty());
    EXPECT_EQ(p->queued_bytes(), 11U);
    k.brokers.all_up();
    const auto done = deliveries_of(*p, 3);
    std::map<uint64_t, errc> codes;
    for (const auto& d : done)
      codes[d.token] = d.error.code();
    EXPECT_EQ(codes, (std::map<uint64_t, errc>{
                         {1, errc::ok}, {2, errc::invalid_argument}, {3, errc::ok}}));
    EXPECT_EQ(done[0].token, 1U);
    EXPECT_EQ(p->queued_bytes(), 0U);
    EXPECT_TRUE(p->broken().ok());
  }
}

// Which record of a batch it was the broker does not say: none may be given up for it.
TEST(RdProducer, ABatchThatIsTooLargeIsSentAgainOneByOne) {
  kit k;
  auto p = k.make_producer();
  k.brokers.fail(produce_request, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  ASSERT_TRUE(p->produce({0, "a", 0, 1}).ok());
  EXPECT_EQ(deliveries_of(*p, 1)[0].error.code(), errc::unavailable);
  EXPECT_FALSE(p->broken().ok());
  EXPECT_FALSE(p->produce({0, "b", 0, 2}).ok());

  p = k.make_producer();
  k.brokers.fail(produce_request, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  for (uint64_t i = 0; i < 3; ++i)
    ASSERT_TRUE(p->produce({0, "a", 0, i}).ok());
  const auto done = deliveries_of(*p, 3);
  EXPECT_EQ(done[0].error.code(), errc::invalid_argument);
  EXPECT_TRUE(done[1].error.ok());
  EXPECT_TRUE(done[2].error.ok());
  EXPECT_TRUE(p->broken().ok());
}

TEST(RdProducer, ErrorsOfDeliveriesAreTold) {
  kit k;
  const auto p = k.make_producer();
  k.brokers.fail(produce_request, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  ASSERT_TRUE(p->produce({0, "a", 0, 1}).ok());
  EXPECT_EQ(deliveries_of(*p, 1)[0].error.code(), errc::permission_denied);
  EXPECT_NE(p->state().last_error, "");
  EXPECT_TRUE(p->broken().ok());
}

TEST(RdProducer, APartitionThatIsNotThereIsNotFound) {
  kit k(2);
  const auto p = k.make_producer();
  ASSERT_TRUE(eventually([&] { return p->partitions() == 2; }));
  ASSERT_TRUE(p->produce({2, "a", 0, 1}).ok());
  EXPECT_EQ(deliveries_of(*p, 1)[0].error.code(), errc::not_found);
}

TEST(RdProducer, AFatalErrorBreaksIt) {
  kit k;
  const auto p = k.make_producer();
  ASSERT_TRUE(p->produce({0, "a", 0, 1}).ok());
  EXPECT_TRUE(deliveries_of(*p, 1)[0].error.ok());
  k.brokers.fail(produce_request, {RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER});
  ASSERT_TRUE(p->produce({0, "b", 0, 2}).ok());
  ASSERT_TRUE(eventually([&] {
    p->poll();
    return !p->broken().ok();
  }));
  EXPECT_EQ(p->produce({0, "c", 0, 3}).code(), errc::unavailable);
  const auto next = k.make_producer();
  ASSERT_TRUE(next->produce({0, "b", 0, 2}).ok());
  EXPECT_TRUE(deliveries_of(*next, 1)[0].error.ok());
}

TEST(RdProducer, GoesQuicklyWithoutBrokers) {
  kit k;
  k.brokers.all_down();
  const auto began = std::chrono::steady_clock::now();
  {
    const auto p = k.make_producer();
    for (uint64_t i = 0; i < 100; ++i)
      ASSERT_TRUE(p->produce({0, "a", 0, i}).ok());
    EXPECT_EQ(p->partitions(), 0U);
    EXPECT_FALSE(p->state().up);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
}

}  // namespace
}  // namespace troupe::kafka
