#include "tests/pipeline/replay/replay_kit.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace troupe::replay {

node_writer::node_writer(support::sim_kafka& to, std::string topic, uint32_t partition,
                         uint64_t node, size_t series)
    : to_(to),
      topic_(std::move(topic)),
      partition_(partition),
      writer_({.node = node, .session = 1}) {
  std::vector<labels> all;
  for (size_t i = 0; i < series; ++i)
    all.push_back(labels::from({{"__name__", "m"},
                                {"i", std::to_string(i)},
                                {"node", std::to_string(node)},
                                {"p", std::to_string(partition)}})
                      .packed());
  table_ = make_series_table("", std::move(all));
}

void node_writer::write(timestamp_ms ts, std::optional<timestamp_ms> sampled) {
  write_batch b;
  b.table = table_;
  b.group = 1;
  for (uint32_t i = 0; i < table_->series.size(); ++i) {
    const double value = static_cast<double>(written_.size()) + 0.5;
    const timestamp_ms at = sampled.value_or(ts);
    b.floats.push_back({at, value, i});
    written_[{series(i), at}] = value;
  }
  ASSERT_TRUE(writer_.add(b).ok());
  const int64_t offset = (*to_.find(topic_))[partition_].end();
  if (writer_.at_segment_start())
    key_offset_ = offset;
  to_.append(topic_, partition_, ts, writer_.take(key_offset_, sampled.value_or(ts)));
}

void node_writer::begin_segment() {
  writer_.begin_segment();
}

http::fetch_result answer(int code, std::string body, http::headers fields) {
  http::fetch_result out;
  out.code = code;
  out.body = std::move(body);
  out.header_fields = std::move(fields);
  if (code == 0)
    out.error = {errc::unavailable, "connection refused"};
  return out;
}

http::fetch_result receiver::write(remote::write_protocol protocol, const std::string& body) {
  clock_.advance_ms(takes_ms);
  if (fail)
    if (auto instead = fail(asked_++, protocol))
      return std::move(*instead);
  topics::record_reader reader({});
  const auto read = reader.read(body, 0);
  EXPECT_TRUE(read.ok());
  uint64_t floats = 0, hists = 0;
  for (const auto& b : read->batches) {
    for (const auto& f : b->floats) {
      if (!got.try_emplace({b->table->series[f.series].to_string(), f.ts}, f.value).second)
        ++doubled;
      if (floats++ == 0 && hists == 0)
        first_times.push_back(f.ts);
    }
    hists += b->histograms.size();
  }
  histograms += hists;
  requests.push_back({protocol, clock_.monotonic_ns(), floats + hists});
  http::headers fields;
  if (counts && protocol == remote::write_protocol::v2)
    fields = {{"X-Prometheus-Remote-Write-Samples-Written", std::to_string(floats)},
              {"X-Prometheus-Remote-Write-Histograms-Written", std::to_string(hists)}};
  return answer(204, "", std::move(fields));
}

replay_kit::replay_kit() {
  options.subject.topic = "metrics";
  options.samples_per_request = 10;
}

replay_report replay_kit::run(places done) {
  client::progress silent(nullptr, clk, "records");
  kept = done;
  return replay_topic(
      options,
      {kafka,
       [this](remote::write_protocol p, const std::string& body) { return to.write(p, body); }, clk,
       [this](int64_t ms) {
         clk.advance_ms(ms);
         while_waiting();
       },
       [this] { return stopped(); },
       [this](const places& at) {
         on_keep(at);
         kept = at;
         return status();
       },
       silent},
      std::move(done));
}

sample_map replay_kit::within(const sample_map& written, timestamp_ms from, timestamp_ms to) {
  sample_map out;
  for (const auto& [key, value] : written)
    if (key.second >= from && key.second < to)
      out[key] = value;
  return out;
}

}  // namespace troupe::replay
