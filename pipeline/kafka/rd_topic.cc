#include "pipeline/kafka/rd_topic.h"

#include "storage/base/log.h"
#include "storage/base/quote.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>

namespace troupe::kafka {
namespace {

const logger kafka_log("kafka");
constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t look_while_unknown_ns = second_ns;
constexpr int64_t look_without_broker_ns = second_ns / 5;
constexpr int64_t look_while_known_ns = 60 * second_ns;
constexpr int64_t create_again_ns = 5 * second_ns;
constexpr int create_timeout_ms = 30'000;
constexpr int least_wait_ms = 50;
constexpr int most_wait_ms = 800;

struct event_deleter {
  void operator()(rd_kafka_event_t* e) const { rd_kafka_event_destroy(e); }
};
struct new_topic_deleter {
  void operator()(rd_kafka_NewTopic_t* t) const { rd_kafka_NewTopic_destroy(t); }
};
struct options_deleter {
  void operator()(rd_kafka_AdminOptions_t* o) const { rd_kafka_AdminOptions_destroy(o); }
};
struct metadata_deleter {
  void operator()(const rd_kafka_metadata_t* m) const { rd_kafka_metadata_destroy(m); }
};

}  // namespace

result<std::unique_ptr<rd_topic>> rd_topic::make(rd_client& client, const clock& time,
                                                 topic_options options) {
  std::unique_ptr<rd_topic> made(new rd_topic(client, time, std::move(options)));
  made->wait_ms_ = least_wait_ms;
  made->look_ns_ = made->create_ns_ = time.monotonic_ns();
  made->handle_.reset(rd_kafka_topic_new(client.handle(), made->name().c_str(), nullptr));
  if (made->handle_ == nullptr)
    return {errc::invalid_argument,
            "topic " + quoted(made->name()) + ": " + rd_kafka_err2str(rd_kafka_last_error())};
  return made;
}

uint32_t rd_topic::partitions() {
  client_.serve();
  if (answers_)
    take_creation();
  if (time_.monotonic_ns() >= look_ns_)
    look();
  return count_;
}

void rd_topic::look_again() {
  count_ = 0;
  look_ns_ = std::min(look_ns_, time_.monotonic_ns() + look_while_unknown_ns);
}

void rd_topic::look() {
  // Without a broker the call makes librdkafka connect to one, and returns at once.
  const int wait = client_.any_broker() ? wait_ms_ : 0;
  const rd_kafka_metadata_t* raw = nullptr;
  const auto error = rd_kafka_metadata(client_.handle(), 0, handle_.get(), &raw, wait);
  const std::unique_ptr<const rd_kafka_metadata_t, metadata_deleter> found(raw);
  if (error == RD_KAFKA_RESP_ERR__TIMED_OUT && wait != 0)
    wait_ms_ = std::min(2 * wait_ms_, most_wait_ms);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR && found->topic_cnt == 1) {
    const auto& topic = found->topics[0];
    wait_ms_ = least_wait_ms;
    if (topic.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      count_ = static_cast<uint32_t>(topic.partition_cnt);
      client_.worked();
    } else if (code_of(topic.err) == errc::not_found) {
      count_ = 0;
      client_.failed(topic.err, "topic " + quoted(name()) + " does not exist" + creation_error_);
      if (options_.create)
        create();
    } else {
      client_.failed(topic.err, "topic " + quoted(name()) + ": " + rd_kafka_err2str(topic.err));
    }
  }
  int64_t pause_ns = look_while_unknown_ns;
  if (wait == 0)
    pause_ns = look_without_broker_ns;
  else if (count_ != 0 && error == RD_KAFKA_RESP_ERR_NO_ERROR)
    pause_ns = look_while_known_ns;
  look_ns_ = time_.monotonic_ns() + pause_ns;
}

void rd_topic::create() {
  if (answers_ || time_.monotonic_ns() < create_ns_)
    return;
  create_ns_ = time_.monotonic_ns() + create_again_ns;
  std::array<char, 512> why{};
  const int replicas =
      options_.replication_factor == 0 ? -1 : static_cast<int>(options_.replication_factor);
  const std::unique_ptr<rd_kafka_NewTopic_t, new_topic_deleter> wanted(rd_kafka_NewTopic_new(
      name().c_str(), static_cast<int>(options_.partitions), replicas, why.data(), why.size()));
  if (!wanted) {
    creation_error_ = std::string(", and cannot be created: ") + why.data();
    return;
  }
  const std::unique_ptr<rd_kafka_AdminOptions_t, options_deleter> options(
      rd_kafka_AdminOptions_new(client_.handle(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_AdminOptions_set_request_timeout(options.get(), create_timeout_ms, why.data(),
                                            why.size());
  answers_.reset(rd_kafka_queue_new(client_.handle()));
  rd_kafka_NewTopic_t* list[] = {wanted.get()};
  rd_kafka_CreateTopics(client_.handle(), list, 1, options.get(), answers_.get());
}

void rd_topic::take_creation() {
  const std::unique_ptr<rd_kafka_event_t, event_deleter> event(
      rd_kafka_queue_poll(answers_.get(), 0));
  if (!event)
    return;
  rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  std::string why = error != 0 ? rd_kafka_event_error_string(event.get()) : "";
  if (const auto* all = rd_kafka_event_CreateTopics_result(event.get()); error == 0 && all) {
    size_t count = 0;
    const auto* const* topics = rd_kafka_CreateTopics_result_topics(all, &count);
    if (count == 1) {
      error = rd_kafka_topic_result_error(topics[0]);
      if (const char* text = rd_kafka_topic_result_error_string(topics[0]))
        why = text;
    }
  }
  answers_.reset();
  if (error != 0 && error != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    creation_error_ = ", and cannot be created: " + why;
    return;
  }
  creation_error_.clear();
  if (error == 0)
    kafka_log.info("created topic {} of {} partitions", name(), options_.partitions);
  look_ns_ = time_.monotonic_ns();
}

}  // namespace troupe::kafka
