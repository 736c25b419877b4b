// A replay over librdkafka, against brokers in this process: what is searched, learnt again and
// read comes as over the simulated cluster.
#include "tests/pipeline/kafka/mock_cluster.h"
#include "tests/pipeline/replay/replay_kit.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace troupe::replay {
namespace {

constexpr uint32_t partitions = 3;

void copy(support::sim_kafka& from, kafka::connector& to, const config::kafka_config& cluster) {
  const auto made = to.make_producer(cluster, {.name = "metrics", .create = false});
  ASSERT_TRUE(made.ok());
  auto& producer = **made;
  ASSERT_TRUE(kafka::eventually([&] { return producer.partitions() == partitions; }));
  size_t sent = 0, delivered = 0;
  for (uint32_t p = 0; p < partitions; ++p)
    for (const auto& r : (*from.find("metrics"))[p].records) {
      ASSERT_TRUE(producer.produce({p, r.payload, r.ts, sent++}).ok());
      delivered += producer.poll().size();
    }
  ASSERT_TRUE(kafka::eventually([&] { return (delivered += producer.poll().size()) == sent; }));
}

TEST(rd_replay, the_window_is_exact) {
  support::sim_kafka drawn_up;
  drawn_up.make("metrics", partitions);
  sample_map written;
  for (uint32_t p = 0; p < partitions; ++p) {
    node_writer n(drawn_up, "metrics", p, 7, 20);
    for (int64_t s = 0; s < 1000; ++s) {
      if (s > 0 && s % 250 == 0)
        n.begin_segment();
      n.write(hour_zero + s * second);
    }
    written.insert(n.written().begin(), n.written().end());
  }
  kafka::mock_cluster brokers;
  brokers.create("metrics", partitions);
  const system_clock time;
  const auto files = make_posix_file_system();
  const auto connections = kafka::make_rd_connector(time, *files);
  copy(drawn_up, *connections, brokers.settings());

  manual_clock receiver_time;
  receiver to(receiver_time);
  client::progress silent(nullptr, time, "records");
  replay_options o;
  o.cluster = brokers.settings();
  o.subject.topic = "metrics";
  o.subject.window = {hour_zero + 400 * second, hour_zero + 600 * second};
  o.slack_ms = 10 * second;
  const auto r =
      replay_topic(o,
                   {*connections,
                    [&](auto p, const std::string& body) { return to.write(p, body); },
                    time,
                    [](int64_t ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); },
                    [] { return false; },
                    {},
                    silent},
                   {});
  EXPECT_TRUE(r.is_whole()) << r.failed.message();
  EXPECT_EQ(to.got, replay_kit::within(written, o.subject.window.from, o.subject.window.to));
  EXPECT_EQ(to.doubled, 0u);
  EXPECT_LE(r.total.records, partitions * 222u);
}

}  // namespace
}  // namespace troupe::replay
