#include "query/engine/step_vector.h"

#include "storage/base/check.h"

#include <algorithm>

namespace troupe::query {
namespace {

const histogram_ptr no_histogram;

bool is_metadata_label(std::string_view name) {
  return name == metric_name_label || name == "__type__" || name == "__unit__";
}

uint64_t weigh(const step_series& s, uint64_t& bytes) {
  uint64_t samples = 0;
  for (const double v : s.values)
    samples += is_absent(v) ? 0 : 1;
  bytes = sizeof(step_series) + s.metric.heap_bytes() + s.values.size() * sizeof(double);
  for (const auto& h : s.histograms) {
    if (h) {
      samples += sample_weight(*h);
      bytes += sample_weight(*h) * 16;
    }
  }
  bytes += s.histograms.size() * sizeof(histogram_ptr);
  return samples;
}

// Brings the columns of `into` to [first, end) and adds those of `from`.
status merge_into(step_series& into, step_series& from) {
  const uint32_t first = std::min(into.first, from.first);
  const uint32_t end = std::max(into.end(), from.end());
  if (from.first < into.first)
    into.drop_name = from.drop_name;
  const bool histograms = !into.histograms.empty() || !from.histograms.empty();
  std::vector<double> values(end - first, absent());
  std::vector<histogram_ptr> hists(histograms ? end - first : 0);
  for (const step_series* s : {&into, &from}) {
    for (uint32_t step = s->first; step < s->end(); ++step) {
      if (!s->has(step))
        continue;
      const uint32_t i = step - first;
      if (!is_absent(values[i]) || (histograms && hists[i]))
        return same_labelset_error();
      values[i] = s->value_at(step);
      if (histograms)
        hists[i] = s->histogram_at(step);
    }
  }
  into.first = first;
  into.values = std::move(values);
  into.histograms = std::move(hists);
  return {};
}

}  // namespace

const histogram_ptr& step_series::histogram_at(uint32_t step) const {
  if (histograms.empty() || step < first || step >= end())
    return no_histogram;
  return histograms[step - first];
}

uint64_t sample_weight(const histogram& h) {
  constexpr uint64_t fixed = 168;
  const uint64_t size =
      fixed + 8 * (h.positive_spans.size() + h.negative_spans.size() + h.positive_buckets.size() +
                   h.negative_buckets.size() + h.custom_bounds.size());
  return (size + 8) / 16;
}

status step_vector::push(labels metric, bool drop_name, const step_scratch& scratch) {
  uint32_t first = 0;
  uint32_t end = static_cast<uint32_t>(scratch.values.size());
  while (first < end && !scratch.has(first))
    ++first;
  if (first == end)
    return {};
  while (!scratch.has(end - 1))
    --end;
  step_series s;
  s.metric = std::move(metric);
  s.drop_name = drop_name;
  s.first = first;
  s.values.assign(scratch.values.begin() + first, scratch.values.begin() + end);
  if (!scratch.histograms.empty())
    s.histograms.assign(scratch.histograms.begin() + first, scratch.histograms.begin() + end);
  return push(std::move(s));
}

status step_vector::push(step_series s) {
  uint64_t bytes = 0;
  const uint64_t samples = weigh(s, bytes);
  TROUPE_TRY(holds.add(samples, bytes));
  series.push_back(std::move(s));
  return {};
}

labels drop_metadata_labels(const labels& metric) {
  const bool any = std::any_of(metric.begin(), metric.end(),
                               [](const label_view& l) { return is_metadata_label(l.name); });
  if (!any)
    return metric;
  std::vector<label_view> kept;
  kept.reserve(metric.size());
  for (const label_view& l : metric)
    if (!is_metadata_label(l.name))
      kept.push_back(l);
  return labels::from_views(std::move(kept));
}

std::pair<uint32_t, bool> label_index::add(const labels& l) {
  const auto [it, inserted] = index_.try_emplace(l, static_cast<uint32_t>(index_.size()));
  return {it->second, inserted};
}

status same_labelset_error() {
  return {errc::execution, "vector cannot contain metrics with the same labelset"};
}

status reject_same_labelset(const step_vector& v) {
  label_index seen;
  for (const step_series& s : v.series)
    if (!seen.add(s.metric).second)
      return same_labelset_error();
  return {};
}

status merge_same_labelset(step_vector& v) {
  label_index seen;
  size_t kept = 0;
  for (size_t i = 0; i < v.series.size(); ++i) {
    const auto [at, added] = seen.add(v.series[i].metric);
    if (!added) {
      TROUPE_TRY(merge_into(v.series[at], v.series[i]));
    } else {
      if (kept != i)
        v.series[kept] = std::move(v.series[i]);
      ++kept;
    }
  }
  v.series.resize(kept);
  return {};
}

}  // namespace troupe::query
