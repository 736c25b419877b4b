#include "query/engine/grouping.h"

#include <algorithm>

namespace troupe::query {

labels group_labels(const labels& metric, const std::vector<std::string>& names, bool without) {
  if (!without && names.empty())
    return {};
  std::vector<label_view> kept;
  for (const label_view& l : metric) {
    const bool named = std::find(names.begin(), names.end(), l.name) != names.end();
    if (without ? !named && l.name != metric_name_label : named)
      kept.push_back(l);
  }
  return labels::from_views(std::move(kept));
}

std::vector<series_group> group_series(const step_vector& v, const aggregate_expr& e) {
  std::vector<series_group> out;
  label_index index;
  for (uint32_t i = 0; i < v.series.size(); ++i) {
    labels metric = group_labels(v.series[i].metric, e.grouping, e.without);
    const auto [at, added] = index.add(metric);
    if (added)
      out.push_back({std::move(metric), {}});
    out[at].members.push_back(i);
  }
  return out;
}

}  // namespace troupe::query
