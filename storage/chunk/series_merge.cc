#include "storage/chunk/series_merge.h"

#include "storage/chunk/columns.h"

#include <algorithm>

namespace troupe::storage {
namespace {

class merged_series_set final : public series_set {
 public:
  explicit merged_series_set(std::vector<std::unique_ptr<series_set>> sources)
      : sources_(std::move(sources)) {
    for (size_t i = 0; i < sources_.size(); ++i)
      group_.push_back(i);
  }

  bool next() override {
    // The members of the current series move on; the others wait in the heap.
    for (const size_t i : group_) {
      if (sources_[i]->next()) {
        heap_.push_back(i);
        std::push_heap(heap_.begin(), heap_.end(), later{this});
      } else if (status s = sources_[i]->error(); !s.ok() && error_.ok()) {
        error_ = std::move(s);
      }
    }
    group_.clear();
    if (heap_.empty() || !error_.ok())
      return false;
    do {
      std::pop_heap(heap_.begin(), heap_.end(), later{this});
      group_.push_back(heap_.back());
      heap_.pop_back();
    } while (!heap_.empty() && sources_[heap_.front()]->series() == series());
    return true;
  }

  const labels& series() const override { return sources_[group_.front()]->series(); }

  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    if (group_.size() == 1 && out.ts.empty() && out.histograms.empty())
      return sources_[group_.front()]->read(mint, maxt, out);
    std::vector<sample_columns> parts(group_.size() + 1);
    for (size_t i = 0; i < group_.size(); ++i)
      TROUPE_TRY(sources_[group_[i]]->read(mint, maxt, parts[i]));
    // What is already in `out` takes part, so that appending keeps it sorted and unique.
    std::swap(parts.back(), out);
    merge_columns(parts, out);
    return {};
  }

  // A summary stands if no other source has anything in its range; else its samples are read.
  status read_summarized(timestamp_ms mint, timestamp_ms maxt, sample_columns& out,
                         std::vector<sample_summary>& runs) override {
    if (group_.size() == 1 && is_empty(out))
      return sources_[group_.front()]->read_summarized(mint, maxt, out, runs);
    std::vector<sample_columns> parts(group_.size() + 1);
    std::vector<source_runs> found(group_.size());
    for (size_t i = 0; i < group_.size(); ++i)
      TROUPE_TRY(sources_[group_[i]]->read_summarized(mint, maxt, parts[i], found[i]));
    std::swap(parts.back(), out);
    for (size_t i = 0; i < found.size(); ++i)
      for (const sample_summary& run : found[i]) {
        if (alone(i, run, parts, found))
          runs.push_back(run);
        else
          TROUPE_TRY(sources_[group_[i]]->read(run.first_ts, run.last_ts, parts[i]));
      }
    std::sort(runs.begin(), runs.end(),
              [](const auto& a, const auto& b) { return a.first_ts < b.first_ts; });
    merge_columns(parts, out);
    return {};
  }

  status error() const override { return error_; }

 private:
  using source_runs = std::vector<sample_summary>;

  static bool alone(size_t source, const sample_summary& run,
                    const std::vector<sample_columns>& parts,
                    const std::vector<source_runs>& found) {
    for (size_t i = 0; i < parts.size(); ++i)
      if (i != source && !is_empty(parts[i]) && first_ts(parts[i]) <= run.last_ts &&
          run.first_ts <= last_ts(parts[i]))
        return false;
    for (size_t i = 0; i < found.size(); ++i)
      for (const auto& other : found[i])
        if (i != source && other.first_ts <= run.last_ts && run.first_ts <= other.last_ts)
          return false;
    return true;
  }

  // Order of the heap: its front is the first in label order, of equals the first source.
  struct later {
    const merged_series_set* set;
    bool operator()(size_t a, size_t b) const {
      const auto order = set->sources_[a]->series() <=> set->sources_[b]->series();
      return order != 0 ? order > 0 : a > b;
    }
  };

  std::vector<std::unique_ptr<series_set>> sources_;
  std::vector<size_t> heap_;   // sources that stand at a series behind the current one
  std::vector<size_t> group_;  // sources that stand at the current one
  status error_;
};

}  // namespace

std::unique_ptr<series_set> merge_series(std::vector<std::unique_ptr<series_set>> sources) {
  return std::make_unique<merged_series_set>(std::move(sources));
}

}  // namespace troupe::storage
