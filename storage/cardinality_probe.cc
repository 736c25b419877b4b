#include "storage/cardinality_probe.h"

#include "storage/base/duration.h"

namespace troupe::storage {
namespace {

/// Groups of each budget, and entries of each list.
constexpr size_t groups_shown = 20;
constexpr size_t growth_shown = 5;
/// Bytes of a name; longer ones are cut.
constexpr size_t name_bytes = 128;

using values = std::vector<registry::series_value>;

std::string short_name(std::string_view text) {
  if (text.size() <= name_bytes)
    return std::string(text);
  size_t end = name_bytes;
  while (end > 0 && (text[end] & 0xc0) == 0x80)
    --end;
  return std::string(text.substr(0, end)) + "...";
}

template <class Value>
registry::read_series of_groups(std::shared_ptr<const series_budgets> budgets, Value value) {
  return [budgets = std::move(budgets), value] {
    values out;
    for (const auto& b : budgets->states(groups_shown))
      for (const auto& g : b.groups)
        out.push_back({{{"budget", b.name}, {"group", short_name(g.values.to_string())}},
                       static_cast<double>(value(g))});
    return out;
  };
}

template <class Value>
registry::read_series of_budgets(std::shared_ptr<const series_budgets> budgets, Value value) {
  return [budgets = std::move(budgets), value] {
    values out;
    for (const auto& b : budgets->states(0))
      out.push_back({{{"budget", b.name}}, static_cast<double>(value(b))});
    return out;
  };
}

// By what they share, within each window.
values created_top(series_growth& growth) {
  values out;
  for (const auto& w : growth.report(growth_shown)) {
    const auto add = [&](std::string_view by, const growth_window::list& list) {
      for (const auto& e : list.top)
        out.push_back({{{"by", std::string(by)},
                        {"name", short_name(e.of.size() == 1 && by != "label"
                                                ? std::string(e.of.begin()->value)
                                                : e.of.to_string())},
                        {"window", format_duration(w.span_ms)}},
                       static_cast<double>(e.created)});
    };
    add("metric", w.metrics);
    add("job", w.jobs);
    add("target", w.targets);
    add("label", w.pairs);
  }
  return out;
}

values label_values_top(series_growth& growth) {
  values out;
  for (const auto& w : growth.report(growth_shown))
    for (const auto& e : w.labels_of_metrics)
      out.push_back({{{"label", short_name(e.label)},
                      {"metric", short_name(e.metric)},
                      {"window", format_duration(w.span_ms)}},
                     static_cast<double>(e.values)});
  return out;
}

values created(series_growth& growth) {
  values out;
  for (const auto& w : growth.report(0))
    out.push_back({{{"window", format_duration(w.span_ms)}}, static_cast<double>(w.created)});
  return out;
}

}  // namespace

void show_cardinality(registry& metrics, const std::shared_ptr<const series_budgets>& budgets,
                      const std::shared_ptr<series_growth>& growth) {
  metrics.add_gauge_family("troupe_series_budget_limit",
                           "Series that each group of a budget may have in the heads.",
                           of_budgets(budgets, [](const budget_state& b) { return b.limit; }));
  metrics.add_gauge_family(
      "troupe_series_budget_groups", "Groups of a budget that have series.",
      of_budgets(budgets, [](const budget_state& b) { return b.group_count; }));
  metrics.add_gauge_family(
      "troupe_series_budget_series",
      "Series that count for a group; of the groups with most refusals, then most series.",
      of_groups(budgets, [](const budget_state::group& g) { return g.series; }));
  metrics.add_counter_family(
      "troupe_series_budget_refused_total",
      "Times that a new series of a group was refused; of the groups with most refusals.",
      of_groups(budgets, [](const budget_state::group& g) { return g.refused; }));
  metrics.add_gauge_family("troupe_series_created",
                           "Series created within about the last 10 s, 1 m, 1 h.",
                           [growth] { return created(*growth); });
  metrics.add_gauge_family(
      "troupe_series_created_top",
      "Series created within the window that share a metric name, job, target or label value; the "
      "most frequent of each.",
      [growth] { return created_top(*growth); });
  metrics.add_gauge_family("troupe_series_created_label_values_top",
                           "Different values, estimated, of a label among the series of a metric "
                           "created within the window; the most of them.",
                           [growth] { return label_values_top(*growth); });
}

}  // namespace troupe::storage
