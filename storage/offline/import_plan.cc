#include "storage/offline/import_plan.h"

#include "storage/head/head_chunk.h"

#include <algorithm>
#include <set>
#include <string>

namespace troupe::storage {
namespace {

constexpr int64_t longest_ms = 200LL * 366 * 24 * 3600 * 1000;
// Times are kept away from the ends of the numbers, where no aligned range fits.
constexpr timestamp_ms farthest = max_time / 2;

class planner {
 public:
  planner(std::span<const time_interval> extents, std::span<const int64_t> widths)
      : extents_(extents), widths_(widths) {
    for (const auto& e : extents)
      newest_ = std::max(newest_, e.max);
  }

  void add(timestamp_ms begin, size_t level) {
    const int64_t width = widths_[level];
    const bool any = std::any_of(extents_.begin(), extents_.end(), [&](const time_interval& e) {
      return e.min < begin + width && begin <= e.max;
    });
    if (!any)
      return;
    if (level == 0 || begin + width <= newest_) {
      out_.push_back({begin, begin + width});
      return;
    }
    for (timestamp_ms at = begin; at < begin + width; at += widths_[level - 1])
      add(at, level - 1);
  }
  std::vector<import_range> take() { return std::move(out_); }

 private:
  std::span<const time_interval> extents_;
  std::span<const int64_t> widths_;
  timestamp_ms newest_ = min_time;
  std::vector<import_range> out_;
};

}  // namespace

result<std::vector<import_range>> plan_import(std::span<const time_interval> extents,
                                              std::span<const int64_t> widths) {
  const int64_t widest = widths.back();
  std::set<timestamp_ms> begins;
  for (const auto& e : extents) {
    if (e.min < -farthest || e.max > farthest || e.max - e.min > longest_ms)
      return {errc::out_of_bounds, "samples from " + std::to_string(e.min) + " to " +
                                       std::to_string(e.max) + " ms span more than 200 years"};
    for (timestamp_ms at = range_start(e.min, widest); at <= e.max; at += widest)
      begins.insert(at);
  }
  planner p(extents, widths);
  for (const timestamp_ms begin : begins)
    p.add(begin, widths.size() - 1);
  return p.take();
}

}  // namespace troupe::storage
