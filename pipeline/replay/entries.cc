#include "pipeline/replay/entries.h"

namespace troupe::replay {

uint64_t take_entries(const write_batch& batch, const time_window& within,
                      std::vector<send::entry>& to) {
  uint64_t outside = 0;
  const auto begin = [&](uint32_t series, timestamp_ms ts, send::entry_kind kind) {
    send::entry e;
    e.series = batch.table->series[series];
    e.ts = ts;
    e.kind = kind;
    return e;
  };
  auto start = batch.starts.begin();
  for (uint32_t i = 0; i < batch.floats.size(); ++i) {
    const auto& f = batch.floats[i];
    const bool started = start != batch.starts.end() && start->index == i;
    const timestamp_ms start_ts = started ? (start++)->start_ts : no_start_timestamp;
    if (!within.holds(f.ts)) {
      ++outside;
      continue;
    }
    auto e = begin(f.series, f.ts, send::entry_kind::sample);
    e.value = f.value;
    e.start_ts = start_ts;
    to.push_back(std::move(e));
  }
  for (const auto& h : batch.histograms) {
    if (!within.holds(h.ts)) {
      ++outside;
      continue;
    }
    auto e = begin(h.series, h.ts, send::entry_kind::histogram);
    e.start_ts = h.start_ts;
    e.extra = std::make_shared<send::entry_extra>(send::entry_extra{h.value, {}});
    to.push_back(std::move(e));
  }
  for (const auto& x : batch.exemplars) {
    const bool has_time = x.value.ts != 0;
    if (!has_time || !within.holds(x.value.ts))
      continue;
    auto e = begin(x.series, x.value.ts, send::entry_kind::exemplar);
    e.value = x.value.value;
    e.extra = std::make_shared<send::entry_extra>(send::entry_extra{nullptr, x.value.lset});
    to.push_back(std::move(e));
  }
  return outside;
}

}  // namespace troupe::replay
