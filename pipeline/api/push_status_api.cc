// The Pushgateway's JSON: GET /api/v1/metrics, all groups with what was pushed and when, and
// GET /api/v1/status. Source: github.com/prometheus/pushgateway api/v1.
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/parse/exposition_text.h"
#include "pipeline/parse/number.h"
#include "pipeline/parse/text_parser.h"
#include "pipeline/push/push_store.h"
#include "storage/base/civil_time.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace troupe::api {

namespace {

constexpr std::string_view bound_label = "le", quantile_label = "quantile";
constexpr double largest_exact = 9'007'199'254'740'992;  // 2^53

std::string_view type_text(metric_type t) {
  switch (t) {
    case metric_type::counter:
      return "COUNTER";
    case metric_type::gauge:
      return "GAUGE";
    case metric_type::histogram:
      return "HISTOGRAM";
    case metric_type::gaugehistogram:
      return "GAUGE_HISTOGRAM";
    case metric_type::summary:
      return "SUMMARY";
    default:
      return "UNTYPED";
  }
}

std::string number_text(double v) {
  std::string out;
  parse::append_value(out, v);
  return out;
}

/// Go writes an integer without an exponent.
std::string count_text(double v) {
  if (v < 0 || v != std::floor(v) || v > largest_exact)
    return number_text(v);
  return std::to_string(static_cast<uint64_t>(v));
}

/// A bound or quantile, as Go writes the number.
std::string point_text(std::string_view label) {
  double v = 0;
  return parse::parse_float(label, v) == parse::number_error::none ? number_text(v)
                                                                   : std::string(label);
}

/// Name and labels of a series, those with empty values among them.
struct series_parts {
  std::string name, point;  ///< `point`: its bound or quantile
  std::map<std::string, std::string> labels;
};

series_parts parts_of(const std::string& text, std::string_view point_label) {
  series_parts out;
  const std::string line = text + " 0\n";
  parse::text_parser parser(line);
  labels_builder builder;
  std::vector<std::string> empty;
  if (parser.next() != parse::entry::series || !parser.read_labels(builder, &empty).ok())
    return out;
  for (const auto& l : builder.build())
    if (l.name == metric_name_label)
      out.name = l.value;
    else if (l.name == point_label)
      out.point = l.value;
    else
      out.labels.emplace(l.name, l.value);
  for (auto& name : empty)
    out.labels.emplace(std::move(name), "");
  return out;
}

std::string labels_json(const std::map<std::string, std::string>& labels) {
  json_object out;
  for (const auto& [name, value] : labels)
    out.text(name, value);
  return out.done();
}

std::string simple_metrics(const push::pushed_family& f) {
  std::string out;
  for (const auto& s : f.series) {
    out += out.empty() ? "" : ",";
    out += json_object()
               .raw("labels", labels_json(parts_of(s.text, {}).labels))
               .text("value", number_text(s.value))
               .done();
  }
  return out;
}

/// Of a histogram or summary: the series of equal labels are one metric.
std::string compound_metrics(const push::pushed_family& f, bool buckets) {
  struct metric {
    json_object points;
    std::string count = "0", sum = "0";
  };
  std::map<std::string, metric> all;
  for (const auto& s : f.series) {
    const auto parts = parts_of(s.text, buckets ? bound_label : quantile_label);
    auto& m = all[labels_json(parts.labels)];
    if (!parts.point.empty())
      m.points.text(point_text(parts.point), buckets ? count_text(s.value) : number_text(s.value));
    else if (parts.name == f.name + "_count")
      m.count = count_text(s.value);
    else if (parts.name == f.name + "_sum")
      m.sum = number_text(s.value);
  }
  std::string out;
  for (auto& [labels, m] : all) {
    out += out.empty() ? "" : ",";
    out += json_object()
               .raw(buckets ? "buckets" : "quantiles", m.points.done())
               .text("count", m.count)
               .raw("labels", labels)
               .text("sum", m.sum)
               .done();
  }
  return out;
}

std::string family_json(const push::pushed_family& f) {
  const bool buckets = f.type == metric_type::histogram || f.type == metric_type::gaugehistogram;
  const auto metrics =
      buckets || f.type == metric_type::summary ? compound_metrics(f, buckets) : simple_metrics(f);
  json_object out;
  out.text("time_stamp", format_rfc3339(f.pushed_ms)).text("type", type_text(f.type));
  if (!f.help.empty())
    out.text("help", f.help);
  return out.raw("metrics", "[" + metrics + "]").done();
}

std::string group_json(const push::grouping& group, const push::pushed_group& g) {
  json_object out;
  out.raw("labels", labels_json({group.begin(), group.end()}));
  out.boolean("last_push_successful", g.pushed_ms >= g.failed_ms);
  for (const auto& [name, f] : g.families)
    out.raw(name, family_json(f));
  for (const auto& f : push::time_families_of(group, g))
    out.raw(f.name, family_json(f));
  return out.done();
}

}  // namespace

answer handle_pushed_groups(const services& s, const http::request&, const inputs&) {
  std::string out = "[";
  s.pushed->visit([&](const push::grouping& group, const push::pushed_group& g) {
    out += out.size() > 1 ? "," : "";
    out += group_json(group, g);
  });
  return success(out + "]");
}

answer handle_push_status(const services& s, const http::request&, const inputs&) {
  const auto& b = s.build;
  json_object flags;
  for (const auto& [name, value] : s.flags)
    flags.text(name, value);
  const auto build = json_object()
                         .text("version", b.version)
                         .text("revision", b.revision)
                         .text("branch", b.branch)
                         .text("buildUser", b.build_user)
                         .text("buildDate", b.build_date)
                         .text("goVersion", b.compiler)
                         .done();
  return success(json_object()
                     .raw("build_information", build)
                     .raw("flags", flags.done())
                     .text("start_time", format_rfc3339(s.start_time))
                     .done());
}

}  // namespace troupe::api
