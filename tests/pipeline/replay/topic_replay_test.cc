// A topic of simulated nodes is replayed: what must arrive arrives, and nothing else does.
#include "tests/pipeline/replay/replay_kit.h"
#include "tests/support/remote_write_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace troupe::replay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// An hour of a record each second and new segments each `segment` records.
void fill(node_writer& of, int64_t seconds = 3600, int64_t segment = 60) {
  for (int64_t s = 0; s < seconds; ++s) {
    if (s > 0 && s % segment == 0)
      of.begin_segment();
    of.write(hour_zero + s * second);
  }
}

struct window_kit : replay_kit {
  explicit window_kit(uint32_t partitions = 1) {
    kafka.make("metrics", partitions);
    for (uint32_t p = 0; p < partitions; ++p)
      nodes.push_back(std::make_unique<node_writer>(kafka, "metrics", p, 7 + p, 3));
  }
  sample_map written(timestamp_ms from = min_time, timestamp_ms until = max_time) const {
    sample_map out;
    for (const auto& n : nodes)
      out.merge(within(n->written(), from, until));
    return out;
  }
  std::vector<std::unique_ptr<node_writer>> nodes;
};

TEST(topic_replay, all_of_a_topic_by_default) {
  window_kit k(2);
  fill(*k.nodes[0], 100);
  fill(*k.nodes[1], 50);
  const auto r = k.run();
  EXPECT_TRUE(r.failed.ok()) << r.failed.message();
  EXPECT_TRUE(r.is_whole());
  EXPECT_EQ(k.to.got, k.written());
  EXPECT_EQ(k.to.doubled, 0u);
  EXPECT_EQ(r.total.records, 150u);
  EXPECT_EQ(r.total.samples, 450u);
  EXPECT_EQ(r.total.written, 450u);
  EXPECT_EQ(r.total.series, 6u);
  EXPECT_EQ(r.total.first, hour_zero);
  EXPECT_EQ(r.total.last, hour_zero + 99 * second);
  EXPECT_EQ(r.partitions[1].counts.last, hour_zero + 49 * second);
  for (const auto& q : k.to.requests) {
    EXPECT_EQ(q.protocol, remote::write_protocol::v2);
    EXPECT_LE(q.samples, 10u);
  }
}

TEST(topic_replay, the_window_is_exact_wherever_it_lies) {
  window_kit k(2);
  for (const auto& n : k.nodes)
    fill(*n);
  k.options.slack_ms = minute;
  for (const int64_t from : {-100, 0, 1, 59, 60, 61, 1800, 3599, 3600, 5000})
    for (const int64_t length : {1, 59, 60, 300, 9000}) {
      k.options.subject.window = {hour_zero + from * second, hour_zero + (from + length) * second};
      k.to.got.clear();
      const auto r = k.run();
      ASSERT_TRUE(r.is_whole()) << r.failed.message();
      EXPECT_EQ(k.to.got, k.written(k.options.subject.window.from, k.options.subject.window.to))
          << from << " " << length;
      // What was read is about the window and the slack at both ends.
      EXPECT_LE(r.total.records, 2u * static_cast<uint64_t>(length + 121));
      EXPECT_EQ(r.total.samples, r.total.written + r.total.outside);
    }
}

TEST(topic_replay, half_a_window_is_open) {
  window_kit k;
  fill(*k.nodes[0], 600);
  k.options.slack_ms = 0;
  k.options.subject.window = {hour_zero + 300 * second, max_time};
  ASSERT_TRUE(k.run().is_whole());
  EXPECT_EQ(k.to.got, k.written(hour_zero + 300 * second));
  k.to.got.clear();
  k.options.subject.window = {min_time, hour_zero + 300 * second};
  ASSERT_TRUE(k.run().is_whole());
  EXPECT_EQ(k.to.got, k.written(min_time, hour_zero + 300 * second));
}

TEST(topic_replay, several_nodes_in_one_partition_are_all_understood) {
  replay_kit k;
  k.kafka.make("metrics", 1);
  std::vector<std::unique_ptr<node_writer>> nodes;
  for (uint64_t n = 1; n <= 3; ++n)
    nodes.push_back(std::make_unique<node_writer>(k.kafka, "metrics", 0, n, 2));
  sample_map written;
  for (int64_t s = 0; s < 600; ++s)
    for (size_t n = 0; n < nodes.size(); ++n) {
      // Segments of very different lengths, one over all of the topic.
      if (s > 0 && n > 0 && s % static_cast<int64_t>(40 * n) == 0)
        nodes[n]->begin_segment();
      nodes[n]->write(hour_zero + s * second);
    }
  for (const auto& n : nodes)
    written.insert(n->written().begin(), n->written().end());
  k.options.slack_ms = 5 * second;
  k.options.subject.window = {hour_zero + 450 * second, hour_zero + 500 * second};
  const auto r = k.run();
  ASSERT_TRUE(r.is_whole()) << r.failed.message();
  EXPECT_EQ(k.to.got,
            replay_kit::within(written, hour_zero + 450 * second, hour_zero + 500 * second));
  EXPECT_EQ(r.total.unreadable, 0u);
}

TEST(topic_replay, a_node_that_was_late_is_waited_for) {
  window_kit k;
  k.options.slack_ms = minute;
  k.options.subject.window = {hour_zero, hour_zero + 100 * second};
  node_writer late(k.kafka, "metrics", 0, 99, 1);
  for (int64_t s = 0; s < 100; ++s)
    k.nodes[0]->write(hour_zero + s * second);
  // It was cut off for an hour, and streams what it has while others go on.
  for (int64_t s = 0; s < 1000; ++s) {
    const timestamp_ms now = hour_zero + 2 * minute + s * second;
    k.nodes[0]->write(now);
    late.write(now, hour_zero + s * second / 2);
  }
  auto expected = k.written(hour_zero, hour_zero + 100 * second);
  const auto more = replay_kit::within(late.written(), hour_zero, hour_zero + 100 * second);
  expected.insert(more.begin(), more.end());
  const auto r = k.run();
  EXPECT_TRUE(r.is_whole());
  EXPECT_EQ(k.to.got, expected);
  EXPECT_LT(r.total.records, 600u);
}

TEST(topic_replay, partitions_advance_together_in_time) {
  window_kit k(3);
  for (const auto& n : k.nodes)
    fill(*n, 600);
  k.kafka.records_a_poll = 7;
  ASSERT_TRUE(k.run().is_whole());
  timestamp_ms newest = hour_zero;
  for (const auto t : k.to.first_times) {
    EXPECT_GE(t, newest - 5 * second);
    newest = std::max(newest, t);
  }
}

TEST(topic_replay, selectors_and_labels) {
  window_kit k;
  fill(*k.nodes[0], 20);
  k.options.rules.selectors = {{matcher::equal("i", "1")}};
  k.options.rules.labels = {{"region", "eu"}, {"node", "other"}};
  const auto r = k.run();
  EXPECT_TRUE(r.is_whole());
  EXPECT_EQ(r.total.written, 20u);
  for (const auto& [key, value] : k.to.got)
    EXPECT_EQ(key.first, "m{i=\"1\", node=\"7\", p=\"0\", region=\"eu\"}");
}

TEST(topic_replay, the_rate_is_kept) {
  window_kit k;
  fill(*k.nodes[0], 200);
  k.options.sender.rate = 100;
  k.to.takes_ms = 3;
  const int64_t begin = k.clk.monotonic_ns();
  ASSERT_TRUE(k.run().is_whole());
  const double seconds = static_cast<double>(k.clk.monotonic_ns() - begin) / 1e9;
  EXPECT_NEAR(seconds, 600.0 / 100, 0.3);
  for (size_t i = 1; i < k.to.requests.size(); ++i)
    EXPECT_NEAR(static_cast<double>(k.to.requests[i].at_ns - k.to.requests[i - 1].at_ns) / 1e6, 100,
                15);
}

TEST(topic_replay, a_dry_run_counts_and_writes_nothing) {
  window_kit k(2);
  for (const auto& n : k.nodes)
    fill(*n, 600);
  k.options.dry_run = true;
  k.options.slack_ms = second;
  k.options.subject.window = {hour_zero + 100 * second, hour_zero + 200 * second};
  const auto r = k.run();
  EXPECT_TRUE(r.is_whole());
  EXPECT_THAT(k.to.requests, IsEmpty());
  EXPECT_EQ(r.total.samples - r.total.outside, 600u);
  EXPECT_EQ(r.total.written, 0u);
  EXPECT_EQ(r.total.series, 6u);
  EXPECT_EQ(r.partitions[0].counts.series, 3u);
  EXPECT_EQ(r.total.first, hour_zero + 100 * second);
  EXPECT_EQ(r.total.last, hour_zero + 199 * second);
}

TEST(topic_replay, records_of_other_formats) {
  replay_kit k;
  k.kafka.make("metrics", 1);
  const auto series = labels::from({{"__name__", "up"}, {"a", "b"}});
  k.kafka.append("metrics", 0, hour_zero,
                 support::remote_write_body({{series, {{hour_zero, 1}, {hour_zero + 1, 2}}}}));
  support::write_v2_series v2;
  v2.lset = {{"__name__", "x"}};
  v2.samples = {{hour_zero + 5, 3, hour_zero - 5}};
  k.kafka.append("metrics", 0, hour_zero, support::snappy_block(support::write_v2_request({v2})));
  const auto r = k.run();
  EXPECT_TRUE(r.is_whole());
  EXPECT_THAT(k.to.got,
              ElementsAre(std::pair(std::pair(std::string("up{a=\"b\"}"), hour_zero), 1.0),
                          std::pair(std::pair(std::string("up{a=\"b\"}"), hour_zero + 1), 2.0),
                          std::pair(std::pair(std::string("x"), hour_zero + 5), 3.0)));
}

TEST(topic_replay, poisoned_records_are_passed_over_and_told) {
  window_kit k;
  fill(*k.nodes[0], 30, 1000);
  k.kafka.append("metrics", 0, hour_zero + 30 * second, "what is this?");
  for (int64_t s = 31; s < 40; ++s)
    k.nodes[0]->write(hour_zero + s * second);
  const auto r = k.run();
  EXPECT_TRUE(r.failed.ok());
  EXPECT_FALSE(r.is_whole());
  EXPECT_EQ(r.total.poisoned, 1u);
  EXPECT_THAT(r.first_unreadable, HasSubstr("partition 0, offset 30: "));
  EXPECT_EQ(k.to.got, k.written());
}

TEST(topic_replay, what_retention_removed_is_told) {
  window_kit k;
  fill(*k.nodes[0], 600);
  k.kafka.trim("metrics", 0, 90);
  k.options.slack_ms = 10 * second;
  k.options.subject.window = {hour_zero + 30 * second, hour_zero + 200 * second};
  const auto r = k.run();
  EXPECT_TRUE(r.failed.ok());
  EXPECT_FALSE(r.is_whole());
  EXPECT_EQ(r.total.gaps, 1u);
  EXPECT_THAT(r.notes, ElementsAre(HasSubstr("partition 0: records before offset 90 are gone")));
  // Those from 90 to 119 refer to a record that is gone.
  EXPECT_EQ(r.total.unreadable, 90u);
  EXPECT_EQ(k.to.got, k.written(hour_zero + 120 * second, hour_zero + 200 * second));
}

TEST(topic_replay, retention_that_overtakes_is_a_gap) {
  window_kit k;
  fill(*k.nodes[0], 600);
  k.kafka.records_a_poll = 10;
  k.to.fail = [&](uint64_t n, auto) {
    if (n == 5)
      k.kafka.trim("metrics", 0, 240);
    return std::nullopt;
  };
  const auto r = k.run();
  EXPECT_TRUE(r.failed.ok());
  EXPECT_EQ(r.total.gaps, 1u);
  EXPECT_THAT(r.notes, ElementsAre(HasSubstr("to 239 are gone")));
  EXPECT_EQ(k.within(k.to.got, hour_zero + 240 * second, max_time),
            k.written(hour_zero + 240 * second));
}

TEST(topic_replay, a_growing_topic_ends_where_it_ended_at_the_begin) {
  window_kit k;
  fill(*k.nodes[0], 100);
  int64_t s = 100;
  k.to.fail = [&](uint64_t, auto) {
    for (int i = 0; i < 20; ++i)
      k.nodes[0]->write(hour_zero + s++ * second);
    return std::nullopt;
  };
  const auto r = k.run();
  EXPECT_TRUE(r.is_whole());
  EXPECT_EQ(r.total.records, 100u);
  EXPECT_EQ(k.to.got, k.written(min_time, hour_zero + 100 * second));
}

TEST(topic_replay, an_empty_topic_is_nothing) {
  replay_kit k;
  k.kafka.make("metrics", 3);
  k.options.subject.window = {hour_zero, hour_zero + minute};
  const auto r = k.run();
  EXPECT_TRUE(r.is_whole()) << r.failed.message();
  EXPECT_EQ(r.partitions.size(), 3u);
  EXPECT_EQ(r.total.records, 0u);
  EXPECT_THAT(k.to.requests, IsEmpty());
}

TEST(topic_replay, a_missing_topic_is_an_error) {
  replay_kit k;
  const auto r = k.run();
  EXPECT_EQ(r.failed.code(), errc::not_found);
  EXPECT_EQ(r.failed.message(), "there is no topic \"metrics\"");
  EXPECT_FALSE(r.is_whole());
}

TEST(topic_replay, a_cluster_that_does_not_answer_is_an_error) {
  replay_kit k;
  k.kafka.reachable = false;
  EXPECT_EQ(k.run().failed.message(), "Kafka: all brokers are down");
  k.kafka.making = {errc::invalid_argument, "no such setting"};
  EXPECT_EQ(k.run().failed.message(), "no such setting");
}

TEST(topic_replay, a_cluster_that_comes_back_is_read_on) {
  window_kit k(2);
  for (const auto& n : k.nodes)
    fill(*n, 300);
  k.kafka.records_a_poll = 20;
  k.to.fail = [&](uint64_t n, auto) {
    if (n == 20)
      k.kafka.reachable = false;
    return std::nullopt;
  };
  int64_t waits = 0;
  k.while_waiting = [&] {
    if (++waits == 10'000)
      k.kafka.reachable = true;
  };
  const auto r = k.run();
  EXPECT_TRUE(r.is_whole()) << r.failed.message();
  EXPECT_EQ(k.to.got, k.written());
  EXPECT_GE(waits, 10'000);
}

TEST(topic_replay, a_cluster_that_stays_away_ends_the_run) {
  window_kit k;
  fill(*k.nodes[0], 300);
  k.kafka.records_a_poll = 20;
  k.to.fail = [&](uint64_t n, auto) {
    if (n == 20)
      k.kafka.reachable = false;
    return std::nullopt;
  };
  const auto r = k.run();
  EXPECT_EQ(r.failed.message(), "Kafka: all brokers are down");
  EXPECT_GT(k.kept[0].next, 0);
  k.kafka.reachable = true;
  EXPECT_TRUE(k.run(k.kept).is_whole());
  EXPECT_EQ(k.to.got, k.written());
}

TEST(topic_replay, a_topic_that_lost_its_end_is_an_error) {
  window_kit k;
  fill(*k.nodes[0], 100);
  ASSERT_TRUE(k.run().is_whole());
  EXPECT_EQ(k.kept[0], (partition_place{100, false}));
  k.kafka.recreate("metrics");
  const auto r = k.run(k.kept);
  EXPECT_THAT(std::string(r.failed.message()), HasSubstr("the topic was made anew"));
  EXPECT_EQ(k.kept[0].next, 100);
}

}  // namespace
}  // namespace troupe::replay
