#include "tests/pipeline/aggregate/reference.h"

#include "pipeline/aggregate/rule.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <vector>

namespace troupe::aggregate {
namespace {

struct one_interval {
  std::vector<double> values;
  std::set<labels> series;
  double increase = 0, increase_prometheus = 0;
  std::vector<double> rates;
  timestamp_ms last_ts = min_time;
  double last = 0;
};

double variance(const std::vector<double>& v) {
  double mean = 0, out = 0;
  for (const double x : v)
    mean += x / static_cast<double>(v.size());
  for (const double x : v)
    out += (x - mean) * (x - mean) / static_cast<double>(v.size());
  return out;
}

class one_group {
 public:
  one_group(const rule& r, labels key) : r_(r), key_(std::move(key)) {}

  void take(const labels& series, const std::map<timestamp_ms, double>& samples,
            timestamp_ms begun) {
    std::optional<sample> before;
    std::map<timestamp_ms, std::pair<sample, double>> rates;  // interval: from where, increase
    std::map<timestamp_ms, timestamp_ms> ends;
    for (const auto& [ts, value] : samples) {
      const timestamp_ms end = (ts + r_.interval_ms() - 1) / r_.interval_ms() * r_.interval_ms();
      if (before && ts - before->ts > r_.staleness_ms())
        before.reset();
      one_interval& i = intervals_[end];
      i.values.push_back(value);
      i.series.insert(series);
      if (ts > i.last_ts || (ts == i.last_ts && value > i.last)) {
        i.last_ts = ts;
        i.last = value;
      }
      auto& rate = rates.try_emplace(end, before ? *before : sample{ts, value}, 0.0).first->second;
      ends[end] = ts;
      if (before) {
        const double delta = value >= before->value ? value - before->value : value;
        i.increase += delta;
        i.increase_prometheus += delta;
        rate.second += delta;
      } else if (ts > begun + r_.ignore_first_sample_ms()) {
        i.increase += value;
      }
      before = sample{ts, value};
    }
    for (const auto& [end, from] : rates)
      if (ends[end] > from.first.ts)
        intervals_[end].rates.push_back(from.second /
                                        (static_cast<double>(ends[end] - from.first.ts) / 1000));
  }

  void give(timestamp_ms first, timestamp_ms until, outputs_by_time& out) {
    double total = 0, total_prometheus = 0;
    timestamp_ms last_ts = min_time;
    if (intervals_.empty())
      return;
    for (timestamp_ms end = intervals_.begin()->first; end <= until; end += r_.interval_ms()) {
      const auto found = intervals_.find(end);
      const bool any = found != intervals_.end();
      if (any) {
        total += found->second.increase;
        total_prometheus += found->second.increase_prometheus;
        last_ts = found->second.last_ts;
      }
      if (last_ts != min_time && last_ts < end - r_.staleness_ms()) {
        total = total_prometheus = 0;
        last_ts = min_time;
      }
      if (end < first)
        continue;
      const auto put = [&](function f, double v) {
        out[{r_.output_of(key_, f).to_string(), end}] = v;
      };
      if (last_ts != min_time) {
        put(function::total, total);
        put(function::total_prometheus, total_prometheus);
      }
      if (any)
        give_values(found->second, end, put, out);
    }
  }

 private:
  template <class Put>
  void give_values(one_interval& i, timestamp_ms end, const Put& put, outputs_by_time& out) {
    std::sort(i.values.begin(), i.values.end());
    const auto n = static_cast<double>(i.values.size());
    double sum = 0, rates = 0;
    for (const double v : i.values)
      sum += v;
    for (const double v : i.rates)
      rates += v;
    put(function::sum_samples, sum);
    put(function::avg, sum / n);
    put(function::count_samples, n);
    put(function::count_series, static_cast<double>(i.series.size()));
    put(function::min, i.values.front());
    put(function::max, i.values.back());
    put(function::last, i.last);
    put(function::stddev, std::sqrt(variance(i.values)));
    put(function::stdvar, variance(i.values));
    put(function::increase, i.increase);
    put(function::increase_prometheus, i.increase_prometheus);
    put(function::unique_samples,
        static_cast<double>(std::set<double>(i.values.begin(), i.values.end()).size()));
    if (!i.rates.empty()) {
      put(function::rate_sum, rates);
      put(function::rate_avg, rates / static_cast<double>(i.rates.size()));
    }
    for (const auto& [phi, text] : {std::pair(0.0, "0"), {0.5, "0.5"}, {0.9, "0.9"}, {1.0, "1"}})
      out[{r_.output_of(key_, function::quantiles, "quantile", text).to_string(), end}] =
          i.values[static_cast<size_t>(phi * (n - 1) + 0.5)];
  }

  const rule& r_;
  const labels key_;
  std::map<timestamp_ms, one_interval> intervals_;
};

}  // namespace

outputs_by_time reference_outputs(const config::aggregation_config& c, const series_samples& in,
                                  timestamp_ms begun, timestamp_ms until) {
  const auto made = rule::make(c);
  const rule& r = **made;
  std::map<labels, one_group> groups;
  for (const auto& [series, samples] : in) {
    const labels key = r.group_of(series);
    groups.try_emplace(key, r, key).first->second.take(series, samples, begun);
  }
  const timestamp_ms interval = r.interval_ms();
  const timestamp_ms first = (begun + interval - 1) / interval * interval + interval;
  outputs_by_time out;
  for (auto& [key, g] : groups)
    g.give(first, until, out);
  return out;
}

}  // namespace troupe::aggregate
