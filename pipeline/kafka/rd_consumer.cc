#include "pipeline/kafka/rd_consumer.h"

#include "pipeline/kafka/rd_topic.h"
#include "storage/base/quote.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <map>

namespace troupe::kafka {
namespace {

// What a paused partition has fetched keeps whole answers of brokers in memory, with the records of
// other partitions: after a while it is let go, and fetched anew.
constexpr int64_t longest_held_ns = 1'000'000'000;
// A range that nobody reads at is asked for anew after this.
constexpr int64_t range_holds_ns = 5'000'000'000;
constexpr size_t record_bytes = 64;  // beside its payload

struct message_deleter {
  void operator()(rd_kafka_message_t* m) const { rd_kafka_message_destroy(m); }
};
using message_ptr = std::unique_ptr<rd_kafka_message_t, message_deleter>;

/// A partition. What librdkafka fetches for it ends in a queue that is made anew each time that
/// fetching begins, so nothing of before comes after.
struct lane {
  enum class fetch : uint8_t { none, records, range };

  bool wanted = false;  // started, and not stopped since
  int64_t next = 0;     // of what is handed out
  bool paused = false;
  int64_t paused_ns = 0;
  bool astray = false;  // the brokers have nothing at `next`; the range will tell
  fetch fetching = fetch::none;
  rd_queue queue;
  std::optional<offset_range> known;
  int64_t known_ns = 0;
};

class rd_consumer final : public consumer {
 public:
  explicit rd_consumer(const clock& time) : time_(time) {}
  ~rd_consumer() override;
  status open(rd_conf conf, const std::string& topic);

  uint32_t partitions() override { return topic_->partitions(); }
  std::optional<offset_range> range(uint32_t partition) override;
  status start(uint32_t partition, int64_t offset) override;
  void stop(uint32_t partition) override;
  void pause(uint32_t partition) override;
  void resume(uint32_t partition) override;
  fetched poll(size_t most_bytes) override;
  connection_state state() const override { return client_->state(); }

 private:
  status begin(uint32_t partition, lane& of, lane::fetch what);
  void end(uint32_t partition, lane& of);
  void let_go(uint32_t partition, lane& of);
  std::optional<offset_range> cached_range(uint32_t partition) const;
  void settle_range(uint32_t partition, lane& of);
  void find_way(uint32_t partition, lane& of, fetched& out);
  void read(uint32_t partition, lane& of, size_t most_bytes, size_t& bytes, fetched& out);
  void on_error(uint32_t partition, lane& of, const rd_kafka_message_t& message);

  const clock& time_;
  std::unique_ptr<rd_client> client_;
  std::unique_ptr<rd_topic> topic_;
  std::map<uint32_t, lane> lanes_;
  uint32_t first_ = 0;  // the partition that poll() begins with
};

status rd_consumer::open(rd_conf conf, const std::string& topic) {
  TROUPE_ASSIGN(client_, rd_client::make(rd_kind::consumer, std::move(conf), time_));
  TROUPE_ASSIGN(topic_, rd_topic::make(*client_, time_, {topic, 1, 0, false}));
  return ok_status();
}

rd_consumer::~rd_consumer() {
  for (auto& [partition, of] : lanes_)
    end(partition, of);
  topic_.reset();
  client_.reset();
}

// To find the range, fetching begins at the end: the first answer tells both marks. Until then the
// question where the end is may be under way, and librdkafka 2.0.2 would move whatever has begun
// meanwhile to that end when it is answered. So it goes on until it is settled.
status rd_consumer::begin(uint32_t partition, lane& of, lane::fetch what) {
  end(partition, of);
  of.queue.reset(rd_kafka_queue_new(client_->handle()));
  const int64_t from = what == lane::fetch::range ? RD_KAFKA_OFFSET_END : of.next;
  if (rd_kafka_consume_start_queue(topic_->handle(), static_cast<int32_t>(partition), from,
                                   of.queue.get()) != 0) {
    of.queue.reset();
    return error_of(rd_kafka_last_error());
  }
  of.fetching = what;
  return ok_status();
}

void rd_consumer::end(uint32_t partition, lane& of) {
  if (of.fetching == lane::fetch::none)
    return;
  rd_kafka_consume_stop(topic_->handle(), static_cast<int32_t>(partition));
  of.fetching = lane::fetch::none;
  of.queue.reset();
}

status rd_consumer::start(uint32_t partition, int64_t offset) {
  if (offset < 0 || partition > INT32_MAX)
    return {errc::invalid_argument, "no partition has such an offset"};
  if (const uint32_t count = topic_->known_partitions(); count != 0 && partition >= count)
    return {errc::not_found, "topic " + quoted(topic_->name()) + " has only " +
                                 std::to_string(count) + " partitions"};
  auto& of = lanes_[partition];
  of.wanted = true;
  of.next = offset;
  of.paused = of.astray = false;
  if (of.fetching == lane::fetch::range)
    return ok_status();
  if (auto s = begin(partition, of, lane::fetch::records); !s.ok()) {
    of.wanted = false;
    return s;
  }
  return ok_status();
}

void rd_consumer::stop(uint32_t partition) {
  const auto it = lanes_.find(partition);
  if (it == lanes_.end())
    return;
  if (it->second.fetching != lane::fetch::range)
    end(partition, it->second);
  it->second.wanted = false;
}

void rd_consumer::pause(uint32_t partition) {
  const auto it = lanes_.find(partition);
  if (it == lanes_.end() || !it->second.wanted || it->second.paused)
    return;
  it->second.paused = true;
  it->second.paused_ns = time_.monotonic_ns();
}

void rd_consumer::resume(uint32_t partition) {
  const auto it = lanes_.find(partition);
  if (it != lanes_.end())
    it->second.paused = false;
}

void rd_consumer::let_go(uint32_t partition, lane& of) {
  of.known = cached_range(partition);
  of.known_ns = time_.monotonic_ns();
  end(partition, of);
}

std::optional<offset_range> rd_consumer::cached_range(uint32_t partition) const {
  int64_t low = -1;
  int64_t high = -1;
  rd_kafka_get_watermark_offsets(client_->handle(), topic_->name().c_str(),
                                 static_cast<int32_t>(partition), &low, &high);
  if (high < 0)
    return std::nullopt;
  return offset_range{std::clamp<int64_t>(low, 0, high), high};
}

std::optional<offset_range> rd_consumer::range(uint32_t partition) {
  if (partition > INT32_MAX)
    return std::nullopt;
  client_->serve();
  auto& of = lanes_[partition];
  if (of.fetching == lane::fetch::records)
    return cached_range(partition);
  settle_range(partition, of);
  const bool fresh = of.known && time_.monotonic_ns() - of.known_ns < range_holds_ns;
  if (!fresh && of.fetching == lane::fetch::none)
    begin(partition, of, lane::fetch::range).ignore();
  // Where reading begins must not be decided by an old one; a paused partition only shows it.
  return fresh || of.wanted ? of.known : std::nullopt;
}

// Anything that comes of fetching at the end came with the marks.
void rd_consumer::settle_range(uint32_t partition, lane& of) {
  if (of.fetching != lane::fetch::range)
    return;
  while (const message_ptr message{rd_kafka_consume_queue(of.queue.get(), 0)}) {
    if (message->err != 0 && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      on_error(partition, of, *message);
      continue;
    }
    let_go(partition, of);
    client_->worked();
    return;
  }
}

// A partition with nothing at its offset goes on there if it has it after all (the answer may have
// been one to a question of before), and stops if it has not.
void rd_consumer::find_way(uint32_t partition, lane& of, fetched& out) {
  settle_range(partition, of);
  if (of.fetching == lane::fetch::range)
    return;
  if (!of.known) {
    begin(partition, of, lane::fetch::range).ignore();
    return;
  }
  of.astray = false;
  if (of.next >= of.known->first && of.next <= of.known->end)
    return;
  of.wanted = false;
  out.stopped.push_back(
      {partition, of.next,
       of.next < of.known->first ? offset_trouble::below_start : offset_trouble::beyond_end,
       of.known->first, of.known->end});
}

fetched rd_consumer::poll(size_t most_bytes) {
  client_->serve();
  fetched out;
  size_t bytes = 0;
  for (auto& [partition, of] : lanes_) {
    if (of.wanted && of.astray)
      find_way(partition, of, out);
    else if (of.paused && of.fetching == lane::fetch::records &&
             time_.monotonic_ns() - of.paused_ns > longest_held_ns)
      let_go(partition, of);
  }
  auto it = lanes_.lower_bound(first_);
  for (size_t i = 0; i < lanes_.size() && bytes < most_bytes; ++i, ++it) {
    if (it == lanes_.end())
      it = lanes_.begin();
    auto& [partition, of] = *it;
    if (!of.wanted || of.paused || of.astray)
      continue;
    settle_range(partition, of);
    if (of.fetching == lane::fetch::none)
      begin(partition, of, lane::fetch::records).ignore();
    read(partition, of, most_bytes, bytes, out);
    first_ = partition + 1;
  }
  return out;
}

void rd_consumer::read(uint32_t partition, lane& of, size_t most_bytes, size_t& bytes,
                       fetched& out) {
  while (of.fetching == lane::fetch::records && (bytes < most_bytes || out.records.empty())) {
    const message_ptr message(rd_kafka_consume_queue(of.queue.get(), 0));
    if (!message)
      return;
    if (message->err != 0) {
      on_error(partition, of, *message);
      continue;
    }
    // A batch is fetched as a whole, also from its middle.
    if (message->offset < of.next)
      continue;
    of.next = message->offset + 1;
    rd_kafka_timestamp_type_t type{};
    const int64_t ts = rd_kafka_message_timestamp(message.get(), &type);
    out.records.push_back({partition, message->offset, ts,
                           std::string(static_cast<const char*>(message->payload), message->len)});
    bytes += message->len + record_bytes;
    client_->worked();
  }
}

void rd_consumer::on_error(uint32_t partition, lane& of, const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      client_->worked();
      return;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      if (of.fetching == lane::fetch::records) {
        of.astray = true;
        of.known.reset();
        begin(partition, of, lane::fetch::range).ignore();
      }
      return;
    default:
      if (code_of(message.err) == errc::not_found)
        topic_->look_again();
      client_->failed(message.err, "partition " + std::to_string(partition) + ": " +
                                       rd_kafka_message_errstr(&message));
  }
}

}  // namespace

result<std::unique_ptr<consumer>> make_rd_consumer(rd_conf conf, const clock& time,
                                                   const std::string& topic) {
  auto made = std::make_unique<rd_consumer>(time);
  TROUPE_TRY(made->open(std::move(conf), topic));
  return std::unique_ptr<consumer>(std::move(made));
}

}  // namespace troupe::kafka
