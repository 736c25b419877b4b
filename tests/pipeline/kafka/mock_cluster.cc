#include "tests/pipeline/kafka/mock_cluster.h"

#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

namespace troupe::kafka {

mock_cluster::mock_cluster(int brokers) {
  char why[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
  client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
  cluster_ = rd_kafka_mock_cluster_new(client_, brokers);
}

mock_cluster::~mock_cluster() {
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(client_);
}

void mock_cluster::create(const std::string& topic, int partitions) {
  ASSERT_EQ(rd_kafka_mock_topic_create(cluster_, topic.c_str(), partitions, 1), 0);
}

void mock_cluster::hide(const std::string& topic) {
  rd_kafka_mock_topic_set_error(cluster_, topic.c_str(), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

void mock_cluster::show(const std::string& topic) {
  rd_kafka_mock_topic_set_error(cluster_, topic.c_str(), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void mock_cluster::all_down() {
  rd_kafka_mock_broker_set_down(cluster_, -1);
}

void mock_cluster::all_up() {
  rd_kafka_mock_broker_set_up(cluster_, -1);
}

void mock_cluster::delay(int ms) {
  rd_kafka_mock_broker_set_rtt(cluster_, 1, ms);
}

void mock_cluster::lead(const std::string& topic, int partition, int broker) {
  rd_kafka_mock_partition_set_leader(cluster_, topic.c_str(), partition, broker);
}

void mock_cluster::fail(int request, std::initializer_list<int> errors) {
  std::vector<rd_kafka_resp_err_t> all;
  for (const int e : errors)
    all.push_back(static_cast<rd_kafka_resp_err_t>(e));
  rd_kafka_mock_push_request_errors_array(cluster_, static_cast<int16_t>(request), all.size(),
                                          all.data());
}

config::kafka_config mock_cluster::settings() const {
  config::kafka_config out;
  out.name = "mock";
  out.brokers = {rd_kafka_mock_cluster_bootstraps(cluster_)};
  out.settings = {{"linger.ms", "5"},
                  {"fetch.wait.max.ms", "10"},
                  {"fetch.error.backoff.ms", "10"},
                  {"retry.backoff.ms", "10"},
                  {"reconnect.backoff.ms", "10"},
                  {"reconnect.backoff.max.ms", "50"}};
  return out;
}

kit::kit(int partitions, int brokers_count) : brokers(brokers_count) {
  brokers.create("t", partitions);
}

std::unique_ptr<producer> kit::make_producer() {
  auto made = connections->make_producer(settings, {.name = "t", .create = false});
  EXPECT_TRUE(made.ok()) << made.error().to_string();
  return made.ok() ? std::move(*made) : nullptr;
}

std::unique_ptr<consumer> kit::make_consumer() {
  auto made = connections->make_consumer(settings, "t");
  EXPECT_TRUE(made.ok()) << made.error().to_string();
  return made.ok() ? std::move(*made) : nullptr;
}

void kit::fill(uint32_t partition, const std::vector<std::string>& payloads) {
  const auto p = make_producer();
  for (const auto& payload : payloads)
    ASSERT_TRUE(p->produce({partition, payload, 1'700'000'000'000, 0}).ok());
  for (const auto& d : deliveries_of(*p, payloads.size()))
    ASSERT_TRUE(d.error.ok()) << d.error.to_string();
}

std::vector<delivery> deliveries_of(producer& p, size_t count) {
  std::vector<delivery> out;
  eventually([&] {
    for (auto& d : p.poll())
      out.push_back(std::move(d));
    return out.size() >= count;
  });
  EXPECT_EQ(out.size(), count) << p.state().last_error;
  return out;
}

std::vector<fetched_record> records_of(consumer& c, size_t count, size_t most_bytes) {
  std::vector<fetched_record> out;
  eventually([&] {
    auto got = c.poll(most_bytes);
    EXPECT_TRUE(got.stopped.empty());
    for (auto& r : got.records)
      out.push_back(std::move(r));
    return out.size() >= count;
  });
  EXPECT_EQ(out.size(), count) << c.state().last_error;
  return out;
}

stopped_partition stop_of(consumer& c) {
  std::vector<stopped_partition> out;
  EXPECT_TRUE(eventually([&] {
    auto got = c.poll(1 << 20);
    EXPECT_TRUE(got.records.empty());
    out = std::move(got.stopped);
    return !out.empty();
  }));
  EXPECT_EQ(out.size(), 1U);
  return out.empty() ? stopped_partition{} : out[0];
}

}  // namespace troupe::kafka
