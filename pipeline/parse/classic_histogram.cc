#include "pipeline/parse/classic_histogram.h"

#include "storage/model/histogram_buckets.h"

#include <algorithm>
#include <cmath>

namespace troupe::parse {
namespace {

// Prometheus fills gaps of so many empty buckets in histograms of integers.
constexpr uint32_t filled_gap = 2;

bool is_integer(double v) {
  return std::fabs(v) < 0x1p63 && std::round(v) == v;
}

}  // namespace

void classic_histogram::clear() {
  buckets_.clear();
  count_ = sum_ = 0;
  has_count_ = contradictory_ = false;
}

void classic_histogram::set_bucket(double le, double count) {
  const auto at = std::lower_bound(buckets_.begin(), buckets_.end(), le,
                                   [](const bucket& b, double x) { return b.le < x; });
  if (at != buckets_.end() && at->le == le) {
    contradictory_ = contradictory_ || count < 0;
    return;
  }
  if (count < 0 || (at != buckets_.begin() && count < std::prev(at)->count) ||
      (at != buckets_.end() && count > at->count))
    contradictory_ = true;
  else
    buckets_.insert(at, {le, count});
}

void classic_histogram::set_count(double count) {
  contradictory_ = contradictory_ || count < 0;
  count_ = count;
  has_count_ = true;
}

histogram_ptr classic_histogram::convert() const {
  if (contradictory_ || (!has_count_ && buckets_.empty()))
    return nullptr;
  auto h = std::make_shared<histogram>();
  h->schema = histogram::custom_schema;
  h->count = has_count_ ? count_ : buckets_.back().count;
  h->sum = sum_;
  double below = 0;
  for (const auto& b : buckets_) {
    h->is_float = h->is_float || !is_integer(b.count);
    h->positive_buckets.push_back(b.count - below);
    below = b.count;
    if (b.le != INFINITY)
      h->custom_bounds.push_back(b.le);
  }
  if (buckets_.empty() || buckets_.back().le != INFINITY) {
    h->positive_buckets.push_back(h->count - below);
    below = h->count;
  }
  h->is_float = h->is_float || !is_integer(h->count);
  if (h->count != below)
    return nullptr;
  h->positive_spans = {{0, static_cast<uint32_t>(h->positive_buckets.size())}};
  if (!h->validate().ok())
    return nullptr;
  compact(*h, h->is_float ? 0 : filled_gap);
  return h;
}

}  // namespace troupe::parse
