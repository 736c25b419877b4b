// The simplest right model of a series: a map from time to the winning sample. Tests compare the
// engine with it.
#pragma once

#include "storage/head/head_samples.h"

#include <bit>
#include <map>

namespace troupe::storage {

struct reference_sample {
  double value = 0;
  timestamp_ms start_ts = 0;
  histogram_ptr hist;

  bool same_value(const reference_sample& o) const {
    if (hist || o.hist)
      return hist && o.hist && *hist == *o.hist;
    return std::bit_cast<uint64_t>(value) == std::bit_cast<uint64_t>(o.value);
  }
  bool loses(const reference_sample& o) const {
    if (!hist || !o.hist)
      return hist == nullptr && (o.hist != nullptr || troupe::loses_against(value, o.value));
    std::string a, b;
    hist->encode(a);
    o.hist->encode(b);
    return a < b;
  }
  bool operator==(const reference_sample& o) const {
    return same_value(o) && start_ts == o.start_ts;
  }
};

class reference_series {
 public:
  insert_result insert(timestamp_ms ts, const reference_sample& s) {
    const auto [at, fresh] = samples_.emplace(ts, s);
    if (fresh)
      return insert_result::stored;
    if (at->second.same_value(s)) {
      at->second.start_ts = std::max(at->second.start_ts, s.start_ts);
      return insert_result::duplicate;
    }
    if (at->second.loses(s))
      at->second = s;
    return insert_result::conflict;
  }
  void erase(timestamp_ms mint, timestamp_ms maxt) {
    samples_.erase(samples_.lower_bound(mint), samples_.upper_bound(maxt));
  }
  std::map<timestamp_ms, reference_sample> range(timestamp_ms mint, timestamp_ms maxt) const {
    return {samples_.lower_bound(mint), samples_.upper_bound(maxt)};
  }
  bool empty() const { return samples_.empty(); }
  const std::map<timestamp_ms, reference_sample>& samples() const { return samples_; }

 private:
  std::map<timestamp_ms, reference_sample> samples_;
};

/// Columns as such a map; a repeated or unordered timestamp shows as a sample at min_time.
inline std::map<timestamp_ms, reference_sample> as_map(const sample_columns& c) {
  std::map<timestamp_ms, reference_sample> out;
  const auto add = [&](timestamp_ms ts, reference_sample s) {
    if (!out.emplace(ts, s).second)
      out.emplace(min_time, s);
  };
  for (size_t i = 0; i < c.ts.size(); ++i) {
    if (i > 0 && c.ts[i] <= c.ts[i - 1])
      out.emplace(min_time, reference_sample());
    add(c.ts[i], {c.values[i], c.start_ts.empty() ? no_start_timestamp : c.start_ts[i], nullptr});
  }
  for (const auto& row : c.histograms)
    add(row.ts, {0, row.start_ts, row.value});
  return out;
}

inline histogram_ptr test_histogram(double count) {
  auto h = std::make_shared<histogram>();
  h->count = count;
  h->sum = count * 0.5;
  h->positive_spans = {{0, 1}};
  h->positive_buckets = {count};
  return h;
}

}  // namespace troupe::storage
