// Memory and CPU of the storage behind active series: appends scrapes of targets with 523 series
// every 15 s through the write door, on real files, and prints after 30, 120 and 480 samples a
// series what the process holds beyond the empty store and the senders' series tables.
//   memory_bench [series] [mixed|constant|counter|gauge]
#include "storage/storage.h"

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace troupe {
namespace {

constexpr size_t target_series = 523;

uint64_t anonymous_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("RssAnon:"))
      return std::strtoull(line.c_str() + 8, nullptr, 10) * 1024;
  return 0;
}

double cpu_seconds() {
  rusage r;
  getrusage(RUSAGE_SELF, &r);
  return static_cast<double>(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
         static_cast<double>(r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1e-6;
}

enum class profile { mixed, constant, counter, gauge };

/// Values of one series by round, without state.
double value_of(profile p, uint64_t series, uint64_t round) {
  const uint64_t noise =
      (series * 0x9e3779b97f4a7c15ULL ^ round * 0xbf58476d1ce4e5b9ULL) * 0x94d049bb133111ebULL >>
      40;
  if (p == profile::mixed) {
    // As node_exporter: two thirds constant, of the rest most are counters.
    const uint64_t kind = series % 100;
    p = kind < 68 ? profile::constant : kind < 88 ? profile::counter : profile::gauge;
  }
  switch (p) {
    case profile::constant:
      return static_cast<double>(series % 1000);
    case profile::counter:
      return static_cast<double>(series * 1000 + round * 150 + noise % 64);
    default:
      return series % 3 == 0 ? static_cast<double>(noise) / 7.0
                             : static_cast<double>(noise % 10'000) / 100.0;
  }
}

int run(size_t series, profile p) {
  std::string path = "/tmp/troupe-memory-XXXXXX";
  const std::string dir = mkdtemp(path.data());
  const auto fs = make_posix_file_system();
  manual_clock clk;
  clk.step_wall_ms(7'200'000 - clk.now_ms() % 7'200'000);
  registry metrics;
  storage::options o;
  o.dir = dir + "/data";
  o.shards = 2;
  o.sync = storage::options::sync_mode::os;
  auto store = std::move(*storage::storage::open(o, {fs.get(), &clk, &metrics, 1}));
  for (uint32_t s = 0; s < o.shards; ++s)
    while (!*store->replay_step(s)) {
    }
  std::vector<series_table_ptr> tables;
  for (size_t t = 0; t * target_series < series; ++t) {
    std::vector<labels> all;
    for (size_t i = 0; i < target_series; ++i)
      all.push_back(labels::from({{"__name__", "bench_value_" + std::to_string(i % 200)},
                                  {"job", "node"},
                                  {"instance", "host" + std::to_string(t) + ":9100"},
                                  {"device", "dev" + std::to_string(i / 200)}}));
    tables.push_back(make_series_table("", std::move(all)));
  }
  const double count = static_cast<double>(tables.size() * target_series);
  const uint64_t empty = anonymous_bytes();
  double spent = 0;
  for (uint64_t round = 1; round <= 480; ++round) {
    clk.advance_ms(15'000);
    for (size_t t = 0; t < tables.size(); ++t) {
      auto b = std::make_shared<write_batch>();
      b->table = tables[t];
      b->group = t + 1;
      b->floats.reserve(target_series);
      for (uint32_t i = 0; i < target_series; ++i)
        b->floats.push_back({clk.now_ms() - 15'000 + static_cast<int64_t>(t * 7919 % 15'000),
                             value_of(p, t * target_series + i, round), i});
      const uint32_t shard = store->shard_of(tables[t]->slot(0));
      const double before = cpu_seconds();
      if (!store->appender(shard).append(b).ok() ||
          ((t % 16 == 15 || t + 1 == tables.size()) &&
           !(store->appender(0).commit().ok() && store->appender(1).commit().ok())))
        return 1;
      spent += cpu_seconds() - before;
    }
    for (bool more = true; more;) {
      const auto did = store->maintain(0);
      more = did.ok() && *did;
    }
    if (round == 30 || round == 120 || round == 480)
      std::printf("%9.0f series %4llu samples: %7.1f B/series, append and commit %6.1f ns/sample\n",
                  count, static_cast<unsigned long long>(round),
                  static_cast<double>(anonymous_bytes() - empty) / count,
                  spent * 1e9 / (count * static_cast<double>(round)));
    std::fflush(stdout);
  }
  store->close().ignore();
  store.reset();
  fs->remove_all(dir).ignore();
  return 0;
}

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  using troupe::profile;
  const size_t series = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 52'300;
  const std::string name = argc > 2 ? argv[2] : "mixed";
  const profile p = name == "constant"  ? profile::constant
                    : name == "counter" ? profile::counter
                    : name == "gauge"   ? profile::gauge
                                        : profile::mixed;
  return troupe::run(series, p);
}
