#include "pipeline/otlp/native.h"

#include "storage/model/sample.h"

#include <algorithm>
#include <span>

namespace troupe::otlp {

namespace {

constexpr int32_t least_scale = -4, most_scale = 8;
constexpr double zero_threshold = 1e-128;  ///< Prometheus reads no other
/// Gaps of so many empty buckets are filled; from the next on they begin a span.
constexpr int64_t longest_filled_gap = 2;

/// Puts the buckets of a side into spans, the first of which begins at `first`.
class side_builder {
 public:
  side_builder(int64_t first, std::vector<histogram_span>& spans, std::vector<double>& buckets)
      : spans_(spans), buckets_(buckets) {
    spans_.push_back({static_cast<int32_t>(first), 0});
  }
  /// `gap` empty buckets, then one with `count`.
  void add(int64_t gap, uint64_t count) {
    if (gap > longest_filled_gap)
      spans_.push_back({static_cast<int32_t>(gap), 0});
    else
      for (int64_t i = 0; i < gap; ++i)
        add_bucket(0);
    add_bucket(count);
  }

 private:
  void add_bucket(uint64_t count) {
    ++spans_.back().length;
    buckets_.push_back(static_cast<double>(count));
  }

  std::vector<histogram_span>& spans_;
  std::vector<double>& buckets_;
};

/// Buckets of `counts`, 2^scale_down of them merged into one, that begin at `offset`. Empty ones
/// are left to the gaps; the last is there in any case.
void add_side(std::span<const uint64_t> counts, int64_t offset, uint32_t scale_down, int64_t first,
              std::vector<histogram_span>& spans, std::vector<double>& buckets) {
  if (counts.empty())
    return;
  side_builder side(first, spans, buckets);
  int64_t collected = offset >> scale_down, appended = collected - 1;
  uint64_t count = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const int64_t index = (offset + static_cast<int64_t>(i)) >> scale_down;
    if (index != collected) {
      if (count != 0) {
        side.add(collected - appended - 1, count);
        appended = collected;
      }
      count = 0;
      collected = index;
    }
    count += counts[i];
  }
  side.add(collected - appended - 1, count);
}

/// Of a series that has ended.
histogram_ptr stale_histogram(int32_t schema) {
  auto h = std::make_shared<histogram>();
  h->schema = schema;
  h->sum = stale_nan();
  return h;
}

/// Indices that a span can have.
bool fits(const bucket_range& r, uint32_t scale_down) {
  const int64_t last = int64_t{r.offset} + static_cast<int64_t>(r.counts.size());
  return (last >> scale_down) < INT32_MAX;
}

}  // namespace

result<histogram_ptr> exponential_histogram(const data_point& p) {
  if (p.scale < least_scale)
    return {errc::invalid_argument,
            "cannot convert exponential to native histogram. Scale must be >= -4, was " +
                std::to_string(p.scale)};
  const int32_t schema = std::min(p.scale, most_scale);
  if (p.no_value)
    return stale_histogram(schema);
  // A shift by more leaves the sign alone as well.
  const auto scale_down = static_cast<uint32_t>(std::min<int64_t>(int64_t{p.scale} - schema, 62));
  auto h = std::make_shared<histogram>();
  h->schema = schema;
  h->zero_threshold = zero_threshold;
  h->zero_count = static_cast<double>(p.zero_count);
  h->count = static_cast<double>(p.count);
  h->sum = p.sum.value_or(0);
  for (const bucket_range* side : {&p.positive, &p.negative}) {
    if (!fits(*side, scale_down))
      return {errc::invalid_argument, "a bucket's index is out of range"};
    const bool positive = side == &p.positive;
    // Bucket 0 is (1, base] there, (1/base, 1] here.
    add_side(side->counts, side->offset, scale_down, (int64_t{side->offset} >> scale_down) + 1,
             positive ? h->positive_spans : h->negative_spans,
             positive ? h->positive_buckets : h->negative_buckets);
  }
  return histogram_ptr(std::move(h));
}

histogram_ptr custom_histogram(const data_point& p) {
  if (p.no_value)
    return stale_histogram(histogram::custom_schema);
  const auto first = std::find_if(p.bucket_counts.begin(), p.bucket_counts.end(),
                                  [](uint64_t n) { return n != 0; });
  const auto offset = first - p.bucket_counts.begin();
  auto h = std::make_shared<histogram>();
  h->schema = histogram::custom_schema;
  h->count = static_cast<double>(p.count);
  h->sum = p.sum.value_or(0);
  h->custom_bounds = p.bounds;
  add_side({first, p.bucket_counts.end()}, offset, 0, offset, h->positive_spans,
           h->positive_buckets);
  return h;
}

}  // namespace troupe::otlp
