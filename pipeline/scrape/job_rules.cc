#include "pipeline/scrape/job_rules.h"

#include "pipeline/parse/negotiation.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace troupe::scrape {
namespace {

std::string_view escaping_name(config::name_escaping e) {
  switch (e) {
    case config::name_escaping::allow_utf8:
      return "allow-utf-8";
    case config::name_escaping::underscores:
      return "underscores";
    case config::name_escaping::dots:
      return "dots";
    case config::name_escaping::values:
      return "values";
  }
  return "allow-utf-8";
}

// The finest schema whose buckets grow by at least `factor`.
int32_t schema_for(double factor) {
  constexpr double lowest = -4, highest = 8;
  constexpr double finest_factor = 1.00271;
  const double schema = std::floor(-std::log2(std::log2(factor <= 1 ? finest_factor : factor)));
  return static_cast<int32_t>(std::clamp(schema, lowest, highest));
}

// The exposed label gives way to the target's; "exported_" is put before it until the name is free.
void add_target_labels(const labels& target_labels, labels_builder& b) {
  std::vector<std::pair<std::string, std::string>> conflicts;
  for (const auto& l : target_labels) {
    if (const auto exposed = b.get(l.name); !exposed.empty())
      conflicts.emplace_back(l.name, exposed);
    b.set(l.name, l.value);
  }
  std::stable_sort(conflicts.begin(), conflicts.end(),
                   [](const auto& a, const auto& c) { return a.first.size() < c.first.size(); });
  for (const auto& [name, value] : conflicts) {
    std::string free_name = "exported_" + name;
    while (!b.get(free_name).empty())
      free_name.insert(0, "exported_");
    b.set(free_name, value);
  }
}

std::string_view first(std::string_view text, size_t n) {
  return text.substr(0, n);
}

status check_label_limits(const config::scrape_limits& limits, const labels& series) {
  if (limits.labels == 0 && limits.label_name_length == 0 && limits.label_value_length == 0)
    return {};
  const auto metric = first(series.metric_name(), 50);
  if (limits.labels != 0 && series.size() > limits.labels)
    return {errc::invalid_argument,
            fmt::format("label_limit exceeded (metric: {}, number of labels: {}, limit: {})",
                        metric, series.size(), limits.labels)};
  for (const auto& l : series) {
    if (limits.label_name_length != 0 && l.name.size() > limits.label_name_length)
      return {errc::invalid_argument,
              fmt::format("label_name_length_limit exceeded (metric: {}, label name: {}, length: "
                          "{}, limit: {})",
                          metric, first(l.name, 50), l.name.size(), limits.label_name_length)};
    if (limits.label_value_length != 0 && l.value.size() > limits.label_value_length)
      return {errc::invalid_argument,
              fmt::format("label_value_length_limit exceeded (metric: {}, label name: {}, value: "
                          "\"{}\", length: {}, limit: {})",
                          metric, first(l.name, 50), first(l.value, 50), l.value.size(),
                          limits.label_value_length)};
  }
  return {};
}

bool has_valid_names(const labels& series, config::name_validation validation) {
  return relabel::is_valid_metric_name(series.metric_name(), validation) &&
         std::all_of(series.begin(), series.end(), [&](const label_view& l) {
           return relabel::is_valid_label_name(l.name, validation);
         });
}

}  // namespace

result<std::shared_ptr<const job_rules>> job_rules::create(
    std::shared_ptr<const config::scrape_config> config, uint64_t default_body_limit) {
  auto out = std::make_shared<job_rules>();
  TROUPE_ASSIGN(out->metric_rules,
                relabel::rules::compile(config->metric_relabel_configs, config->validation));
  out->accept = parse::accept_header(config->scrape_protocols, escaping_name(config->escaping));
  out->body_limit = config->limits.body_size != 0 ? config->limits.body_size : default_body_limit;
  out->max_schema = schema_for(config->native_histogram_min_bucket_factor);
  out->config = std::move(config);
  return std::shared_ptr<const job_rules>(std::move(out));
}

result<std::optional<labels>> final_labels(const job_rules& job, const labels& target_labels,
                                           const std::vector<std::string>& empty_names,
                                           labels_builder& b) {
  const auto& c = *job.config;
  if (c.honor_labels) {
    for (const auto& l : target_labels) {
      const bool exposed_empty =
          std::find(empty_names.begin(), empty_names.end(), l.name) != empty_names.end();
      if (!exposed_empty && b.get(l.name).empty())
        b.set(l.name, l.value);
    }
  } else {
    add_target_labels(target_labels, b);
  }
  if (!job.metric_rules.apply(b) || b.pairs().empty())
    return std::optional<labels>();
  labels series = b.build();
  if (series.metric_name().empty())
    return {errc::invalid_argument, "missing metric name (__name__ label)"};
  if (!has_valid_names(series, c.validation))
    return {errc::invalid_argument,
            "invalid metric name or label names: " + series.to_string().substr(0, 1000)};
  TROUPE_TRY(check_label_limits(c.limits, series));
  return std::optional<labels>(std::move(series));
}

labels report_labels(std::string_view name, const labels& target_labels) {
  labels_builder b(target_labels);
  b.set(metric_name_label, name);
  return b.build();
}

bool same_series(const config::scrape_config& a, const config::scrape_config& b) {
  return a.job_name == b.job_name && a.honor_labels == b.honor_labels &&
         a.honor_timestamps == b.honor_timestamps && a.validation == b.validation &&
         a.track_timestamps_staleness == b.track_timestamps_staleness &&
         a.metric_relabel_configs == b.metric_relabel_configs &&
         a.convert_classic_histograms_to_nhcb == b.convert_classic_histograms_to_nhcb &&
         a.always_scrape_classic_histograms == b.always_scrape_classic_histograms &&
         a.limits.labels == b.limits.labels &&
         a.limits.label_name_length == b.limits.label_name_length &&
         a.limits.label_value_length == b.limits.label_value_length;
}

}  // namespace troupe::scrape
