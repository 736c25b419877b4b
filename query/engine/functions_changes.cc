// changes and resets: over floats by prefix counts, over mixed windows sample by sample.
#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"

#include <cmath>

namespace troupe::query {
namespace {

// A sample of either kind in a walk over both columns by time.
struct walk_sample {
  timestamp_ms ts = 0;
  timestamp_ms start_ts = 0;
  double value = 0;
  const histogram* h = nullptr;
};

bool float_changed(double prev, double curr) {
  return prev != curr && !(std::isnan(prev) && std::isnan(curr));
}

bool changed(const walk_sample& prev, const walk_sample& curr) {
  if (!prev.h != !curr.h)
    return true;
  return curr.h ? !same_histogram(*curr.h, *prev.h) : float_changed(prev.value, curr.value);
}

bool was_reset(const walk_sample& prev, const walk_sample& curr) {
  if (!prev.h != !curr.h)
    return true;
  if (start_time_reset(prev.start_ts, prev.ts, curr.start_ts, curr.ts))
    return true;
  return curr.h ? detect_reset(*curr.h, *prev.h) : curr.value < prev.value;
}

using event = bool (*)(const walk_sample&, const walk_sample&);

std::vector<walk_sample> merge(const range_input& in) {
  std::vector<walk_sample> out;
  out.reserve(in.ts.size() + in.histograms.size());
  size_t f = 0;
  size_t h = 0;
  while (f < in.ts.size() || h < in.histograms.size()) {
    if (h == in.histograms.size() || (f < in.ts.size() && in.ts[f] < in.histograms[h].ts)) {
      out.push_back({in.ts[f], in.start_ts.empty() ? no_start_timestamp : in.start_ts[f],
                     in.values[f], nullptr});
      ++f;
    } else {
      const auto& row = in.histograms[h++];
      out.push_back(
          {row.ts, in.histogram_start_ts ? row.start_ts : no_start_timestamp, 0, row.value.get()});
    }
  }
  return out;
}

// events[i]: how many there are between the samples before i. The windows of the merged samples
// follow from those of the columns, as both hold all samples of the same span of time.
status count_events(const range_input& in, step_scratch& out, event happened) {
  const std::vector<walk_sample> samples = merge(in);
  std::vector<uint32_t> events(samples.size() + 1, 0);
  for (size_t i = 1; i < samples.size(); ++i)
    events[i + 1] = events[i] + (happened(samples[i - 1], samples[i]) ? 1 : 0);
  for (uint32_t step = 0; step < in.steps(); ++step) {
    uint32_t lo = in.lo[step] + in.hlo[step];
    const uint32_t hi = in.hi[step] + in.hhi[step];
    if (lo == hi)
      continue;
    if (in.anchored) {
      // Starts from the last sample at or before the range, if there is one within it.
      const timestamp_ms from = in.range_start(step);
      if (samples[hi - 1].ts <= from)
        continue;
      while (lo + 1 < hi && samples[lo + 1].ts <= from)
        ++lo;
    }
    out.set(step, static_cast<double>(events[hi] - events[lo + 1]));
  }
  return {};
}

status changes(const range_input& in, step_scratch& out) {
  return count_events(in, out, changed);
}

status resets(const range_input& in, step_scratch& out) {
  return count_events(in, out, was_reset);
}

}  // namespace

range_function find_changes_function(std::string_view name) {
  if (name == "changes")
    return changes;
  if (name == "resets")
    return resets;
  return nullptr;
}

}  // namespace troupe::query
