#include "pipeline/topics/give_up.h"

#include "storage/model/tenant.h"

#include <algorithm>
#include <utility>

namespace troupe::topics {
namespace {

// Of a run with other shards only the epoch of what is read is known.
bool is_before(const storage::log_segment& at, const storage::log_segment& horizon) {
  return at.number == 0 ? at.epoch < horizon.epoch : at < horizon;
}

// A frame that was begun is read as a whole, since part of it is still to be counted.
send::stretch by_frames(send::stretch from) {
  for (auto& p : from.next)
    p.entry = 0;
  return from;
}

}  // namespace

give_up::give_up(storage::log_door& log, send::stretch from, send::series_rules_ptr rules,
                 extent of)
    : of_(std::move(of)),
      rest_(from),
      begun_(from.next),
      follower_(log, by_frames(std::move(from))),
      filters_(log.shard_count(), send::series_filter(std::move(rules))) {
  rest_.from = send::starts_of(rest_, log);
}

result<bool> give_up::step(size_t budget_bytes) {
  TROUPE_ASSIGN(const bool at_end,
                follower_.read(budget_bytes, [&](uint32_t shard, const storage::wal_batch& batch) {
                  take(shard, batch);
                }));
  const auto& reading = follower_.at().from;
  bool through = true;
  for (uint32_t i = 0; i < reading.size(); ++i)
    through = through && !is_before(reading[i], of_.horizons[i]);
  if (!at_end && !through)
    return false;
  for (uint32_t i = 0; i < reading.size(); ++i)
    rest_.from[i] = std::max(rest_.from[i], of_.horizons[i]);
  return true;
}

void give_up::take(uint32_t shard, const storage::wal_batch& batch) {
  if (!is_before(follower_.at().from[shard], of_.horizons[shard]))
    return;
  const send::place& begun = begun_[batch.slot];
  const bool in_part = begun.epoch == batch.epoch && begun.sequence == batch.sequence;
  const bool is_sent = batch.tenant.empty() || (of_.all_tenants && !is_own_tenant(batch.tenant));
  uint32_t number = 0;
  const auto count = [&](uint32_t series, bool counts) {
    if (++number > (in_part ? begun.entry : 0) && is_sent && counts &&
        !filters_[shard](batch, series).empty())
      ++samples_;
  };
  for (const auto& f : batch.floats)
    count(f.series, true);
  for (const auto& h : batch.histograms)
    count(h.series, of_.histograms);
  send::place& next = rest_.next[batch.slot];
  next = std::max(next, send::place{batch.epoch, batch.sequence + 1, 0});
}

}  // namespace troupe::topics
