// What a sink was given, as text.
#pragma once

#include "pipeline/otlp/metrics.h"

#include <fmt/format.h>

#include <string>

namespace troupe::otlp {

class dump_sink : public metrics_sink {
 public:
  void begin_resource(std::span<const attribute> attributes) override {
    out += "resource" + list(attributes) + "\n";
  }
  void begin_scope(const scope& s) override {
    out += fmt::format(" scope {} {} {}{}\n", s.name, s.version, s.schema_url, list(s.attributes));
  }
  void begin_metric(const metric& m) override {
    out += fmt::format("  metric {} '{}' {} kind={} {}{}\n", m.name, m.description, m.unit,
                       static_cast<int>(m.kind), static_cast<int>(m.aggregation),
                       m.monotonic ? " monotonic" : "");
  }
  void add(const data_point& p) override {
    out += fmt::format("   {}..{} {} {}{}", p.start_ns, p.time_ns, p.value, p.count,
                       p.no_value ? " stale" : "");
    if (p.sum)
      out += fmt::format(" sum={}", *p.sum);
    for (const uint64_t n : p.bucket_counts)
      out += fmt::format(" b{}", n);
    for (const double b : p.bounds)
      out += fmt::format(" <{}", b);
    out += fmt::format(" {}/{}", p.scale, p.zero_count);
    for (const auto* side : {&p.positive, &p.negative}) {
      out += fmt::format(" {}:", side->offset);
      for (const uint64_t n : side->counts)
        out += fmt::format("{},", n);
    }
    for (const auto& q : p.quantiles)
      out += fmt::format(" q{}={}", q.quantile, q.value);
    out += list(p.attributes) + "\n";
    for (const auto& e : p.exemplars)
      out += fmt::format("    exemplar {} {} {}/{}{}\n", e.time_ns, e.value.value_or(-1),
                         e.trace_id.size(), e.span_id.size(), list(e.attributes));
  }
  void end_resource() override { out += "end\n"; }
  bool full() const override { return false; }

  std::string out;

 private:
  static std::string list(std::span<const attribute> all) {
    std::string out;
    for (const auto& a : all)
      out += fmt::format(" {}={}", a.key, a.value);
    return out;
  }
};

}  // namespace troupe::otlp
