#include "pipeline/otlp/exponential_sum.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace troupe::otlp {

namespace {

constexpr int64_t most_buckets = 160;
/// A shift by more leaves the sign alone as well.
constexpr int64_t most_shift = 62;
/// No bucket is as far from 1 as these say.
constexpr int64_t most_left_shift = 50;
constexpr double farthest_index = 1e15;

/// Indices of the buckets that are not empty: from, and one behind the last.
struct extent {
  int64_t from = 0, to = 0;
  bool empty() const { return from == to; }
};

extent extent_of(const bucket_range& r) {
  const auto filled = [](uint64_t n) { return n != 0; };
  const auto first = std::find_if(r.counts.begin(), r.counts.end(), filled);
  if (first == r.counts.end())
    return {};
  const auto last = std::find_if(r.counts.rbegin(), r.counts.rend(), filled);
  return {r.offset + (first - r.counts.begin()), r.offset + (r.counts.rend() - last)};
}

extent join(const extent& a, const extent& b) {
  if (a.empty() || b.empty())
    return a.empty() ? b : a;
  return {std::min(a.from, b.from), std::max(a.to, b.to)};
}

/// Adds the buckets of `r`, 2^shift of them to one, to those from `from` on.
void add_to(std::vector<uint64_t>& counts, int64_t from, const bucket_range& r, int64_t shift) {
  for (size_t i = 0; i < r.counts.size(); ++i)
    if (r.counts[i] != 0)
      counts[static_cast<size_t>(((int64_t{r.offset} + static_cast<int64_t>(i)) >> shift) -
                                 from)] += r.counts[i];
}

extent coarser(const extent& e, int64_t shift) {
  return e.empty() ? e : extent{e.from >> shift, ((e.to - 1) >> shift) + 1};
}

/// How much coarser both must be that they have few enough buckets together.
int64_t shift_to_fit(const extent& a, const extent& b) {
  int64_t shift = 0;
  for (auto all = join(a, b); all.to - all.from > most_buckets; all = coarser(join(a, b), shift))
    ++shift;
  return shift;
}

/// The index of the bucket that `v` is in.
int64_t index_of(double v, int32_t scale) {
  int exponent = 0;
  if (std::frexp(v, &exponent) == 0.5) {
    const int64_t power = exponent - 1, steps = scale;
    return (steps >= 0 ? power << std::min(steps, most_left_shift)
                       : power >> std::min(-steps, most_shift)) -
           1;
  }
  const double index = std::floor(std::log(v) * std::ldexp(std::numbers::log2e, scale));
  return static_cast<int64_t>(std::clamp(index, -farthest_index, farthest_index));
}

double upper_bound(int64_t index, int32_t scale) {
  return std::exp(static_cast<double>(index + 1) * std::ldexp(std::numbers::ln2, -scale));
}

/// Buckets up to `width` become part of the zero bucket, which ends with the last of them.
void widen_zero(data_point& p, double width) {
  const int64_t last = index_of(width, p.scale);
  for (auto* side : {&p.positive, &p.negative})
    for (size_t i = 0; i < side->counts.size() && side->offset + static_cast<int64_t>(i) <= last;
         ++i)
      p.zero_count += std::exchange(side->counts[i], 0);
  p.zero_threshold = upper_bound(last, p.scale);
}

void make_coarser(data_point& p, int64_t shift) {
  if (shift <= 0)
    return;
  p.scale = static_cast<int32_t>(p.scale - shift);
  shift = std::min(shift, most_shift);
  for (auto* side : {&p.positive, &p.negative}) {
    const auto all = coarser(extent_of(*side), shift);
    std::vector<uint64_t> counts(static_cast<size_t>(all.to - all.from));
    add_to(counts, all.from, *side, shift);
    *side = {static_cast<int32_t>(all.from), std::move(counts)};
  }
}

void add_side(bucket_range& to, const bucket_range& in) {
  const auto all = join(extent_of(to), extent_of(in));
  std::vector<uint64_t> counts(static_cast<size_t>(all.to - all.from));
  add_to(counts, all.from, to, 0);
  add_to(counts, all.from, in, 0);
  to = {static_cast<int32_t>(all.from), std::move(counts)};
}

bool can_be_width(double v) {
  return std::isfinite(v) && v > 0;
}

}  // namespace

void add_buckets(data_point& to, data_point in) {
  const int64_t scale = std::min(to.scale, in.scale);
  make_coarser(to, to.scale - scale);
  make_coarser(in, in.scale - scale);
  const int64_t shift = std::max(shift_to_fit(extent_of(to.positive), extent_of(in.positive)),
                                 shift_to_fit(extent_of(to.negative), extent_of(in.negative)));
  make_coarser(to, shift);
  make_coarser(in, shift);
  if (to.zero_threshold < in.zero_threshold && can_be_width(in.zero_threshold))
    widen_zero(to, in.zero_threshold);
  else if (in.zero_threshold < to.zero_threshold && can_be_width(to.zero_threshold))
    widen_zero(in, to.zero_threshold);
  add_side(to.positive, in.positive);
  add_side(to.negative, in.negative);
  to.zero_count += in.zero_count;
}

}  // namespace troupe::otlp
