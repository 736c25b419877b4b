#include "pipeline/kafka/rd_producer.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <list>
#include <set>

namespace troupe::kafka {
namespace {

constexpr int longest_farewell_ms = 200;

class rd_producer final : public producer {
 public:
  /// A record until its delivery; librdkafka reads the payload where it is.
  struct in_flight {
    rd_producer* owner;
    std::list<in_flight>::iterator self;
    record what;
    status refused;  // not ok: librdkafka did not take it
  };

  explicit rd_producer(rd_producer_options options) : options_(std::move(options)) {}
  ~rd_producer() override;
  status open(rd_conf conf, const clock& time);

  uint32_t partitions() override { return topic_->partitions(); }
  status produce(record r) override;
  std::vector<delivery> poll() override;
  status broken() const override { return broken_; }
  connection_state state() const override { return client_->state(); }
  uint64_t queued_bytes() const override { return queued_bytes_; }

  void delivered(const in_flight& of, const rd_kafka_message_t& message);

 private:
  status outcome(const in_flight& of, rd_kafka_resp_err_t error);
  status outcome_alone(rd_kafka_resp_err_t error);
  rd_kafka_resp_err_t hand_over(in_flight& of);
  void refuse(in_flight& of, status why);
  void finish(const in_flight& of, delivery d);
  void check_fatal();
  void give_up_refused();

  rd_producer_options options_;
  std::list<in_flight> in_flight_;  // outlives the client, which reads it
  uint64_t queued_bytes_ = 0;
  size_t refused_ = 0;        // of those in flight
  uint64_t most_bytes_ = 0;   // of the queue
  uint64_t batch_bytes_ = 0;  // of a batch that has more than one record
  std::vector<delivery> delivered_;
  status broken_;
  std::unique_ptr<rd_client> client_;
  std::unique_ptr<rd_topic> topic_;
};

void on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  const auto& of = *static_cast<rd_producer::in_flight*>(message->_private);
  of.owner->delivered(of, *message);
}

status rd_producer::open(rd_conf conf, const clock& time) {
  rd_kafka_conf_set_dr_msg_cb(conf.get(), on_delivery);
  TROUPE_ASSIGN(client_, rd_client::make(rd_kind::producer, std::move(conf), time));
  const auto& set = *rd_kafka_conf(client_->handle());
  most_bytes_ = rd_number(set, "queue.buffering.max.kbytes") << 10;
  batch_bytes_ = options_.alone ? 0 : rd_number(set, "batch.size");
  TROUPE_ASSIGN(topic_, rd_topic::make(*client_, time, options_.topic));
  return ok_status();
}

rd_producer::~rd_producer() {
  if (!in_flight_.empty()) {
    rd_kafka_t* rk = client_->handle();
    rd_kafka_purge(
        rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_flush(rk, longest_farewell_ms);
  }
  topic_.reset();
  client_.reset();
}

status rd_producer::produce(record r) {
  if (!broken_.ok())
    return broken_;
  auto& of = in_flight_.emplace_back(in_flight{this, {}, std::move(r), {}});
  of.self = std::prev(in_flight_.end());
  queued_bytes_ += of.what.payload.size();
  if (of.what.payload.size() > most_bytes_) {
    refuse(of, {errc::invalid_argument, "the record is larger than the queue of its producer"});
    return ok_status();
  }
  const auto error = hand_over(of);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
    return ok_status();
  if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL && error != RD_KAFKA_RESP_ERR__FATAL) {
    refuse(of, outcome_alone(error));
    return ok_status();
  }
  queued_bytes_ -= of.what.payload.size();
  in_flight_.pop_back();
  check_fatal();
  return broken_.ok() ? error_of(error) : broken_;
}

rd_kafka_resp_err_t rd_producer::hand_over(in_flight& of) {
  std::array<rd_kafka_vu_t, 5> all{};
  all[0].vtype = RD_KAFKA_VTYPE_RKT;
  all[0].u.rkt = topic_->handle();
  all[1].vtype = RD_KAFKA_VTYPE_PARTITION;
  all[1].u.i32 = static_cast<int32_t>(of.what.partition);
  all[2].vtype = RD_KAFKA_VTYPE_VALUE;
  all[2].u.mem.ptr = of.what.payload.data();
  all[2].u.mem.size = of.what.payload.size();
  all[3].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  all[3].u.i64 = of.what.ts;
  all[4].vtype = RD_KAFKA_VTYPE_OPAQUE;
  all[4].u.ptr = &of;
  rd_kafka_error_t* error = rd_kafka_produceva(client_->handle(), all.data(), all.size());
  if (error == nullptr)
    return RD_KAFKA_RESP_ERR_NO_ERROR;
  const auto code = rd_kafka_error_code(error);
  rd_kafka_error_destroy(error);
  return code;
}

// Only its turn is kept: nobody needs the payload.
void rd_producer::refuse(in_flight& of, status why) {
  of.refused = std::move(why);
  ++refused_;
  queued_bytes_ -= of.what.payload.size();
  std::string().swap(of.what.payload);
}

// In its turn: after those of its partition that were before it.
void rd_producer::give_up_refused() {
  std::set<uint32_t> busy;
  for (auto it = in_flight_.begin(); it != in_flight_.end() && refused_ != 0;) {
    const auto of = it++;
    if (of->refused.ok() || busy.contains(of->what.partition))
      busy.insert(of->what.partition);
    else
      finish(*of, {of->what.partition, of->what.token, -1, of->refused});
  }
}

void rd_producer::finish(const in_flight& of, delivery d) {
  refused_ -= of.refused.ok() ? 0 : 1;
  queued_bytes_ -= of.what.payload.size();
  delivered_.push_back(std::move(d));
  in_flight_.erase(of.self);
}

std::vector<delivery> rd_producer::poll() {
  client_->serve();
  check_fatal();
  give_up_refused();
  return std::exchange(delivered_, {});
}

void rd_producer::delivered(const in_flight& of, const rd_kafka_message_t& message) {
  delivery d{of.what.partition, of.what.token, -1, outcome(of, message.err)};
  if (d.error.ok())
    d.offset = std::max<int64_t>(message.offset, -1);
  finish(of, std::move(d));
}

status rd_producer::outcome(const in_flight& of, rd_kafka_resp_err_t error) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    client_->worked();
    return ok_status();
  }
  const status failed = outcome_alone(error);
  // Any record of the batch may be the one that is to blame.
  if (failed.code() != errc::invalid_argument || of.what.payload.size() >= batch_bytes_)
    return failed;
  if (broken_.ok()) {
    broken_ = {errc::unavailable, "a broker refused a batch: " + std::string(failed.message())};
    options_.batch_refused();
  }
  return broken_;
}

status rd_producer::outcome_alone(rd_kafka_resp_err_t error) {
  client_->failed(error, "a record was not taken: " + std::string(rd_kafka_err2str(error)));
  const status failed = error_of(error);
  if (failed.code() == errc::not_found)
    topic_->look_again();
  return failed;
}

void rd_producer::check_fatal() {
  std::array<char, 512> text{};
  const auto error = rd_kafka_fatal_error(client_->handle(), text.data(), text.size());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR && broken_.ok())
    broken_ = error_of(error, text.data());
}

}  // namespace

result<std::unique_ptr<producer>> make_rd_producer(rd_conf conf, const clock& time,
                                                   rd_producer_options options) {
  auto made = std::make_unique<rd_producer>(std::move(options));
  TROUPE_TRY(made->open(std::move(conf), time));
  return std::unique_ptr<producer>(std::move(made));
}

}  // namespace troupe::kafka
