// Remote write from the protobuf to the WAL and head: ns per sample. Requests of 2,000 series with
// ten labels each, as a sender of node_exporter's metrics makes them.
#include "pipeline/remote/write_codec.h"
#include "pipeline/remote/write_v2_encoder.h"
#include "storage/storage.h"
#include "tests/bench/time_per.h"
#include "tests/support/remote_write_body.h"

#include <benchmark/benchmark.h>
#include <snappy.h>

#include <cstdlib>

namespace troupe {
namespace {

constexpr size_t per_request = 2000;

labels series_labels(size_t i) {
  const size_t host = i / 523, n = i % 523;
  return labels::from(
      {{"__name__", "node_some_subsystem_value_" + std::to_string(n % 60) + "_total"},
       {"job", "node"},
       {"instance", "host-" + std::to_string(host) + ".example.org:9100"},
       {"datacenter", "eu-west-1"},
       {"environment", "production"},
       {"cluster", "c" + std::to_string(host % 7)},
       {"device", "nvme" + std::to_string(n / 60) + "n1"},
       {"mode", "iowait"},
       {"team", "platform"}});
}

/// One sample per series at `ts`, in requests of per_request.
std::vector<std::string> requests(size_t series, timestamp_ms ts, double step) {
  std::vector<std::string> out;
  for (size_t first = 0; first < series; first += per_request) {
    std::vector<support::write_series> all;
    for (size_t i = first; i < std::min(series, first + per_request); ++i)
      all.push_back({series_labels(i),
                     {{ts, i % 3 ? static_cast<double>(i) : static_cast<double>(i) * step}}});
    out.push_back(support::write_request(all));
  }
  return out;
}

/// The same in version 2.0.
std::vector<std::string> v2_requests(size_t series, timestamp_ms ts) {
  std::vector<std::string> out;
  remote::write_v2_encoder encoder;
  for (size_t first = 0; first < series; first += per_request) {
    encoder.clear();
    for (size_t i = first; i < std::min(series, first + per_request); ++i) {
      const labels of = series_labels(i);
      encoder.add(encoder.prepare(of, {metric_type::counter, "",
                                       "Help of " + std::string(of.metric_name()) + "."}),
                  std::vector<sample>{{ts, static_cast<double>(i)}});
    }
    out.emplace_back(encoder.request());
  }
  return out;
}

void per_sample(benchmark::State& state, uint64_t samples) {
  state.SetItemsProcessed(static_cast<int64_t>(samples));
  time_per_of(state, "sample", static_cast<double>(samples));
}

void unpack(benchmark::State& state) {
  std::string packed, raw = requests(per_request, 1000, 1).front(), out;
  snappy::Compress(raw.data(), raw.size(), &packed);
  uint64_t samples = 0;
  for (auto _ : state) {
    snappy::Uncompress(packed.data(), packed.size(), &out);
    benchmark::DoNotOptimize(out.data());
    samples += per_request;
  }
  per_sample(state, samples);
}
BENCHMARK(unpack);

void decode_known(benchmark::State& state) {
  manual_clock clk;
  remote::series_cache known({.shards = 2}, clk);
  const auto all = requests(static_cast<size_t>(state.range(0)), 1000, 1);
  for (const auto& r : all)
    benchmark::DoNotOptimize(remote::decode_write(r, known));
  uint64_t samples = 0;
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(remote::decode_write(all[i++ % all.size()], known));
    samples += per_request;
  }
  per_sample(state, samples);
}
BENCHMARK(decode_known)->Arg(52'000)->Arg(523'000);

/// As decode_known, in version 2.0 with metadata.
void decode_known_v2(benchmark::State& state) {
  manual_clock clk;
  remote::series_cache known({.tenant = "", .shards = 2}, clk);
  const auto all = v2_requests(static_cast<size_t>(state.range(0)), 1000);
  for (const auto& r : all)
    known.metadata().note(remote::decode_write_v2(r, known)->metadata);
  uint64_t samples = 0;
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(remote::decode_write_v2(all[i++ % all.size()], known));
    samples += per_request;
  }
  per_sample(state, samples);
}
BENCHMARK(decode_known_v2)->Arg(52'000)->Arg(523'000);

/// Decode, append, commit; a minute of time per round.
void store_known(benchmark::State& state) {
  manual_clock clk;
  registry metrics;
  auto fs = make_posix_file_system();
  std::string path = "/tmp/troupe-bench-XXXXXX";
  const std::string dir = mkdtemp(path.data());
  storage::options o;
  o.dir = dir + "/data";
  o.shards = 1;
  o.sync = storage::options::sync_mode::os;
  auto store = std::move(*storage::storage::open(o, {fs.get(), &clk, &metrics, 1}));
  while (!*store->replay_step(0)) {
  }
  remote::series_cache known({.shards = 1}, clk);
  uint64_t samples = 0;
  double step = 0;
  std::vector<std::string> round;
  size_t next = 0;
  for (auto _ : state) {
    if (next == round.size()) {
      state.PauseTiming();
      clk.advance_ms(15'000);
      round = requests(static_cast<size_t>(state.range(0)), clk.now_ms(), ++step);
      next = 0;
      state.ResumeTiming();
    }
    auto got = remote::decode_write(round[next++], known);
    for (const auto& b : got->batches) {
      benchmark::DoNotOptimize(store->appender(0).append(b));
      samples += b->floats.size();
    }
    store->appender(0).commit().ignore();
  }
  per_sample(state, samples);
  store->close().ignore();
  store.reset();
  fs->remove_all(dir).ignore();
}
BENCHMARK(store_known)->Arg(52'000)->Iterations(1500);

}  // namespace
}  // namespace troupe

BENCHMARK_MAIN();
