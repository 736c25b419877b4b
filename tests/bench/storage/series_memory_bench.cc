// What one series costs beside its samples: labels, tables, index and log encoder, in bytes of heap
// and in CPU time of its first insertion, for node_exporter-like targets. Arguments: numbers of
// targets (default 100 and 1000).
#include "storage/index/memory_index.h"
#include "storage/model/batch.h"
#include "storage/wal/frame_encoder.h"

#include <fmt/core.h>
#include <malloc.h>
#include <sys/resource.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe {
namespace {

/// Anonymous resident memory in bytes: what is still mapped but free is given back first.
double resident_bytes() {
  malloc_trim(0);
  double kib = 0;
  if (FILE* f = std::fopen("/proc/self/status", "r")) {
    char line[256];
    while (std::fgets(line, sizeof line, f))
      if (std::sscanf(line, "RssAnon: %lf", &kib) == 1)
        break;
    std::fclose(f);
  }
  return kib * 1024;
}

double cpu_seconds() {
  rusage u;
  getrusage(RUSAGE_SELF, &u);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(u.ru_utime) + seconds(u.ru_stime);
}

/// Names and labels as a node_exporter on a machine with 8 CPUs has them: 523 series.
std::vector<std::vector<std::pair<std::string, std::string>>> host_shape() {
  std::vector<std::vector<std::pair<std::string, std::string>>> out;
  const auto add = [&](std::string name, std::vector<std::pair<std::string, std::string>> rest) {
    rest.emplace_back("__name__", std::move(name));
    out.push_back(std::move(rest));
  };
  for (int cpu = 0; cpu < 8; ++cpu)
    for (const char* mode : {"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"})
      add("node_cpu_seconds_total", {{"cpu", std::to_string(cpu)}, {"mode", mode}});
  for (int disk = 0; disk < 4; ++disk)
    for (int i = 0; i < 20; ++i)
      add("node_disk_counter_" + std::to_string(i) + "_total",
          {{"device", "nvme" + std::to_string(disk) + "n1"}});
  for (int net = 0; net < 5; ++net)
    for (int i = 0; i < 25; ++i)
      add("node_network_counter_" + std::to_string(i) + "_total",
          {{"device", "eth" + std::to_string(net)}});
  for (int fs = 0; fs < 6; ++fs)
    for (int i = 0; i < 8; ++i)
      add("node_filesystem_gauge_" + std::to_string(i) + "_bytes",
          {{"device", "/dev/nvme0n1p" + std::to_string(fs)},
           {"fstype", "ext4"},
           {"mountpoint", "/mnt/volume" + std::to_string(fs)}});
  for (int i = 0; out.size() < 523; ++i)
    add("node_memory_and_other_gauge_" + std::to_string(i) + "_bytes", {});
  return out;
}

std::vector<labels> host_series(size_t host) {
  static const auto shape = host_shape();
  std::vector<labels> out;
  for (auto pairs : shape) {
    pairs.emplace_back("instance", "host-" + std::to_string(host) + ".example.org:9100");
    pairs.emplace_back("job", "node");
    out.push_back(labels::from(std::move(pairs)));
  }
  return out;
}

/// Prints what was added since the last row.
class report {
 public:
  explicit report(size_t series) : series_(static_cast<double>(series)) { restart(); }
  void restart() {
    bytes_ = resident_bytes();
    cpu_ = cpu_seconds();
  }
  void row(const char* what) {
    const double cpu = cpu_seconds() - cpu_, bytes = resident_bytes() - bytes_;
    fmt::print("{:10} series  {:34} {:8.1f} B/series {:8.0f} ns/series\n",
               static_cast<size_t>(series_), what, bytes / series_, cpu * 1e9 / series_);
    restart();
  }

 private:
  double series_, bytes_ = 0, cpu_ = 0;
};

write_batch batch_of(const series_table_ptr& table, timestamp_ms ts) {
  write_batch b;
  b.table = table;
  b.group = table->series.front().hash();
  for (uint32_t i = 0; i < table->series.size(); ++i)
    b.floats.push_back({ts, static_cast<double>(ts / 1000 * (i % 3)), i});
  return b;
}

void measure(size_t hosts) {
  report r(hosts * host_shape().size());
  std::vector<std::vector<labels>> flat;
  for (size_t h = 0; h < hosts; ++h)
    flat.push_back(host_series(h));
  r.row("flat labels, one vector a target");
  std::vector<series_table_ptr> tables;
  for (const auto& series : flat)
    tables.push_back(make_series_table("", series));
  r.row("packed labels and series tables");
  flat.clear();
  r.row("flat labels freed");
  storage::memory_index index;
  storage::series_ref ref = 0;
  for (const auto& t : tables)
    for (const auto& l : t->series)
      index.add(ref++, l);
  r.row("index");
  storage::frame_encoder encoder({});
  storage::encoded_frames frames;
  for (timestamp_ms ts = 0; ts < 30; ++ts) {
    for (const auto& t : tables) {
      encoder.append(batch_of(t, ts * 15'000), {}, frames).ignore();
      frames.clear();
    }
    encoder.commit();
    if (ts == 0)
      r.row("log encoder, first batch");
  }
  frames = {};
  r.row("log encoder, 29 more batches");
  fmt::print("{:10} index says {:.1f} B/series, encoder says {:.1f} B/series\n", "",
             static_cast<double>(index.memory_bytes()) / static_cast<double>(ref),
             static_cast<double>(encoder.memory_bytes()) / static_cast<double>(ref));
}

}  // namespace
}  // namespace troupe

int main(int argc, char** argv) {
  std::vector<size_t> sizes;
  for (int i = 1; i < argc; ++i)
    sizes.push_back(std::strtoul(argv[i], nullptr, 10));
  if (sizes.empty())
    sizes = {100, 1000};
  for (const size_t hosts : sizes)
    troupe::measure(hosts);
}
