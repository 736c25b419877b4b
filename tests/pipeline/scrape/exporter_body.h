// A body like node_exporter's: families with HELP and TYPE, counters by cpu and mode, gauges, a
// summary, a histogram. Values move with `tick`; the series depend only on the sizes.
#pragma once

#include <fmt/format.h>

#include <string>

namespace troupe::scrape {

struct exporter_size {
  int cpus = 4;
  int disks = 3;
  int gauges = 20;
};

inline std::string exporter_body(int tick, exporter_size n = {}) {
  std::string out;
  const auto family = [&](const std::string& name, const char* type, const char* help) {
    out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  };
  family("node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode.");
  for (int cpu = 0; cpu < n.cpus; ++cpu)
    for (const char* mode : {"idle", "iowait", "irq", "nice", "softirq", "steal", "system", "user"})
      out += fmt::format("node_cpu_seconds_total{{cpu=\"{}\",mode=\"{}\"}} {:.2f}\n", cpu, mode,
                         1000.0 * cpu + tick * 0.37 + static_cast<double>(mode[0]));
  family("node_disk_io_time_seconds_total", "counter", "Total seconds spent doing I/Os.");
  for (int disk = 0; disk < n.disks; ++disk)
    out += fmt::format("node_disk_io_time_seconds_total{{device=\"sd{}\"}} {}\n",
                       static_cast<char>('a' + disk), 17.5 + tick * (disk + 1));
  family("node_filesystem_avail_bytes", "gauge", "Filesystem space available to non-root users.");
  for (int disk = 0; disk < n.disks; ++disk)
    out += fmt::format(
        "node_filesystem_avail_bytes{{device=\"/dev/sd{0}1\",fstype=\"ext4\",mountpoint=\"/"
        "m{0}\"}} {1:.9e}\n",
        static_cast<char>('a' + disk), 4.2e10 - tick * 4096.0);
  for (int g = 0; g < n.gauges; ++g) {
    const auto name = fmt::format("node_memory_Part{}_bytes", g);
    family(name, "gauge", "Memory information field.");
    out += fmt::format("{} {:.9e}\n", name, 1.0e9 + g * 1e6 + tick);
  }
  family("go_gc_duration_seconds", "summary",
         "A summary of the pause duration of garbage collection cycles.");
  for (const char* q : {"0", "0.25", "0.5", "0.75", "1"})
    out += fmt::format("go_gc_duration_seconds{{quantile=\"{}\"}} {}e-05\n", q, 2 + tick % 7);
  out += fmt::format("go_gc_duration_seconds_sum {}\ngo_gc_duration_seconds_count {}\n",
                     0.01 * tick, tick);
  family("http_request_duration_seconds", "histogram", "Latency of requests.");
  for (const char* le : {"0.1", "1", "10", "+Inf"})
    out += fmt::format(
        "http_request_duration_seconds_bucket{{handler=\"/metrics\",le=\"{}\"}} {}\n", le, tick);
  out += fmt::format("http_request_duration_seconds_sum{{handler=\"/metrics\"}} {}\n", tick * 0.2);
  out += fmt::format("http_request_duration_seconds_count{{handler=\"/metrics\"}} {}\n", tick);
  return out;
}

}  // namespace troupe::scrape
