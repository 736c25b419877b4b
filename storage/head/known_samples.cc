#include "storage/head/known_samples.h"

#include <algorithm>
#include <utility>

namespace troupe::storage {
namespace {

// Adds positions below `count` for which known(position) holds to those in `refused`.
template <class F>
void add_known(size_t count, std::vector<uint32_t>& refused, const F& known) {
  std::vector<uint32_t> out;
  auto skip = refused.begin();
  for (uint32_t i = 0; i < count; ++i) {
    if (skip != refused.end() && *skip == i)
      ++skip;
    else if (!known(i))
      continue;
    out.push_back(i);
  }
  refused = std::move(out);
}

}  // namespace

bool refuse_known(head& in, const write_batch& batch, const table_refs& refs, timestamp_ms unsure,
                  refusals& refused) {
  const auto note = [&](held_sample held) {
    refused.repeated_equal += held == held_sample::same;
    refused.repeated_different += held == held_sample::winner;
    return held != held_sample::none;
  };
  auto start = batch.starts.begin();
  add_known(batch.floats.size(), refused.floats, [&](uint32_t i) {
    const float_entry& e = batch.floats[i];
    const head_series* s = refs.refs[e.series];
    while (start != batch.starts.end() && start->index < i)
      ++start;
    const bool has_start = start != batch.starts.end() && start->index == i;
    return s != nullptr && e.ts > unsure &&
           note(in.samples().holds(*s, e.ts, e.value,
                                   has_start ? start->start_ts : no_start_timestamp));
  });
  add_known(batch.histograms.size(), refused.histograms, [&](uint32_t i) {
    const histogram_entry& e = batch.histograms[i];
    const head_series* s = refs.refs[e.series];
    return s != nullptr && e.ts > unsure &&
           note(in.samples().holds(*s, {e.ts, e.start_ts, e.value}));
  });
  add_known(batch.exemplars.size(), refused.exemplars, [&](uint32_t i) {
    const exemplar_entry& e = batch.exemplars[i];
    const head_series* s = refs.refs[e.series];
    return !in.exemplars().keeps_any() ||
           (s != nullptr && e.value.ts > unsure &&
            in.exemplars().contains(batch.tenant, s->lset(), e.value.ts));
  });
  return std::all_of(batch.metadata.begin(), batch.metadata.end(), [&](const metadata_entry& m) {
    return in.metadata().contains(batch.tenant, m);
  });
}

}  // namespace troupe::storage
