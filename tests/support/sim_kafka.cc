#include "tests/support/sim_kafka.h"

#include <algorithm>
#include <utility>

namespace troupe::support {

class sim_kafka::sim_producer final : public kafka::producer {
 public:
  sim_producer(sim_kafka& of, kafka::topic_options options)
      : of_(of), options_(std::move(options)), generation_(of.generation_) {}
  ~sim_producer() override {
    if (of_.reachable && broken().ok())
      of_.keep_sending(options_.name, std::move(waiting_));
  }

  uint32_t partitions() override {
    if (!of_.reachable || !broken().ok())
      return 0;
    if (topic* t = of_.find(options_.name))
      return static_cast<uint32_t>(t->size());
    if (!options_.create)
      return 0;
    if (!of_.creation.ok()) {
      last_error_ = std::string(of_.creation.message());
      return 0;
    }
    return static_cast<uint32_t>(of_.make(options_.name, options_.partitions).size());
  }

  status produce(kafka::record r) override {
    if (queued_bytes_ + r.payload.size() > of_.queue_bytes)
      return {errc::resource_exhausted, "the queue is full"};
    queued_bytes_ += r.payload.size();
    waiting_.push_back(std::move(r));
    return {};
  }

  std::vector<kafka::delivery> poll() override {
    std::vector<kafka::delivery> out;
    if (!of_.reachable || !broken().ok())
      return out;
    for (size_t n = 0; broken().ok() && !waiting_.empty() && n < of_.records_a_poll;)
      n += send_front() ? 1 : 0;
    for (; !unheard_.empty() && unheard_.front().after_poll <= polls_; unheard_.pop_front()) {
      queued_bytes_ -= unheard_.front().bytes;
      out.push_back(std::move(unheard_.front().what));
    }
    ++polls_;
    return out;
  }

  status broken() const override {
    if (generation_ != of_.generation_)
      return {errc::internal, "fenced"};
    return fatal_;
  }
  kafka::connection_state state() const override {
    return {of_.reachable, of_.reachable ? last_error_ : "all brokers are down"};
  }
  uint64_t queued_bytes() const override { return queued_bytes_; }

 private:
  struct unheard {
    kafka::delivery what;
    size_t bytes = 0;
    uint64_t after_poll = 0;
  };

  // False: nobody will hear of it.
  bool send_front() {
    kafka::record r = std::move(waiting_.front());
    waiting_.pop_front();
    const size_t bytes = r.payload.size();
    kafka::delivery d{r.partition, r.token, -1, of_.fate_of(options_.name, r)};
    if (d.error.ok())
      d.offset = of_.append(options_.name, r.partition, r.ts, std::move(r.payload));
    if (d.error.ok() && of_.append_then_break_ > 0) {
      if (--of_.append_then_break_ == 0)
        fatal_ = {errc::internal, "out of order sequence"};
      queued_bytes_ -= bytes;
      return false;
    }
    unheard_.push_back({std::move(d), bytes, polls_ + of_.delivery_polls});
    return true;
  }

  sim_kafka& of_;
  const kafka::topic_options options_;
  const uint64_t generation_;
  std::deque<kafka::record> waiting_;
  std::deque<unheard> unheard_;  ///< appended or refused
  uint64_t polls_ = 0;
  uint64_t queued_bytes_ = 0;
  status fatal_;
  std::string last_error_;
};

class sim_kafka::sim_consumer final : public kafka::consumer {
 public:
  sim_consumer(sim_kafka& of, std::string name) : of_(of), name_(std::move(name)) {}

  uint32_t partitions() override {
    const topic* t = of_.reachable ? of_.find(name_) : nullptr;
    return t ? static_cast<uint32_t>(t->size()) : 0;
  }
  std::optional<kafka::offset_range> range(uint32_t p) override {
    if (p >= partitions())
      return std::nullopt;
    const auto known = known_.find(p);
    return of_.stale_ranges && known != known_.end() ? known->second : now(p);
  }
  status start(uint32_t p, int64_t offset) override {
    reading_[p] = {offset, false};
    return {};
  }
  void stop(uint32_t p) override { reading_.erase(p); }
  void pause(uint32_t p) override { set_paused(p, true); }
  void resume(uint32_t p) override { set_paused(p, false); }

  kafka::fetched poll(size_t most_bytes) override {
    kafka::fetched out;
    if (partitions() == 0)
      return out;
    step_back();
    for (uint32_t p = 0; of_.stale_ranges && p < partitions(); ++p)
      known_[p] = now(p);
    size_t bytes = 0;
    std::vector<uint32_t> gone;
    for (auto& [p, at] : reading_) {
      if (at.paused || p >= partitions())
        continue;
      const partition& of = (*of_.find(name_))[p];
      if (at.next < of.first || at.next > of.end()) {
        out.stopped.push_back({p, at.next,
                               at.next < of.first ? kafka::offset_trouble::below_start
                                                  : kafka::offset_trouble::beyond_end,
                               of.first, of.end()});
        gone.push_back(p);
        continue;
      }
      for (; at.next < of.end() && out.records.size() < of_.records_a_poll &&
             (bytes < most_bytes || out.records.empty());
           ++at.next) {
        const stored_record& r = of.records[static_cast<size_t>(at.next - of.first)];
        if (of_.passed_over > 0) {
          --of_.passed_over;
          continue;
        }
        out.records.push_back({p, at.next, r.ts, r.payload});
        bytes += r.payload.size();
      }
    }
    for (const uint32_t p : gone)
      reading_.erase(p);
    return out;
  }

  kafka::connection_state state() const override {
    return {of_.reachable, of_.reachable ? "" : "all brokers are down"};
  }

 private:
  struct place {
    int64_t next = 0;
    bool paused = false;
  };

  kafka::offset_range now(uint32_t p) const {
    const partition& of = (*of_.find(name_))[p];
    return {of.first, of.end()};
  }
  void set_paused(uint32_t p, bool paused) {
    if (const auto at = reading_.find(p); at != reading_.end())
      at->second.paused = paused;
  }
  void step_back() {
    const auto n = static_cast<int64_t>(std::exchange(of_.redeliver_, 0));
    if (n == 0)
      return;
    for (auto& [p, at] : reading_)
      if (p < partitions())
        at.next = std::max((*of_.find(name_))[p].first, at.next - n);
  }

  sim_kafka& of_;
  const std::string name_;
  std::map<uint32_t, place> reading_;
  std::map<uint32_t, kafka::offset_range> known_;  ///< with stale_ranges
};

sim_kafka::topic* sim_kafka::find(const std::string& name) {
  const auto at = topics_.find(name);
  return at == topics_.end() ? nullptr : &at->second;
}

sim_kafka::topic& sim_kafka::make(const std::string& name, uint32_t partitions) {
  return topics_[name] = topic(partitions);
}

int64_t sim_kafka::append(const std::string& name, uint32_t p, timestamp_ms ts,
                          std::string payload) {
  partition& to = topics_.at(name).at(p);
  to.records.push_back({ts, std::move(payload)});
  return to.end() - 1;
}

status sim_kafka::fate_of(const std::string& name, const kafka::record& r) {
  if (!writing.ok())
    return writing;
  const topic* t = find(name);
  if (t == nullptr || r.partition >= t->size())
    return {errc::not_found, "unknown topic or partition"};
  if (r.payload.size() > largest_record)
    return {errc::invalid_argument, "the record is too large"};
  return {};
}

void sim_kafka::keep_sending(const std::string& name, std::deque<kafka::record> waiting) {
  for (size_t i = 0; i < std::min(stragglers, waiting.size()); ++i)
    on_their_way_.push_back({name, std::move(waiting[i])});
}

void sim_kafka::land() {
  for (auto& s : std::exchange(on_their_way_, {}))
    if (fate_of(s.topic, s.what).ok())
      append(s.topic, s.what.partition, s.what.ts, std::move(s.what.payload));
}

void sim_kafka::trim(const std::string& name, uint32_t p, int64_t offset) {
  partition& of = topics_.at(name).at(p);
  for (; of.first < offset && !of.records.empty(); ++of.first)
    of.records.pop_front();
}

void sim_kafka::truncate(const std::string& name, uint32_t p, int64_t end) {
  partition& of = topics_.at(name).at(p);
  while (of.end() > end && !of.records.empty())
    of.records.pop_back();
}

void sim_kafka::recreate(const std::string& name) {
  make(name, static_cast<uint32_t>(topics_.at(name).size()));
}

void sim_kafka::add_partitions(const std::string& name, uint32_t count) {
  topic& t = topics_.at(name);
  t.resize(t.size() + count);
}

result<std::unique_ptr<kafka::producer>> sim_kafka::make_producer(
    const config::kafka_config&, const kafka::topic_options& options) {
  if (!making.ok())
    return making;
  return std::unique_ptr<kafka::producer>(std::make_unique<sim_producer>(*this, options));
}

result<std::unique_ptr<kafka::consumer>> sim_kafka::make_consumer(const config::kafka_config&,
                                                                  const std::string& name) {
  if (!making.ok())
    return making;
  return std::unique_ptr<kafka::consumer>(std::make_unique<sim_consumer>(*this, name));
}

}  // namespace troupe::support
