#include "pipeline/api/event_lines.h"

#include "pipeline/api/params.h"
#include "pipeline/api/respond.h"
#include "query/result_json.h"
#include "storage/base/civil_time.h"

#include <fmt/format.h>

namespace troupe::api {
namespace {

void field(std::string& out, std::string_view key, std::string_view text) {
  out += out.ends_with('{') ? "\"" : ",\"";
  out += key;
  out += "\":";
  append_json_string(out, text);
}

std::string begin_line(timestamp_ms now, std::string_view level, std::string_view message) {
  std::string out = "{";
  field(out, "time", format_rfc3339(now));
  field(out, "level", level);
  field(out, "msg", message);
  return out;
}

// "1.2.3.4:5" and "[::1]:5" without the port.
std::string_view host_of(std::string_view address) {
  const auto colon = address.rfind(':');
  if (address.starts_with('[')) {
    const auto close = address.find(']');
    return close == std::string_view::npos ? address : address.substr(1, close - 1);
  }
  return colon != std::string_view::npos && address.find(':') == colon ? address.substr(0, colon)
                                                                       : address;
}

}  // namespace

std::string stats_json(const query::query_stats& st) {
  auto seconds = [](int64_t ns) { return static_cast<double>(ns) / 1e9; };
  double total = seconds(st.prepare_ns + st.eval_ns + st.sort_ns);
  std::string out = fmt::format(
      "{{\"timings\":{{\"evalTotalTime\":{},\"resultSortTime\":{},\"queryPreparationTime\":{},"
      "\"innerEvalTime\":{},"
      "\"execQueueTime\":0,\"execTotalTime\":{}}},\"samples\":{{\"totalQueryableSamples\":{},"
      "\"peakSamples\":{}",
      total, seconds(st.sort_ns), seconds(st.prepare_ns), seconds(st.eval_ns), total,
      st.total_queryable_samples, st.peak_samples);
  if (!st.samples_per_step.empty()) {
    out += ",\"totalQueryableSamplesPerStep\":[";
    for (size_t i = 0; i < st.samples_per_step.size(); ++i) {
      out += i ? ",[" : "[";
      query::append_timestamp_json(out, st.samples_per_step[i].first);
      out += fmt::format(",{}]", st.samples_per_step[i].second);
    }
    out += "]";
  }
  return out + "}}";
}

std::string query_line(const query_event& e) {
  std::string out = begin_line(e.now, "INFO", "promql query logged");
  out += ",\"params\":{";
  field(out, "end", format_rfc3339(e.end));
  field(out, "query", e.text);
  field(out, "start", format_rfc3339(e.start));
  out += fmt::format(",\"step\":{}}}", e.step_ms / 1000);
  if (!e.error.empty())
    field(out, "error", e.error);
  out += ",\"stats\":" + stats_json(e.stats) + ",\"httpRequest\":{";
  field(out, "clientIP", host_of(e.remote_address));
  field(out, "method", e.method);
  field(out, "path", e.path);
  return out + "}}";
}

std::string scrape_failure_line(timestamp_ms now, std::string_view job, std::string_view url,
                                std::string_view error) {
  std::string out = begin_line(now, "ERROR", error);
  field(out, "job_name", job);
  field(out, "target", url);
  return out + "}";
}

}  // namespace troupe::api
