#include "tests/pipeline/topics/consume_kit.h"

#include "tests/storage/wal/wal_kit.h"

namespace troupe::topics {

topic_writer::topic_writer(uint64_t node, uint32_t partition, size_t segment_records,
                           uint64_t session)
    : instance_(std::to_string(node) + "-" + std::to_string(partition)),
      segment_records_(segment_records),
      writer_(record_writer::place{node, session, 0, 1}) {}

std::string topic_writer::next(int64_t offset, timestamp_ms ts, size_t series) {
  if (series_.size() < series) {
    while (series_.size() < series)
      series_.push_back(storage::make_series(
          {{"__name__", "m" + std::to_string(series_.size())}, {"instance", instance_}}));
    table_ = storage::table_of(series_);
  }
  content_.clear();
  std::vector<double> values(series_.size());
  for (size_t i = 0; i < values.size(); ++i)
    content_[{series_[i].to_string(), ts}] = values[i] = value_++;
  if (records_ != 0 && records_ % segment_records_ == 0)
    writer_.begin_segment();
  EXPECT_TRUE(writer_.add(storage::simple_batch(table_, ts, values)).ok());
  ++records_;
  return take(offset, ts);
}

std::string topic_writer::mark(int64_t offset, timestamp_ms as_of) {
  content_.clear();
  return take(offset, as_of);
}

std::string topic_writer::take(int64_t offset, timestamp_ms as_of) {
  if (writer_.at_segment_start())
    key_offset_ = offset;
  return writer_.take(writer_.at_segment_start() ? -1 : key_offset_, as_of);
}

ConsumeTest::ConsumeTest() {
  conf.own.kafka.emplace_back().name = "main";
  config::consume_config c;
  c.name = "east";
  c.kafka = "main";
  c.topic = "metrics";
  conf.own.consume = {c};
  cluster.make("metrics", 1);
}

topic_writer& ConsumeTest::writer(uint32_t partition, uint64_t node) {
  return writers.try_emplace({partition, node}, node, partition, segment_records).first->second;
}

int64_t ConsumeTest::end_of(uint32_t partition) {
  return (*cluster.find("metrics"))[partition].end();
}

void ConsumeTest::write(uint32_t partition, int64_t ms_ago, size_t series) {
  write_as(1, partition, ms_ago, series);
}

void ConsumeTest::write_many(size_t n, int64_t ms, uint32_t partition) {
  for (size_t i = 0; i < n; ++i) {
    write(partition);
    clk.advance_ms(ms);
  }
}

void ConsumeTest::write_as(uint64_t node, uint32_t partition, int64_t ms_ago, size_t series) {
  const timestamp_ms ts = clk.now_ms() - ms_ago;
  auto& from = writer(partition, node);
  const int64_t at = end_of(partition);
  cluster.append("metrics", partition, ts, from.next(at, ts, series));
  for (const auto& [key, value] : from.content()) {
    written[key] = value;
    in_record[{partition, at}].push_back(key);
  }
}

void ConsumeTest::write_mark(uint32_t partition) {
  cluster.append("metrics", partition, clk.now_ms(),
                 writer(partition).mark(end_of(partition), clk.now_ms()));
}

int64_t ConsumeTest::append(std::string payload, uint32_t partition) {
  return cluster.append("metrics", partition, clk.now_ms(), std::move(payload));
}

void ConsumeTest::start() {
  consume_environment env;
  env.files = &disk;
  env.metrics = metrics.get();
  env.kafka = &cluster;
  env.folder = "data/consume";
  env.quarantine = "data/quarantine/kafka";
  switches = std::make_unique<stages::stage_switches>(*metrics);
  env.switches = switches.get();
  to = std::make_unique<consumers>(std::move(env));
  reload();
}

void ConsumeTest::kill() {
  to.reset();
  switches.reset();
  metrics = std::make_unique<registry>();
  unanswered.clear();
  disk.kill();
}

ingest::outcome ConsumeTest::store(const write_batch& b) {
  EXPECT_TRUE(b.taken_over);
  if (!refuse.ok())
    return {refuse, {}};
  for (const auto& f : b.floats) {
    const sample_key key{b.table->series[f.series].to_string(), f.ts};
    stored[key] = f.value;
    ++times[key];
    order.push_back(f.ts);
  }
  ingest::outcome out;
  out.report.accepted = b.sample_count();
  return out;
}

void ConsumeTest::step() {
  ++steps;
  for (const auto& d : to->step(clk.now_ms(), clk.monotonic_ns())) {
    if (!answers) {
      unanswered.push_back(d.token);
      continue;
    }
    std::vector<ingest::outcome> outcomes;
    for (const auto& b : d.batches)
      outcomes.push_back(store(*b));
    to->on_stored(d.token, outcomes, clk.now_ms(), clk.monotonic_ns());
  }
  for (auto& p : to->take_progress())
    progress.push_back(std::move(p));
}

void ConsumeTest::pass(int64_t ms, int64_t step_ms) {
  for (int64_t t = 0; t < ms; t += step_ms) {
    clk.advance_ms(step_ms);
    step();
  }
}

consume_offsets ConsumeTest::on_disk() {
  const auto got = load_offsets(disk, "data/consume/east.offsets");
  EXPECT_TRUE(got.ok()) << got.error().to_string();
  return got.ok() && *got ? **got : consume_offsets();
}

void ConsumeTest::check_offsets() {
  const auto all = on_disk();
  for (const auto& [at, keys] : in_record) {
    const auto& [partition, offset] = at;
    const auto place = all.partitions.find(partition);
    if (place == all.partitions.end())
      continue;
    const auto& live = place->second.live;
    const auto& backlog = place->second.backlog;
    bool says = offset < live.next;
    if (backlog && offset >= backlog->next && offset < *backlog->end) {
      says = false;
      for (const auto& s : backlog->stored)
        says = says || (offset >= s.first && offset < s.end);
    }
    for (const auto& key : keys)
      EXPECT_TRUE(!says || stored.contains(key)) << partition << ":" << offset;
  }
}

double ConsumeTest::figure(const std::string& name) {
  const std::string text = metrics->render();
  const size_t at = text.find("\ntroupe_kafka_" + name + "{consumption=\"east\"}");
  const size_t bare = text.find("\ntroupe_kafka_" + name + " ");
  const size_t found = at == std::string::npos ? bare : at;
  if (found == std::string::npos)
    return -1;
  const std::string line = text.substr(found + 1, text.find('\n', found + 1) - found - 1);
  return std::stod(line.substr(line.rfind(' ')));
}

size_t ConsumeTest::doubled() const {
  size_t out = 0;
  for (const auto& [key, n] : times)
    out += n > 1 ? 1 : 0;
  return out;
}

}  // namespace troupe::topics
