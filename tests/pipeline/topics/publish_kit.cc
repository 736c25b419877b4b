#include "tests/pipeline/topics/publish_kit.h"

#include "pipeline/topics/record_reader.h"
#include "storage/model/slot.h"
#include "storage/wal/checkpoint.h"

#include <algorithm>

namespace troupe::topics {
namespace {

class drop_all final : public storage::checkpoint_filter {
 public:
  bool keep_sample(const storage::wal_series&, timestamp_ms) override { return false; }
  bool keep_exemplar(const storage::wal_series&, timestamp_ms) override { return false; }
  bool keep_tombstone(std::string_view, const storage::tombstone_entry&) override { return false; }
  bool keep_metadata(std::string_view, const metadata_entry&) override { return false; }
};

void note_order(const write_batch& b, series_order& to) {
  for (const auto& f : b.floats)
    to[{b.tenant, b.table->series[f.series]}].push_back(f.ts);
}

void take(const write_batch& batch, topic_content& to) {
  write_batch b = batch;
  b.source_position.clear();
  storage::log_content one;
  one.add(b);
  to.samples += b.sample_count();
  for (const auto& [key, value] : one.samples) {
    const auto [at, is_new] = to.all.samples.try_emplace(key, value);
    EXPECT_EQ(at->second, value) << "another value than before";
  }
  to.all.exemplars.merge(one.exemplars);
  to.all.metadata.merge(one.metadata);
  note_order(b, to.order);
}

}  // namespace

PublishTest::PublishTest() {
  config::kafka_config k;
  k.name = "k";
  k.brokers = {"broker:9092"};
  conf.own.kafka = {k};
  config::publish_config c;
  c.name = "p";
  c.kafka = "k";
  c.topic = "t";
  c.partitions = 4;
  conf.own.publish = {c};
}

void PublishTest::start() {
  ASSERT_TRUE(log.start().ok());
  door = std::make_unique<storage::wal_door>(*log.dir);
  publisher_environment env;
  env.log = door.get();
  env.files = &log.fs;
  env.metrics = metrics.get();
  env.memory = memory.get();
  env.kafka = connector;
  env.described = [this] { return described; };
  env.folder = "data/publish";
  env.node = 7;
  switches = std::make_unique<stages::stage_switches>(*metrics);
  env.switches = switches.get();
  env.remote_write_keep_bytes = remote_write_keep_bytes;
  publisher = std::make_unique<topics::publisher>(options, env);
  apply();
}

void PublishTest::kill() {
  publisher.reset();
  door.reset();
  log.writer.reset();
  log.fs.kill();
}

void PublishTest::power_cut() {
  publisher.reset();
  door.reset();
  log.writer.reset();
  log.fs.crash();
}

void PublishTest::write(const write_batch& b) {
  ASSERT_TRUE(log.writer->append(b).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  write_batch without = b;
  without.source_position.clear();
  written.add(without);
  note_order(without, order);
}

void PublishTest::write(size_t batches) {
  for (size_t i = 0; i < batches; ++i)
    write(source.next());
}

void PublishTest::pass(int64_t ms) {
  for (int64_t t = 0; t < ms; t += 100) {
    log.clk.advance_ms(100);
    int busy = 0;
    while (publisher->step(log.clk.now_ms(), log.clk.monotonic_ns()))
      ASSERT_LT(++busy, 10'000);
  }
}

void PublishTest::condense() {
  ASSERT_TRUE(log.writer->cut().ok());
  drop_all filter;
  auto job = storage::checkpoint_writer::open(*log.dir, 0, log.writer->current_segment(), filter);
  ASSERT_TRUE(job.ok());
  ASSERT_TRUE(*(*job)->step(1 << 30));
  ASSERT_TRUE(log.dir->collect().ok());
}

double PublishTest::metric(const std::string& name, const std::string& label) {
  const std::string text = metrics->render();
  double sum = 0;
  size_t at = 0;
  while ((at = text.find("\ntroupe_kafka_publish_" + name + "{", at)) != std::string::npos) {
    ++at;
    const std::string line = text.substr(at, text.find('\n', at) - at);
    if (line.find(label) != std::string::npos)
      sum += std::stod(line.substr(line.rfind(' ')));
  }
  return sum;
}

topic_content PublishTest::read(const std::string& topic) {
  topic_content out;
  const auto* of = kafka.find(topic);
  if (of == nullptr)
    return out;
  out.headers.resize(of->size());
  for (uint32_t p = 0; p < of->size(); ++p) {
    record_reader reader({});
    int64_t offset = (*of)[p].first;
    for (const auto& r : (*of)[p].records) {
      auto got = reader.read(r.payload, offset++);
      EXPECT_TRUE(got.ok()) << got.error().to_string();
      if (!got.ok())
        continue;
      ++out.records;
      out.lost += got->lost;
      out.heartbeats += got->header && got->header->samples == 0;
      if (got->header)
        out.headers[p].push_back(*got->header);
      for (const auto& b : got->batches) {
        take(*b, out);
        for (const auto& f : b->floats)
          out.misplaced += slot_of(b->tenant, b->table->series[f.series]) % of->size() != p;
      }
    }
  }
  return out;
}

void PublishTest::each_batch(const std::string& topic,
                             const std::function<void(const write_batch&)>& f) {
  for (const auto& p : *kafka.find(topic)) {
    record_reader reader({});
    int64_t offset = p.first;
    for (const auto& r : p.records) {
      const auto got = reader.read(r.payload, offset++);
      ASSERT_TRUE(got.ok());
      for (const auto& b : got->batches)
        f(*b);
    }
  }
}

void PublishTest::expect_keys(const topic_content& got) {
  for (const auto& headers : got.headers)
    for (const auto& h : headers) {
      if (h.index == 0)
        continue;
      ASSERT_GE(h.key_offset, 0);
      ASSERT_LT(static_cast<size_t>(h.key_offset), headers.size());
      const auto& key = headers[static_cast<size_t>(h.key_offset)];
      EXPECT_EQ(key.index, 0u);
      EXPECT_EQ(key.segment, h.segment);
      EXPECT_EQ(key.session, h.session);
    }
}

void PublishTest::expect_all(const topic_content& got) {
  EXPECT_EQ(got.all.samples, written.samples);
  EXPECT_EQ(got.all.exemplars, written.exemplars);
  EXPECT_TRUE(std::includes(got.all.metadata.begin(), got.all.metadata.end(),
                            written.metadata.begin(), written.metadata.end()));
  EXPECT_EQ(got.lost, 0u);
}

}  // namespace troupe::topics
