#include "storage/head/head_querier.h"

#include <algorithm>

namespace troupe::storage {
namespace {

class head_series_set final : public series_set {
 public:
  head_series_set(const head_samples& samples, series_selection selected, bool set_aside_only)
      : samples_(samples), selected_(std::move(selected)), set_aside_only_(set_aside_only) {}

  bool next() override { return ++at_ < selected_.series.size(); }
  const labels& series() const override { return selected_.series[at_]->lset(); }
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    const head_series& s = *selected_.series[at_];
    TROUPE_TRY(set_aside_only_ ? samples_.snapshot_set_aside(s, mint, maxt, snapshot_)
                               : samples_.snapshot(s, mint, maxt, snapshot_));
    return snapshot_.read(mint, maxt, out);
  }

 private:
  const head_samples& samples_;
  const series_selection selected_;
  const bool set_aside_only_;
  size_t at_ = SIZE_MAX;  // before the first
  series_snapshot snapshot_;
};

std::unique_ptr<series_set> sorted_set(const head& from, series_selection selected, size_t limit,
                                       bool set_aside_only) {
  auto& series = selected.series;
  std::sort(series.begin(), series.end(),
            [](const auto* a, const auto* b) { return a->lset() < b->lset(); });
  if (limit != 0 && series.size() > limit)
    series.resize(limit);
  return std::make_unique<head_series_set>(from.samples(), std::move(selected), set_aside_only);
}

}  // namespace

std::unique_ptr<series_set> select_head(const head& from, const head_tenant& tenant,
                                        timestamp_ms mint, timestamp_ms maxt,
                                        std::span<const matcher> ms, size_t limit) {
  auto selected = from.select(tenant, ms);
  std::erase_if(selected.series,
                [&](const head_series* s) { return !from.samples().overlaps(*s, mint, maxt); });
  return sorted_set(from, std::move(selected), limit, false);
}

std::unique_ptr<series_set> select_set_aside(const head& from, const head_tenant& tenant,
                                             timestamp_ms mint, timestamp_ms maxt) {
  auto selected = from.all_series(tenant);
  series_snapshot snapshot;
  std::erase_if(selected.series, [&](const head_series* s) {
    // What cannot be read is left to read(), which tells.
    return from.samples().snapshot_set_aside(*s, mint, maxt, snapshot).ok() &&
           snapshot.chunks.empty();
  });
  return sorted_set(from, std::move(selected), 0, true);
}

std::set<timestamp_ms> head_ranges(const head& from, const head_tenant& tenant) {
  std::set<timestamp_ms> out;
  for (const auto* s : from.all_series(tenant).series)
    from.samples().add_ranges(*s, out);
  return out;
}

}  // namespace troupe::storage
