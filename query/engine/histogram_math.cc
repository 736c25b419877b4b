#include "query/engine/histogram_math.h"

#include "query/engine/annotations.h"
#include "query/engine/kahan.h"
#include "storage/model/sample.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace troupe::query {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

std::vector<double> common_bounds(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

template <class F>
void for_each_bucket(const std::vector<histogram_span>& spans, const std::vector<double>& counts,
                     F f) {
  int64_t index = 0;
  size_t at = 0;
  for (const histogram_span& span : spans) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length && at < counts.size(); ++i)
      f(static_cast<int32_t>(index++), counts[at++]);
  }
}

}  // namespace

void wide_histogram::term::add(const term& x, double sign, bool kahan) {
  if (kahan) {
    query::kahan_add(sign * x.value, value, c);
    if (x.c != 0)
      query::kahan_add(sign * x.c, value, c);
  } else {
    value += sign * x.value;
    c += sign * x.c;
  }
}

wide_histogram::wide_histogram(const histogram& h)
    : schema_(h.schema),
      hint_(h.hint),
      zero_threshold_(h.zero_threshold),
      zero_count_{h.zero_count, 0},
      count_{h.count, 0},
      sum_{h.sum, 0},
      positive_(unpack(h.positive_spans, h.positive_buckets)),
      negative_(unpack(h.negative_spans, h.negative_buckets)),
      custom_bounds_(h.custom_bounds) {}

wide_histogram::side wide_histogram::unpack(const std::vector<histogram_span>& spans,
                                            const std::vector<double>& counts) {
  side out;
  out.reserve(counts.size());
  for_each_bucket(spans, counts, [&](int32_t index, double count) {
    if (count != 0)
      out.push_back({index, {count, 0}});
  });
  return out;
}

void wide_histogram::pack(const side& from, std::vector<histogram_span>& spans,
                          std::vector<double>& counts) {
  int32_t next = 0;
  for (const entry& e : from) {
    const double count = e.count.total();
    if (count == 0)
      continue;
    if (spans.empty() || e.index != next)
      spans.push_back({e.index - next, 0});
    ++spans.back().length;
    counts.push_back(count);
    next = e.index + 1;
  }
}

void wide_histogram::reduce_side(side& s, int32_t levels) {
  side out;
  for (const entry& e : s) {
    const int32_t index = ((e.index - 1) >> levels) + 1;
    if (!out.empty() && out.back().index == index)
      out.back().count.add(e.count, 1, false);
    else
      out.push_back({index, e.count});
  }
  s = std::move(out);
}

void wide_histogram::reduce_to(int32_t schema) {
  if (schema >= schema_)
    return;
  const int32_t levels = schema_ - schema;
  reduce_side(positive_, levels);
  reduce_side(negative_, levels);
  schema_ = schema;
}

bool wide_histogram::merge_hint(counter_reset_hint other) {
  using enum counter_reset_hint;
  if (hint_ == other || hint_ == gauge)
    return false;
  if (other == gauge) {
    hint_ = gauge;
    return false;
  }
  const bool collision = hint_ != unknown && other != unknown;
  hint_ = unknown;
  return collision;
}

void wide_histogram::combine_side(side& into, const side& from, double sign, bool kahan) const {
  side out;
  out.reserve(into.size() + from.size());
  size_t i = 0;
  for (const entry& e : from) {
    while (i < into.size() && into[i].index < e.index)
      out.push_back(into[i++]);
    entry sum{e.index, {}};
    if (i < into.size() && into[i].index == e.index)
      sum = into[i++];
    sum.count.add(e.count, sign, kahan);
    out.push_back(sum);
  }
  out.insert(out.end(), into.begin() + static_cast<ptrdiff_t>(i), into.end());
  into = std::move(out);
}

// Takes the buckets inside [-threshold, threshold] into the zero bucket. A threshold that falls
// into a filled bucket grows to that bucket's end.
void wide_histogram::widen_zero_bucket(double& threshold) {
  const auto upper = [&](const entry& e) { return exponential_bound(e.index, schema_); };
  const auto lower = [&](const entry& e) { return exponential_bound(e.index - 1, schema_); };
  for (bool grown = true; grown;) {
    grown = false;
    for (const side* s : {&positive_, &negative_}) {
      for (const entry& e : *s) {
        if (lower(e) < threshold && upper(e) > threshold && e.count.total() != 0) {
          threshold = upper(e);
          grown = true;
        }
      }
    }
  }
  for (side* s : {&positive_, &negative_}) {
    std::erase_if(*s, [&](const entry& e) {
      if (lower(e) >= threshold)
        return false;
      zero_count_.add(e.count, 1, false);
      return true;
    });
  }
  zero_threshold_ = threshold;
}

void wide_histogram::reconcile_zero_buckets(wide_histogram& other) {
  while (zero_threshold_ != other.zero_threshold_) {
    wide_histogram& smaller = zero_threshold_ < other.zero_threshold_ ? *this : other;
    double threshold = std::max(zero_threshold_, other.zero_threshold_);
    if (std::isnan(threshold))
      return;
    smaller.widen_zero_bucket(threshold);
  }
}

void wide_histogram::map_custom_bounds(const std::vector<double>& bounds) {
  side out;
  for (const entry& e : positive_) {
    const size_t at = static_cast<size_t>(e.index);
    const double upper = at < custom_bounds_.size() ? custom_bounds_[at] : inf;
    const auto target = std::lower_bound(bounds.begin(), bounds.end(), upper) - bounds.begin();
    if (!out.empty() && out.back().index == target)
      out.back().count.add(e.count, 1, false);
    else
      out.push_back({static_cast<int32_t>(target), e.count});
  }
  positive_ = std::move(out);
  custom_bounds_ = bounds;
}

combine_result wide_histogram::combine(wide_histogram h, double sign, bool kahan) {
  combine_result out;
  const bool custom = schema_ == histogram::custom_schema;
  if (custom != (h.schema_ == histogram::custom_schema)) {
    out.compatible = false;
    return out;
  }
  out.reset_collision = merge_hint(h.hint_);
  if (custom) {
    if (custom_bounds_ != h.custom_bounds_) {
      out.reconciled = true;
      const std::vector<double> bounds = common_bounds(custom_bounds_, h.custom_bounds_);
      map_custom_bounds(bounds);
      h.map_custom_bounds(bounds);
    }
  } else {
    reconcile_zero_buckets(h);
    zero_count_.add(h.zero_count_, sign, kahan);
    const int32_t schema = std::min(schema_, h.schema_);
    reduce_to(schema);
    h.reduce_to(schema);
  }
  count_.add(h.count_, sign, kahan);
  sum_.add(h.sum_, sign, kahan);
  combine_side(positive_, h.positive_, sign, kahan);
  combine_side(negative_, h.negative_, sign, kahan);
  return out;
}

void wide_histogram::mul(double factor) {
  for_each_term([&](term& t) { t.mul(factor); });
  if (factor < 0)
    hint_ = counter_reset_hint::gauge;
}

void wide_histogram::div(double divisor) {
  for_each_term([&](term& t) { t.div(divisor); });
  if (divisor < 0)
    hint_ = counter_reset_hint::gauge;
  // Dividing by zero leaves buckets without meaning.
  if (divisor == 0) {
    positive_.clear();
    negative_.clear();
  }
}

bool wide_histogram::overflows() const {
  const auto infinite = [](const term& t) { return std::isinf(t.value); };
  if (infinite(zero_count_) || infinite(count_) || infinite(sum_))
    return true;
  for (const side* s : {&positive_, &negative_})
    if (std::any_of(s->begin(), s->end(), [&](const entry& e) { return infinite(e.count); }))
      return true;
  return false;
}

histogram_ptr wide_histogram::build() const {
  auto h = std::make_shared<histogram>();
  h->schema = schema_;
  h->hint = hint_;
  h->is_float = true;
  h->zero_threshold = zero_threshold_;
  h->zero_count = zero_count_.total();
  h->count = count_.total();
  h->sum = sum_.total();
  h->custom_bounds = custom_bounds_;
  pack(positive_, h->positive_spans, h->positive_buckets);
  pack(negative_, h->negative_spans, h->negative_buckets);
  return h;
}

histogram_ptr scaled(const histogram& h, double factor) {
  wide_histogram w(h);
  w.mul(factor);
  return w.build();
}

histogram_ptr divided(const histogram& h, double divisor) {
  wide_histogram w(h);
  w.div(divisor);
  return w.build();
}

bool same_histogram(const histogram& a, const histogram& b) {
  if (a.schema != b.schema || !same_bits(a.count, b.count) || !same_bits(a.sum, b.sum))
    return false;
  if (uses_custom_buckets(a)
          ? a.custom_bounds != b.custom_bounds
          : a.zero_threshold != b.zero_threshold || !same_bits(a.zero_count, b.zero_count))
    return false;
  const auto filled = [](const std::vector<histogram_span>& spans,
                         const std::vector<double>& counts) {
    std::vector<std::pair<int32_t, uint64_t>> out;
    for_each_bucket(spans, counts, [&](int32_t index, double count) {
      if (count != 0)
        out.emplace_back(index, std::bit_cast<uint64_t>(count));
    });
    return out;
  };
  return filled(a.positive_spans, a.positive_buckets) ==
             filled(b.positive_spans, b.positive_buckets) &&
         filled(a.negative_spans, a.negative_buckets) ==
             filled(b.negative_spans, b.negative_buckets);
}

bool detect_reset(const histogram& current, const histogram& previous) {
  if (current.hint == counter_reset_hint::reset)
    return true;
  if (current.hint == counter_reset_hint::not_reset)
    return false;
  const bool custom = uses_custom_buckets(current);
  if (custom != uses_custom_buckets(previous) || current.count < previous.count)
    return true;
  wide_histogram now(current);
  wide_histogram before(previous);
  if (custom) {
    if (now.custom_bounds_ != before.custom_bounds_) {
      const auto bounds = common_bounds(now.custom_bounds_, before.custom_bounds_);
      now.map_custom_bounds(bounds);
      before.map_custom_bounds(bounds);
    }
  } else {
    // A finer resolution or a narrower zero bucket only comes with a restart.
    if (current.schema > previous.schema || current.zero_threshold < previous.zero_threshold)
      return true;
    if (current.zero_threshold > previous.zero_threshold) {
      double threshold = current.zero_threshold;
      before.widen_zero_bucket(threshold);
      if (threshold != current.zero_threshold)
        return true;
    }
    if (now.zero_count_.value < before.zero_count_.value)
      return true;
    before.reduce_to(now.schema_);
  }
  const auto any_fell = [](const wide_histogram::side& n, const wide_histogram::side& b) {
    size_t i = 0;
    for (const auto& old : b) {
      while (i < n.size() && n[i].index < old.index)
        ++i;
      const double count = i < n.size() && n[i].index == old.index ? n[i].count.value : 0;
      if (count < old.count.value)
        return true;
    }
    return false;
  };
  return any_fell(now.positive_, before.positive_) || any_fell(now.negative_, before.negative_);
}

histogram_ptr without_reset_hint(const histogram_ptr& h) {
  if (h->hint == counter_reset_hint::unknown || h->hint == counter_reset_hint::gauge)
    return h;
  auto copy = std::make_shared<histogram>(*h);
  copy->hint = counter_reset_hint::unknown;
  return copy;
}

double exponential_bound(int32_t index, int32_t schema) {
  if (schema <= 0) {
    const int64_t exponent = static_cast<int64_t>(index) << -schema;
    if (exponent == 1024)
      return std::numeric_limits<double>::max();
    return std::ldexp(1.0, static_cast<int>(std::clamp<int64_t>(exponent, -5000, 5000)));
  }
  const int32_t per_octave = 1 << schema;
  const int32_t fraction = index & (per_octave - 1);
  const int32_t exponent = index >> schema;
  if (fraction == 0 && exponent == 1024)
    return std::numeric_limits<double>::max();
  return std::ldexp(std::exp2(static_cast<double>(fraction) / per_octave),
                    std::clamp(exponent, -5000, 5000));
}

std::vector<histogram_bucket> buckets_of(const histogram& h) {
  std::vector<histogram_bucket> out;
  out.reserve(h.negative_buckets.size() + 1 + h.positive_buckets.size());
  if (uses_custom_buckets(h)) {
    for_each_bucket(h.positive_spans, h.positive_buckets, [&](int32_t index, double count) {
      const auto at = static_cast<size_t>(index);
      const size_t n = h.custom_bounds.size();
      out.push_back({at == 0 ? -inf : h.custom_bounds[std::min(at, n) - 1],
                     at < n ? h.custom_bounds[at] : inf, count, at == 0, true});
    });
    return out;
  }
  for_each_bucket(h.negative_spans, h.negative_buckets, [&](int32_t index, double count) {
    out.push_back({-exponential_bound(index, h.schema), -exponential_bound(index - 1, h.schema),
                   count, true, false});
  });
  std::reverse(out.begin(), out.end());
  if (h.zero_count > 0)
    out.push_back({-h.zero_threshold, h.zero_threshold, h.zero_count, true, true});
  for_each_bucket(h.positive_spans, h.positive_buckets, [&](int32_t index, double count) {
    out.push_back({exponential_bound(index - 1, h.schema), exponential_bound(index, h.schema),
                   count, false, true});
  });
  return out;
}

std::string to_text(const histogram& h) {
  std::string out = "{count:" + format_go_g(h.count) + ", sum:" + format_go_g(h.sum);
  for (const histogram_bucket& b : buckets_of(h)) {
    if (b.count == 0)
      continue;
    out += b.lower_inclusive ? ", [" : ", (";
    out += format_go_g(b.lower) + "," + format_go_g(b.upper);
    out += b.upper_inclusive ? "]:" : "):";
    out += format_go_g(b.count);
  }
  return out + "}";
}

}  // namespace troupe::query
