// A partition of a topic: 50 hosts of node_exporter with 500 series each, scraped every 15 s, in
// records of half a second; a segment is 10 minutes. Records are written and read (without
// storing), and beside it stands remote write 1.0 with the same samples in each record.
#include "pipeline/bench/fleet.h"
#include "pipeline/http/snappy_encoder.h"
#include "pipeline/remote/write_encoder.h"
#include "pipeline/topics/record_reader.h"
#include "pipeline/topics/record_writer.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace troupe::topics {
namespace {

constexpr size_t hosts = 50, series = 500;
constexpr int64_t interval_ms = 15'000, record_ms = 500;
constexpr uint64_t segment_rows = 40, rows = 2 * segment_rows;
constexpr double samples = hosts * series * rows;

/// What one record holds; `key` where a segment begins.
struct content {
  std::vector<write_batch> batches;
  bool key = false;
};

std::vector<content> make_contents() {
  const auto recorded = bench::decompress_recording(bench::embedded_recording());
  bench::fleet fleet(*bench::make_recorded_profile(*recorded, series),
                     {.series = hosts * series, .rows = rows, .step_ms = interval_ms});
  std::vector<series_table_ptr> tables;
  for (uint64_t host = 0; host < hosts; ++host) {
    std::vector<labels> all;
    for (size_t i = 0; i < series; ++i)
      all.push_back(fleet.series_labels(host, i));
    tables.push_back(make_series_table("", std::move(all)));
  }
  std::map<int64_t, content> by_time;
  for (uint64_t row = 0; row < rows; ++row) {
    const auto values = fleet.next_row();
    for (uint64_t host = 0; host < hosts; ++host) {
      const timestamp_ms ts = fleet.time_of(host, row);
      write_batch b;
      b.group = host + 1;
      b.table = tables[host];
      for (uint32_t i = 0; i < series; ++i)
        b.floats.push_back({ts, values[host * series + i], i});
      by_time[ts / record_ms].batches.push_back(std::move(b));
    }
  }
  std::vector<content> out;
  constexpr int64_t segment_records = segment_rows * interval_ms / record_ms;
  int64_t segment = -1;
  for (auto& [time, c] : by_time) {
    c.key = time / segment_records != segment;
    segment = time / segment_records;
    out.push_back(std::move(c));
  }
  return out;
}

const std::vector<content>& contents() {
  static const auto all = make_contents();
  return all;
}

std::vector<std::string> write_records(uint64_t* memory = nullptr) {
  record_writer writer({.node = 1, .session = 1});
  std::vector<std::string> out;
  for (const auto& c : contents()) {
    if (c.key)
      writer.begin_segment();
    for (const auto& b : c.batches)
      if (!writer.add(b).ok())
        return {};
    out.push_back(writer.take(0, 0));
  }
  if (memory != nullptr)
    *memory = writer.memory_bytes();
  return out;
}

void report(benchmark::State& state, const std::vector<std::string>& records) {
  size_t bytes = 0;
  for (const auto& r : records)
    bytes += r.size();
  time_per(state, "sample", samples);
  state.counters["B/sample"] = static_cast<double>(bytes) / samples;
  state.counters["B/record"] = static_cast<double>(bytes) / static_cast<double>(records.size());
}

void write(benchmark::State& state) {
  contents();
  uint64_t memory = 0;
  std::vector<std::string> records;
  for (auto _ : state)
    records = write_records(&memory);
  if (records.empty())
    return state.SkipWithError("a batch was refused");
  report(state, records);
  state.counters["memory"] = static_cast<double>(memory);
}
BENCHMARK(write)->Unit(benchmark::kMillisecond);

void read(benchmark::State& state) {
  const auto records = write_records();
  uint64_t memory = 0;
  for (auto _ : state) {
    record_reader reader({});
    uint64_t got = 0;
    for (size_t i = 0; i < records.size(); ++i)
      got += reader.read(records[i], static_cast<int64_t>(i))->samples;
    if (static_cast<double>(got) != samples)
      return state.SkipWithError("samples are missing");
    memory = reader.memory_bytes();
  }
  report(state, records);
  state.counters["memory"] = static_cast<double>(memory);
}
BENCHMARK(read)->Unit(benchmark::kMillisecond);

/// What a segment's first round of all hosts takes of a segment, and what comes after it.
void parts(benchmark::State& state) {
  const auto records = write_records();
  size_t first = 0, later = 0, since_key = 0;
  for (auto _ : state)
    for (size_t i = 0; i < records.size(); ++i) {
      since_key = contents()[i].key ? 0 : since_key + 1;
      (since_key < interval_ms / record_ms ? first : later) += records[i].size();
    }
  const auto rounds = static_cast<double>(state.iterations());
  state.counters["first round, B/series"] =
      static_cast<double>(first) / (rounds * hosts * series * rows / segment_rows);
  state.counters["later, B/sample"] =
      static_cast<double>(later) / (rounds * samples * (segment_rows - 1) / segment_rows);
}
BENCHMARK(parts)->Iterations(1);

void remote_write(benchmark::State& state) {
  std::map<const series_table*, std::vector<std::string>> encoded;
  for (const auto& c : contents())
    for (const auto& b : c.batches)
      if (auto& all = encoded[b.table.get()]; all.empty())
        for (const auto& l : b.table->series)
          all.push_back(remote::encode_series_labels(l));
  std::vector<std::string> records(contents().size());
  for (auto _ : state)
    for (size_t i = 0; i < records.size(); ++i) {
      remote::write_encoder request;
      for (const auto& b : contents()[i].batches) {
        const auto& all = encoded[b.table.get()];
        for (const auto& e : b.floats)
          request.add(all[e.series], std::vector<sample>{{e.ts, e.value}});
      }
      http::snappy(request.request(), records[i]);
    }
  report(state, records);
}
BENCHMARK(remote_write)->Unit(benchmark::kMillisecond);

void remote_read(benchmark::State& state) {
  std::vector<std::string> records;
  for (const auto& c : contents()) {
    remote::write_encoder request;
    for (const auto& b : c.batches)
      for (const auto& e : b.floats)
        request.add(remote::encode_series_labels(b.table->series[e.series]),
                    std::vector<sample>{{e.ts, e.value}});
    http::snappy(request.request(), records.emplace_back());
  }
  for (auto _ : state) {
    record_reader reader({});
    uint64_t got = 0;
    for (size_t i = 0; i < records.size(); ++i)
      got += reader.read(records[i], static_cast<int64_t>(i))->samples;
    if (static_cast<double>(got) != samples)
      return state.SkipWithError("samples are missing");
  }
  report(state, records);
}
BENCHMARK(remote_read)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe::topics

BENCHMARK_MAIN();
