#include "tests/pipeline/kafka/real_cluster.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace troupe::kafka {
namespace {

constexpr int admin_timeout_ms = 30'000;

int64_t available_kb() {
  std::ifstream in("/proc/meminfo");
  for (std::string key; in >> key;)
    if (int64_t kb = 0; key == "MemAvailable:" && in >> kb)
      return kb;
  return 0;
}

// The answer of an administrator's request, which is for one topic.
rd_kafka_resp_err_t answer_of(rd_kafka_queue_t* queue) {
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, admin_timeout_ms);
  rd_kafka_resp_err_t error = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  size_t count = 0;
  if (error == 0)
    if (const auto* made = rd_kafka_event_CreateTopics_result(event))
      error = rd_kafka_topic_result_error(rd_kafka_CreateTopics_result_topics(made, &count)[0]);
  if (error == 0)
    if (const auto* gone = rd_kafka_event_DeleteTopics_result(event))
      error = rd_kafka_topic_result_error(rd_kafka_DeleteTopics_result_topics(gone, &count)[0]);
  if (error == 0)
    if (const auto* less = rd_kafka_event_DeleteRecords_result(event))
      error = rd_kafka_DeleteRecords_result_offsets(less)->elems[0].err;
  if (event != nullptr)
    rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  return error;
}

}  // namespace

real_cluster::real_cluster() {
  constexpr int64_t enough_kb = 4 << 20;
  std::string name = "/tmp/troupe_kafka_XXXXXX";
  folder_ = mkdtemp(name.data());
  brokers_ = available_kb() > enough_kb ? 3 : 1;
  bootstrap_ = run("start " + std::to_string(brokers_));
  if (bootstrap_.empty()) {
    std::puts("skipped: scripts/kafka.sh has no Kafka (no network, or no java)");
    return;
  }
  char why[512];
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", bootstrap_.c_str(), why, sizeof why);
  rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why);
  admin_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
}

real_cluster::~real_cluster() {
  if (admin_ != nullptr)
    rd_kafka_destroy(admin_);
  run("stop");
  std::filesystem::remove_all(folder_);
}

// The last line of what it prints; "" when it fails.
std::string real_cluster::run(const std::string& arguments) const {
  // A broker that was killed may come back when its session has ended.
  const std::string command = fmt::format(
      "TROUPE_KAFKA_SETTINGS=broker.session.timeout.ms=4000 TROUPE_KAFKA_RUN={}/run "
      "{}/scripts/kafka.sh {}",
      folder_, TROUPE_SOURCE_DIR, arguments);
  FILE* out = popen(command.c_str(), "r");
  std::string line;
  std::string last;
  for (int c = 0; (c = std::fgetc(out)) != EOF;)
    if (c == '\n')
      last = std::exchange(line, {});
    else
      line.push_back(static_cast<char>(c));
  return pclose(out) == 0 ? last : "";
}

config::kafka_config real_cluster::settings() const {
  config::kafka_config out;
  out.name = "real";
  out.brokers = {bootstrap_};
  out.settings = {{"reconnect.backoff.max.ms", "500"}};
  return out;
}

void real_cluster::kill(int broker) const {
  run("kill " + std::to_string(broker));
}

void real_cluster::start_all() const {
  ASSERT_EQ(run("start"), bootstrap_);
}

void real_cluster::create(const std::string& topic, int partitions,
                          const std::map<std::string, std::string>& with) {
  char why[512];
  rd_kafka_NewTopic_t* wanted =
      rd_kafka_NewTopic_new(topic.c_str(), partitions, -1, why, sizeof why);
  for (const auto& [key, value] : with)
    rd_kafka_NewTopic_set_config(wanted, key.c_str(), value.c_str());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin_);
  rd_kafka_CreateTopics(admin_, &wanted, 1, nullptr, queue);
  rd_kafka_NewTopic_destroy(wanted);
  ASSERT_EQ(answer_of(queue), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void real_cluster::remove(const std::string& topic) {
  rd_kafka_DeleteTopic_t* gone = rd_kafka_DeleteTopic_new(topic.c_str());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin_);
  rd_kafka_DeleteTopics(admin_, &gone, 1, nullptr, queue);
  rd_kafka_DeleteTopic_destroy(gone);
  ASSERT_EQ(answer_of(queue), RD_KAFKA_RESP_ERR_NO_ERROR);
}

void real_cluster::remove_records(const std::string& topic, int partition, int64_t before) {
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(list, topic.c_str(), partition)->offset = before;
  rd_kafka_DeleteRecords_t* gone = rd_kafka_DeleteRecords_new(list);
  rd_kafka_topic_partition_list_destroy(list);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin_);
  rd_kafka_DeleteRecords(admin_, &gone, 1, nullptr, queue);
  rd_kafka_DeleteRecords_destroy(gone);
  ASSERT_EQ(answer_of(queue), RD_KAFKA_RESP_ERR_NO_ERROR);
}

}  // namespace troupe::kafka
