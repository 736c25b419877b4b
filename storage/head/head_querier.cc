#include "storage/head/head_querier.h"

#include <algorithm>

namespace troupe::storage {
namespace {

class head_series_set final : public series_set {
 public:
  head_series_set(std::vector<series_ptr> series, bool sealed_only)
      : series_(std::move(series)), sealed_only_(sealed_only) {}

  bool next() override {
    if (at_ < series_.size() && at_ != start)
      series_[at_].reset();
    return ++at_ < series_.size();
  }
  const labels& series() const override { return series_[at_]->lset(); }
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    if (sealed_only_)
      series_[at_]->snapshot_sealed(mint, maxt, snapshot_);
    else
      series_[at_]->snapshot(mint, maxt, snapshot_);
    snapshot_.read(mint, maxt, out);
    return {};
  }

 private:
  static constexpr size_t start = SIZE_MAX;
  std::vector<series_ptr> series_;
  bool sealed_only_;
  size_t at_ = start;
  series_snapshot snapshot_;
};

std::unique_ptr<series_set> sorted_set(std::vector<series_ptr> series, size_t limit,
                                       bool sealed_only) {
  std::sort(series.begin(), series.end(),
            [](const series_ptr& a, const series_ptr& b) { return a->lset() < b->lset(); });
  if (limit != 0 && series.size() > limit)
    series.resize(limit);
  return std::make_unique<head_series_set>(std::move(series), sealed_only);
}

}  // namespace

std::unique_ptr<series_set> select_head(const head& from, const head_tenant& tenant,
                                        timestamp_ms mint, timestamp_ms maxt,
                                        std::span<const matcher> ms, size_t limit) {
  auto series = from.select(tenant, ms);
  std::erase_if(series, [&](const series_ptr& s) { return !s->overlaps(mint, maxt); });
  return sorted_set(std::move(series), limit, false);
}

std::unique_ptr<series_set> select_sealed(const head& from, const head_tenant& tenant,
                                          timestamp_ms mint, timestamp_ms maxt) {
  auto series = from.all_series(tenant);
  series_snapshot snapshot;
  std::erase_if(series, [&](const series_ptr& s) {
    s->snapshot_sealed(mint, maxt, snapshot);
    return snapshot.sealed.empty();
  });
  return sorted_set(std::move(series), 0, true);
}

void seal_head(const head& from, const head_tenant& tenant, timestamp_ms bound,
               std::set<timestamp_ms>& ranges) {
  for (const auto& s : from.all_series(tenant))
    s->seal(bound, ranges);
}

void release_sealed(const head& from, const head_tenant& tenant) {
  for (const auto& s : from.all_series(tenant))
    s->release_sealed();
}

std::set<timestamp_ms> head_ranges(const head& from, const head_tenant& tenant) {
  std::set<timestamp_ms> out;
  for (const auto& s : from.all_series(tenant))
    s->add_ranges(out);
  return out;
}

}  // namespace troupe::storage
