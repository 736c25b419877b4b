#include "pipeline/aggregate/rule.h"

#include "query/parser/parser.h"
#include "storage/base/coding.h"
#include "storage/base/duration.h"
#include "storage/base/hash.h"

#include <algorithm>

namespace troupe::aggregate {
namespace {

/// Samples wait in memory for about so long.
constexpr int64_t longest_step_ms = 60'000;

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

/// The longest step that divides the interval, holds whole dedup intervals and is short enough;
/// else the shortest there is.
int64_t step_of(const config::aggregation_config& c) {
  const int64_t unit = c.dedup_interval_ms != 0 ? c.dedup_interval_ms : 1;
  const int64_t shortest = std::max<int64_t>(unit, 1'000);
  int64_t best = c.interval_ms;
  for (int64_t parts = 1; best > longest_step_ms && c.interval_ms / parts >= shortest; ++parts) {
    const int64_t step = c.interval_ms / parts;
    if (c.interval_ms % parts == 0 && step % unit == 0)
      best = step;
  }
  return best;
}

std::string suffix_of(const config::aggregation_config& c, const std::vector<std::string>& by,
                      const std::vector<std::string>& without) {
  std::string out = ":" + format_duration(c.interval_ms);
  const auto append = [&](std::string_view word, const std::vector<std::string>& names) {
    std::string joined;
    for (const auto& n : names)
      if (n != metric_name_label)
        joined += "_" + n;
    if (!joined.empty())
      out.append("_").append(word).append(joined);
  };
  append("by", by);
  append("without", without);
  return out + "_";
}

uint64_t fingerprint_of(const config::aggregation_config& c) {
  std::string text;
  for (const auto* list : {&c.match, &c.by, &c.without, &c.outputs}) {
    put_varint(text, list->size());
    for (const auto& item : *list)
      put_bytes(text, item);
  }
  for (const int64_t n : {c.interval_ms, c.dedup_interval_ms, c.staleness_interval_ms,
                          c.ignore_first_sample_interval_ms})
    put_svarint(text, n);
  put_bytes(text, c.name);
  put_u8(text, c.keep_metric_names ? 1 : 0);
  return xxh3(text);
}

}  // namespace

result<rule_ptr> rule::make(const config::aggregation_config& c) {
  std::shared_ptr<rule> out(new rule(c));
  for (const auto& text : c.match) {
    TROUPE_ASSIGN(auto selector, query::parse_metric_selector(text));
    out->match_.push_back(std::move(selector));
  }
  for (const auto& text : c.outputs) {
    TROUPE_ASSIGN(auto output, config::parse_aggregation_output(text));
    out->functions_ |= 1u << static_cast<unsigned>(output.function);
    out->outputs_.push_back(std::move(output));
  }
  if (c.interval_ms <= 0)
    return status(errc::invalid_argument, "interval is missing");
  out->by_ = sorted(c.by);
  out->without_ = sorted(c.without);
  out->step_ms_ = step_of(c);
  out->staleness_ms_ = c.staleness_interval_ms != 0 ? c.staleness_interval_ms : 2 * c.interval_ms;
  out->ignore_first_sample_ms_ = c.ignore_first_sample_interval_ms >= 0
                                     ? c.ignore_first_sample_interval_ms
                                     : out->staleness_ms_;
  out->suffix_ = suffix_of(c, out->by_, out->without_);
  out->fingerprint_ = fingerprint_of(c);
  return rule_ptr(std::move(out));
}

std::string rule::output_name_pattern() const {
  // A label's name that is no identifier could be anything to a regular expression.
  std::string out = ".*";
  for (const char c : suffix_) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == ':';
    out += plain ? std::string(1, c) : ".";
  }
  out += "(";
  for (const auto& o : outputs_)
    out.append(out.back() == '(' ? "" : "|").append(config::to_string(o.function));
  return out + ")";
}

bool rule::counts_increases() const {
  return has(function::increase) || has(function::increase_prometheus) || has(function::total) ||
         has(function::total_prometheus) || has_rates();
}

bool rule::matches(const labels& series) const {
  return std::any_of(match_.begin(), match_.end(),
                     [&](const matchers& m) { return matches_all(m, series); });
}

labels rule::group_of(const labels& series) const {
  if (by_.empty() && without_.empty())
    return series.packed();
  labels_builder b(series);
  b.keep_if([&](std::string_view name) {
    if (!by_.empty())
      return name == metric_name_label || std::binary_search(by_.begin(), by_.end(), name);
    return !std::binary_search(without_.begin(), without_.end(), name);
  });
  return b.build().packed();
}

labels rule::output_of(const labels& group, function f, std::string_view label,
                       std::string_view value) const {
  labels_builder b(group);
  if (!config_.keep_metric_names)
    b.set(metric_name_label,
          std::string(group.metric_name()) + suffix_ + std::string(config::to_string(f)));
  if (!label.empty())
    b.set(label, value);
  return b.build().packed();
}

}  // namespace troupe::aggregate
