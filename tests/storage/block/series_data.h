// Series as plain data for tests: a series_set over them, random ones, and a flat form to compare.
#pragma once

#include "storage/base/random.h"
#include "storage/chunk/columns.h"
#include "storage/querier.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage::test {

struct series_data {
  labels series;
  sample_columns columns;
};

/// Owns its series; sorted by labels when built.
class data_series_set final : public series_set {
 public:
  explicit data_series_set(std::vector<series_data> data) : data_(std::move(data)) {
    std::sort(data_.begin(), data_.end(),
              [](const auto& a, const auto& b) { return a.series < b.series; });
  }
  bool next() override { return ++at_ <= data_.size(); }
  const labels& series() const override { return data_[at_ - 1].series; }
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    const auto& in = data_[at_ - 1].columns;
    for (size_t i = 0; i < in.ts.size(); ++i)
      if (in.ts[i] >= mint && in.ts[i] <= maxt)
        append_float(out, in.ts[i], in.values[i],
                     in.start_ts.empty() ? no_start_timestamp : in.start_ts[i]);
    for (const auto& row : in.histograms)
      if (row.ts >= mint && row.ts <= maxt)
        out.histograms.push_back(row);
    return {};
  }

 private:
  std::vector<series_data> data_;
  size_t at_ = 0;
};

/// Series -> timestamp -> value and start as text, bit by bit.
using flat = std::map<std::string, std::map<timestamp_ms, std::string>>;

inline void flatten(const std::string& name, const sample_columns& c, flat& out) {
  auto& rows = out[name];
  for (size_t i = 0; i < c.ts.size(); ++i)
    rows[c.ts[i]] = "f " + std::to_string(std::bit_cast<uint64_t>(c.values[i])) + " " +
                    std::to_string(c.start_ts.empty() ? no_start_timestamp : c.start_ts[i]);
  for (const auto& row : c.histograms) {
    std::string bytes = "h ";
    row.value->encode(bytes);
    rows[row.ts] = bytes + " " + std::to_string(row.start_ts);
  }
}

inline flat flatten(const std::vector<series_data>& data) {
  flat out;
  for (const auto& s : data)
    flatten(s.series.to_string(), s.columns, out);
  return out;
}

/// Everything in [mint, maxt] of a set; series without samples are left out.
inline flat drain(series_set& set, timestamp_ms mint = min_time, timestamp_ms maxt = max_time) {
  flat out;
  while (set.next()) {
    sample_columns c;
    if (set.read(mint, maxt, c).ok() && (!c.ts.empty() || !c.histograms.empty()))
      flatten(set.series().to_string(), c, out);
  }
  return out;
}

inline uint64_t count_samples(const flat& f) {
  uint64_t n = 0;
  for (const auto& [name, rows] : f)
    n += rows.size();
  return n;
}

/// True if every sample of `part` is in `whole` with the same bits.
inline bool is_part_of(const flat& part, const flat& whole) {
  for (const auto& [name, rows] : part) {
    const auto at = whole.find(name);
    if (at == whole.end())
      return false;
    for (const auto& [ts, value] : rows)
      if (const auto v = at->second.find(ts); v == at->second.end() || v->second != value)
        return false;
  }
  return true;
}

/// One of several shapes of values, the odd ones included.
inline double random_value(random_source& random, unsigned profile, double before) {
  switch (profile % 7) {
    case 0:
      return 42;
    case 1:
      return before + static_cast<double>(random.below(100));
    case 2:
      return before + 15;
    case 3:
      return std::round((before + random.unit()) * 1000) / 1000;
    case 4:
      return std::bit_cast<double>(random.next());
    case 5: {
      static constexpr uint64_t odd[] = {stale_nan_bits,
                                         normal_nan_bits,
                                         0x7ff0000000000000,
                                         0xfff0000000000000,
                                         0x8000000000000000,
                                         0,
                                         1,
                                         0xfff8dead00000001,
                                         0x4340000000000000,
                                         0xc340000000000000,
                                         0x4340000000000001,
                                         0x7fefffffffffffff};
      return std::bit_cast<double>(odd[random.below(std::size(odd))]);
    }
    default:
      return random.below(10) ? before : std::bit_cast<double>(stale_nan_bits);
  }
}

inline histogram_ptr random_histogram(random_source& random) {
  auto h = std::make_shared<histogram>();
  h->schema = static_cast<int32_t>(random.below(5));
  const auto n = static_cast<uint32_t>(random.below(6));
  if (n)
    h->positive_spans.push_back({static_cast<int32_t>(random.below(4)), n});
  for (uint32_t i = 0; i < n; ++i)
    h->positive_buckets.push_back(static_cast<double>(random.below(50)));
  h->count = static_cast<double>(random.below(1000));
  h->sum = random.below(8) ? random.unit() * 100 : stale_nan();
  return h;
}

struct random_shape {
  size_t series = 20;
  size_t samples = 100;  ///< per series, about
  timestamp_ms from = 0;
  int64_t step = 15'000;
  bool histograms = true;
  std::string job = "j";
};

inline std::vector<series_data> random_series(random_source& random, const random_shape& shape) {
  std::vector<series_data> out;
  for (size_t s = 0; s < shape.series; ++s) {
    series_data d;
    d.series = labels::from(
        {{"__name__", "m" + std::to_string(s % 5)}, {"job", shape.job}, {"i", std::to_string(s)}});
    const auto profile = static_cast<unsigned>(random.below(7));
    const bool starts = random.below(4) == 0, jitter = random.below(3) == 0;
    const bool hist = shape.histograms && random.below(4) == 0;
    double value = static_cast<double>(random.below(1000));
    timestamp_ms ts = shape.from;
    for (size_t i = 0; i < shape.samples; ++i) {
      ts += shape.step;
      const timestamp_ms at = ts + (jitter ? static_cast<timestamp_ms>(random.below(100)) : 0);
      if (hist && random.below(2)) {
        d.columns.histograms.push_back({at, starts ? at / 1000 : 0, random_histogram(random)});
      } else {
        value = random_value(random, profile, value);
        append_float(d.columns, at, value, starts && random.below(3) ? shape.from + 1 : 0);
      }
    }
    out.push_back(std::move(d));
  }
  return out;
}

struct classic_shape {
  size_t hosts = 2;
  size_t methods = 2;  ///< a label behind `le`: histograms of one host whose buckets alternate
  size_t samples = 300;
  timestamp_ms from = 0;
  int64_t jitter_ms = 0;  ///< 0: 15 s sharp
  bool stale = false;     ///< stale markers, in all buckets at once
  bool starts = false;
};

/// Buckets, sum and count of classic histograms, cumulative integers.
inline std::vector<series_data> classic_histograms(random_source& random,
                                                   const classic_shape& shape) {
  static constexpr const char* bounds[] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25",
                                           "0.5",   "1",    "2.5",   "5",    "10",  "+Inf"};
  constexpr size_t buckets = std::size(bounds);
  std::vector<series_data> out;
  for (size_t h = 0; h < shape.hosts * shape.methods; ++h) {
    std::vector<series_data> one(buckets + 2);
    const auto name = [&](const char* suffix, const char* bound) {
      labels_builder b;
      b.set("__name__", std::string("rpc_seconds") + suffix).set("le", bound);
      b.set("instance", "host" + std::to_string(h / shape.methods)).set("job", "j");
      return b.set("method", "m" + std::to_string(h % shape.methods)).build();
    };
    for (size_t b = 0; b < buckets; ++b)
      one[b].series = name("_bucket", bounds[b]);
    one[buckets].series = name("_sum", "");
    one[buckets + 1].series = name("_count", "");
    std::vector<double> counts(buckets);
    double sum = 0;
    for (size_t i = 0; i < shape.samples; ++i) {
      const timestamp_ms ts =
          shape.from + static_cast<timestamp_ms>(i) * 15'000 +
          (shape.jitter_ms
               ? static_cast<timestamp_ms>(random.below(static_cast<uint64_t>(shape.jitter_ms)))
               : 0);
      const bool stale = shape.stale && random.below(50) == 0;
      double total = 0;
      for (size_t b = 0; b < buckets; ++b) {
        counts[b] += static_cast<double>(random.below(1 + 400 / ((b + 1) * (b + 1))));
        total += counts[b];
        append_float(one[b].columns, ts, stale ? stale_nan() : total,
                     shape.starts ? shape.from + 1 : no_start_timestamp);
      }
      append_float(one[buckets].columns, ts, stale ? stale_nan() : sum += random.unit());
      append_float(one[buckets + 1].columns, ts, stale ? stale_nan() : total);
    }
    std::move(one.begin(), one.end(), std::back_inserter(out));
  }
  return out;
}

}  // namespace troupe::storage::test
