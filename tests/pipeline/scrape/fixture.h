// One target scraped again and again without sockets, and batches as sorted text.
#pragma once

#include "pipeline/scrape/scraper.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::scrape {

inline std::string show_value(double v) {
  if (is_stale(v))
    return "stale";
  return fmt::format("{}", v);
}

inline bool is_report_name(std::string_view name) {
  return name == "up" || name.starts_with("scrape_");
}

/// "a{b="c"} 1 @5", sorted; the automatic series only if `reports`.
inline std::vector<std::string> lines_of(const write_batch& b, bool reports = false) {
  std::vector<std::string> out;
  for (const auto& f : b.floats) {
    const auto& series = b.table->series.at(f.series);
    if (reports || !is_report_name(series.metric_name()))
      out.push_back(fmt::format("{} {} @{}", series.to_string(), show_value(f.value), f.ts));
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// "a{b="c"} schema 3 count 2 sum 5 [-1:1 4:1] @5", sorted; buckets by their index.
inline std::vector<std::string> histograms_of(const write_batch& b) {
  std::vector<std::string> out;
  const auto show_side = [](const std::vector<histogram_span>& spans,
                            const std::vector<double>& counts) {
    std::string text;
    int32_t index = 0;
    size_t at = 0;
    for (const auto& s : spans) {
      index += s.offset;
      for (uint32_t i = 0; i < s.length; ++i)
        text += fmt::format("{}{}:{}", text.empty() ? "" : " ", index++, counts.at(at++));
    }
    return text;
  };
  for (const auto& e : b.histograms) {
    const auto& h = *e.value;
    out.push_back(fmt::format("{} {} {} count {} sum {} [{}] @{}",
                              b.table->series.at(e.series).to_string(),
                              h.is_float ? "float" : "schema", h.schema, h.count, h.sum,
                              show_side(h.positive_spans, h.positive_buckets), e.ts));
  }
  std::sort(out.begin(), out.end());
  return out;
}

/// The value of an automatic series, or NaN.
inline double report_of(const write_batch& b, std::string_view name) {
  for (const auto& f : b.floats)
    if (b.table->series.at(f.series).metric_name() == name)
      return f.value;
  return normal_nan();
}

inline config::scrape_config make_config() {
  config::scrape_config c;
  c.job_name = "j";
  c.scrape_interval_ms = 10'000;
  c.scrape_timeout_ms = 5'000;
  c.scrape_protocols = {config::scrape_protocol::openmetrics_text_1_0,
                        config::scrape_protocol::prometheus_text_0_4};
  return c;
}

class one_target {
 public:
  explicit one_target(const config::scrape_config& c = make_config(), uint64_t secret = 42) {
    auto rules = job_rules::create(std::make_shared<const config::scrape_config>(c), 64 << 20);
    if (!rules.ok())
      throw std::runtime_error(std::string(rules.error().message()));
    job = *rules;
    scratch.line_secret = secret;
    target.public_labels = labels::from({{"instance", "i"}, {"job", "j"}});
    target.url = "http://i/metrics";
    target.interval_ms = c.scrape_interval_ms;
    target.timeout_ms = c.scrape_timeout_ms;
  }

  scrape_result scrape(std::string body, std::string type = "text/plain") {
    http::fetch_result got;
    got.code = 200;
    got.content_type = std::move(type);
    got.body = std::move(body);
    got.duration_ns = 250'000'000;
    return take(got);
  }
  scrape_result scrape_openmetrics(std::string body) {
    return scrape(std::move(body), "application/openmetrics-text; version=1.0.0");
  }
  scrape_result scrape_protobuf(std::string body) {
    return scrape(std::move(body),
                  "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
                  "encoding=delimited");
  }
  scrape_result take(const http::fetch_result& got) {
    time += 10'000;
    return read_fetch({"", false, zero_at_start}, *job, target, got, time, time, memory, scratch);
  }
  /// Only the scraped series and stale markers of a scrape, which must have the same success as
  /// expected.
  std::vector<std::string> lines(std::string body) {
    return lines_of(*scrape(std::move(body)).batch);
  }

  std::shared_ptr<const job_rules> job;
  discover::target target;
  target_memory memory;
  scrape_scratch scratch;
  timestamp_ms time = 0;
  bool zero_at_start = false;
};

using strings = std::vector<std::string>;

}  // namespace troupe::scrape
