#include "pipeline/aggregate/group.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>

namespace troupe::aggregate {
namespace {

bool has_several_series(function f) {
  return f == function::quantiles || f == function::histogram_bucket;
}

std::string text_of(double phi) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), phi).ptr;
  return {text.data(), end};
}

void put_double(std::string& out, double v) {
  put_u64(out, std::bit_cast<uint64_t>(v));
}
double take_double(byte_reader& in) {
  return std::bit_cast<double>(in.u64());
}

}  // namespace

group::group(const rule& r, labels key) : key_(std::move(key)) {
  for (const auto& o : r.outputs())
    names_.push_back(has_several_series(o.function) ? labels() : r.output_of(key_, o.function));
  if (r.has(function::quantiles) || r.has(function::unique_samples) ||
      r.has(function::histogram_bucket))
    sets_ = std::make_unique<sets>();
}

void group::add(const rule& r, uint64_t key, timestamp_ms ts, double value) {
  values& v = open_;
  const bool first = v.count++ == 0;
  v.sum += value;
  v.min = first ? value : std::min(v.min, value);
  v.max = first ? value : std::max(v.max, value);
  if (ts > v.last_ts || (ts == v.last_ts && value > v.last)) {
    v.last_ts = ts;
    v.last = value;
  }
  if (r.has(function::stddev) || r.has(function::stdvar)) {
    const double from_mean = value - v.mean;
    v.mean += from_mean / static_cast<double>(v.count);
    v.squares += from_mean * (value - v.mean);
  }
  last_ts_ = std::max(last_ts_, ts);
  if (!sets_)
    return;
  if (r.has(function::quantiles))
    sets_->values.add(key, value);
  if (r.has(function::unique_samples))
    sets_->distinct.add(value);
  if (r.has(function::histogram_bucket))
    sets_->ranges.add(value);
}

void group::add_increase(double delta, bool first) {
  open_.increase += delta;
  total_ += delta;
  if (first)
    return;
  open_.increase_prometheus += delta;
  total_prometheus_ += delta;
}

void group::add_rate(double per_second) {
  open_.rate += per_second;
  ++open_.rates;
}

double group::value_of(function f) const {
  const values& v = open_;
  const auto count = static_cast<double>(v.count);
  switch (f) {
    case function::avg:
      return v.sum / count;
    case function::count_samples:
      return count;
    case function::count_series:
      return static_cast<double>(v.series);
    case function::increase:
      return v.increase;
    case function::increase_prometheus:
      return v.increase_prometheus;
    case function::last:
      return v.last;
    case function::max:
      return v.max;
    case function::min:
      return v.min;
    case function::rate_avg:
      return v.rate / static_cast<double>(v.rates);
    case function::rate_sum:
      return v.rate;
    case function::stddev:
      return std::sqrt(v.squares / count);
    case function::stdvar:
      return v.squares / count;
    case function::sum_samples:
      return v.sum;
    case function::total:
      return total_;
    case function::total_prometheus:
      return total_prometheus_;
    case function::unique_samples:
      return sets_->distinct.count();
    case function::quantiles:
    case function::histogram_bucket:
      break;
  }
  return 0;
}

void group::append_outputs(const rule& r, std::vector<output_sample>& out) {
  for (size_t i = 0; i < r.outputs().size(); ++i) {
    const auto& o = r.outputs()[i];
    switch (o.function) {
      case function::histogram_bucket:
        for (const auto& [range, count] : sets_->ranges.counts())
          out.push_back(
              {r.output_of(key_, o.function, "vmrange", range), static_cast<double>(count)});
        break;
      case function::quantiles:
        if (const auto sorted = sets_->values.values(); !sorted.empty())
          for (const double phi : o.phis)
            out.push_back({r.output_of(key_, o.function, "quantile", text_of(phi)),
                           quantile_of(sorted, phi)});
        break;
      case function::total:
      case function::total_prometheus:
        out.push_back({names_[i], value_of(o.function)});
        break;
      case function::rate_avg:
      case function::rate_sum:
        if (open_.rates != 0)
          out.push_back({names_[i], value_of(o.function)});
        break;
      default:
        if (has_values())
          out.push_back({names_[i], value_of(o.function)});
    }
  }
}

void group::end_interval() {
  open_ = {};
  if (!sets_)
    return;
  sets_->values.clear();
  sets_->distinct.clear();
}

void group::begin_anew() {
  total_ = total_prometheus_ = 0;
  last_ts_ = min_time;
  if (sets_)
    sets_->ranges.clear();
}

void group::encode(std::string& out) const {
  const values& v = open_;
  for (const uint64_t n : {v.count, v.series, v.rates})
    put_varint(out, n);
  for (const timestamp_ms t : {v.last_ts, last_ts_})
    put_svarint(out, t);
  for (const double d : {v.sum, v.min, v.max, v.last, v.mean, v.squares, v.increase,
                         v.increase_prometheus, v.rate, total_, total_prometheus_})
    put_double(out, d);
  if (!sets_)
    return;
  sets_->values.encode(out);
  sets_->distinct.encode(out);
  sets_->ranges.encode(out);
}

void group::decode(byte_reader& in) {
  values& v = open_;
  for (uint64_t* n : {&v.count, &v.series, &v.rates})
    *n = in.varint();
  for (timestamp_ms* t : {&v.last_ts, &last_ts_})
    *t = in.svarint();
  for (double* d : {&v.sum, &v.min, &v.max, &v.last, &v.mean, &v.squares, &v.increase,
                    &v.increase_prometheus, &v.rate, &total_, &total_prometheus_})
    *d = take_double(in);
  if (!sets_)
    return;
  sets_->values.decode(in);
  sets_->distinct.decode(in);
  sets_->ranges.decode(in);
}

}  // namespace troupe::aggregate
