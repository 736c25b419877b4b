// GET /api/v1/status/cardinality: what makes the number of series grow, and who uses up a budget.
#include "pipeline/api/handlers.h"
#include "pipeline/api/json_object.h"
#include "pipeline/api/params.h"
#include "query/result_json.h"
#include "storage/base/duration.h"

namespace troupe::api {

namespace {

constexpr size_t default_limit = 10;

std::string labels_json(const labels& of) {
  std::string out;
  query::append_labels_json(out, of);
  return out;
}

std::string list_json(const growth_window::list& list) {
  const std::string top = json_list(list.top, [](const growth_window::entry& e) {
    return json_object()
        .raw("labels", labels_json(e.of))
        .number("created", e.created)
        .number("active", e.active)
        .done();
  });
  return json_object().raw("top", top).number("uncertainty", list.missed).done();
}

std::string label_entries_json(const std::vector<growth_window::label_entry>& entries,
                               bool of_metrics) {
  return json_list(entries, [&](const growth_window::label_entry& e) {
    json_object o;
    if (of_metrics)
      o.text("metric", e.metric);
    return o.text("label", e.label)
        .number("values", e.values)
        .number("created", e.created)
        .text("example", e.example)
        .done();
  });
}

std::string window_json(const growth_window& w) {
  return json_object()
      .text("window", format_duration(w.span_ms))
      .number("created", w.created)
      .raw("metrics", list_json(w.metrics))
      .raw("jobs", list_json(w.jobs))
      .raw("targets", list_json(w.targets))
      .raw("labelValuePairs", list_json(w.pairs))
      .raw("labelsOfMetrics", label_entries_json(w.labels_of_metrics, true))
      .raw("labelNames", label_entries_json(w.label_names, false))
      .done();
}

std::string budget_json(const budget_state& b) {
  const std::string groups = json_list(b.groups, [](const budget_state::group& g) {
    json_object o;
    if (!g.tenant.empty())
      o.text("tenant", g.tenant);
    return o.raw("labels", labels_json(g.values))
        .number("series", g.series)
        .number("refused", g.refused)
        .done();
  });
  return json_object()
      .text("name", b.name)
      .raw("by", json_array(b.by))
      .number("limit", b.limit)
      .number("groupCount", b.group_count)
      .number("refused", b.refused)
      .raw("groups", groups)
      .done();
}

}  // namespace

answer handle_cardinality(const services& s, const http::request& r, const inputs&) {
  const auto limit = limit_param(r);
  if (!limit.ok())
    return bad_data(limit.error().message());
  const auto state = s.admin.cardinality(*limit ? *limit : default_limit);
  return success(json_object()
                     .number("series", state.series)
                     .raw("growth", json_list(state.growth, window_json))
                     .raw("budgets", json_list(state.budgets, budget_json))
                     .done());
}

}  // namespace troupe::api
