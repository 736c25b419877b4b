// The log's codec in memory: batches of a scrape target with 523 series to frames, and back; and a
// checkpoint of their log.
#include "storage/base/random.h"
#include "storage/wal/checkpoint.h"
#include "storage/wal/frame_encoder.h"
#include "storage/wal/stream_decoder.h"
#include "storage/wal/wal_report.h"
#include "storage/wal/wal_writer.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {
namespace {

constexpr uint32_t target_series = 523;
constexpr size_t rounds = 200;

/// What one target gives in `rounds` scrapes: a third counts, a third stands still, a third are
/// gauges with two decimals.
std::vector<write_batch> scrapes() {
  std::vector<labels> series;
  for (uint32_t i = 0; i < target_series; ++i)
    series.push_back(labels::from(
        {{"__name__", "m" + std::to_string(i)}, {"job", "node"}, {"instance", "host:9100"}}));
  write_batch b;
  b.group = 1;
  b.table = make_series_table("", std::move(series));
  seeded_random random(1);
  std::vector<write_batch> out;
  for (size_t round = 0; round < rounds; ++round) {
    b.floats.clear();
    for (uint32_t i = 0; i < target_series; ++i) {
      const double values[] = {static_cast<double>(i * 1000 + round * 150 + random.below(64)),
                               static_cast<double>(i),
                               static_cast<double>(random.below(10'000)) / 100};
      b.floats.push_back(
          {static_cast<timestamp_ms>(1'700'000'000'000 + round * 15'000), values[i % 3], i});
    }
    out.push_back(b);
  }
  return out;
}

void report(benchmark::State& state, size_t bytes) {
  const auto samples = static_cast<double>(rounds * target_series);
  time_per(state, "sample", samples);
  state.counters["B/sample"] = static_cast<double>(bytes) / samples;
}

void frame_encode(benchmark::State& state) {
  const auto batches = scrapes();
  encoded_frames out;
  for (auto _ : state) {
    frame_encoder encoder(frame_encoder::settings{});
    out.clear();
    for (const auto& b : batches) {
      encoder.append(b, {}, out).ignore();
      encoder.commit();
    }
    benchmark::DoNotOptimize(out.frames.data());
  }
  report(state, out.frames.size());
}
BENCHMARK(frame_encode);

void frame_decode(benchmark::State& state) {
  class counting final : public wal_sink {
   public:
    status apply(const wal_batch& batch) override {
      samples += batch.floats.size();
      return {};
    }
    size_t samples = 0;
  };
  encoded_frames frames;
  frame_encoder encoder(frame_encoder::settings{});
  for (const auto& b : scrapes()) {
    encoder.append(b, {}, frames).ignore();
    encoder.commit();
  }
  std::bitset<slot_count> slots;
  slots.set();
  for (auto _ : state) {
    wal_report damage;
    stream_decoder decoder(slots, damage);
    counting sink;
    frame f;
    for (std::string_view rest = frames.frames; !rest.empty(); rest.remove_prefix(f.length)) {
      if (check_frame(rest, f) != frame_state::intact)
        return state.SkipWithError("a frame does not hold");
      decoder.apply(f, sink).ignore();
    }
    if (sink.samples != rounds * target_series)
      return state.SkipWithError("samples are missing");
  }
  report(state, frames.frames.size());
}
BENCHMARK(frame_decode);

/// Everything is kept.
class whole_log final : public checkpoint_filter {
 public:
  bool keep_sample(const wal_series&, timestamp_ms) override { return true; }
  bool keep_exemplar(const wal_series&, timestamp_ms) override { return true; }
  bool keep_tombstone(std::string_view, const tombstone_entry&) override { return true; }
  bool keep_metadata(std::string_view, const metadata_entry&) override { return true; }
};

void log_checkpoint(benchmark::State& state) {
  const auto batches = scrapes();
  auto fs = make_posix_file_system();
  manual_clock clk;
  registry metrics;
  std::string path = "/tmp/troupe-bench-XXXXXX";
  wal_settings settings;
  settings.root = mkdtemp(path.data());
  settings.fs = fs.get();
  settings.clk = &clk;
  settings.metrics = &metrics;
  settings.sync = options::sync_mode::os;
  auto dir = *wal_directory::open(settings);
  auto writer = *wal_writer::open(*dir, 0);
  for (const auto& b : batches) {
    writer->append(b).ignore();
    writer->commit().ignore();
  }
  uint64_t kept = 0;
  for (auto _ : state) {
    // Each takes over the log before, or the checkpoint before, which is as long.
    state.PauseTiming();
    writer->cut().ignore();
    state.ResumeTiming();
    whole_log filter;
    auto job = *checkpoint_writer::open(*dir, 0, writer->current_segment(), filter);
    while (!*job->step(1u << 20)) {
    }
    kept += job->totals().samples_kept;
    benchmark::DoNotOptimize(dir->collect());
  }
  if (kept != state.iterations() * rounds * target_series)
    state.SkipWithError("samples are missing");
  time_per(state, "sample", static_cast<double>(rounds * target_series));
  fs->remove_all(settings.root).ignore();
}
BENCHMARK(log_checkpoint);

}  // namespace
}  // namespace troupe::storage

BENCHMARK_MAIN();
