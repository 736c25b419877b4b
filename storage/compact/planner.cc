#include "storage/compact/planner.h"

#include <algorithm>
#include <map>

namespace troupe::storage {
namespace {

constexpr size_t enough_blocks = 8;       // worth a merge whatever their size
constexpr uint64_t worth_fraction = 8;    // or when all but the largest weigh this part of it
constexpr size_t max_merge_inputs = 128;  // open at once

using block_list = std::vector<const block_summary*>;

uint64_t bytes_of(const block_meta& m) {
  return m.chunk_bytes + m.index_bytes;
}

bool before(const block_meta& a, const block_meta& b) {
  return a.min_time != b.min_time ? a.min_time < b.min_time : a.id < b.id;
}

// Start of the aligned range that `t` lies in.
timestamp_ms align(timestamp_ms t, int64_t range) {
  const int64_t rest = t % range;
  return t - (rest < 0 ? rest + range : rest);
}

std::vector<std::string> ids_of(const block_list& blocks) {
  std::vector<std::string> out;
  for (const auto* b : blocks)
    if (out.size() < max_merge_inputs)
      out.push_back(b->meta->id);
  return out;
}

/// The blocks that lie in one aligned range, by its start; without `open` only of ranges that end
/// before `newest`.
std::map<timestamp_ms, block_list> by_range(const block_list& blocks, int64_t range,
                                            timestamp_ms newest, bool open) {
  std::map<timestamp_ms, block_list> out;
  for (const auto* b : blocks) {
    const timestamp_ms start = align(b->meta->min_time, range);
    if (b->meta->max_time <= start + range && (open || start + range <= newest))
      out[start].push_back(b);
  }
  return out;
}

bool worth_merging(const block_list& group, bool smallest_range) {
  if (group.size() >= enough_blocks)
    return true;
  // In the smallest range the shards' blocks lie side by side; the next range merges them all.
  if (group.size() < 2 || smallest_range)
    return false;
  uint64_t total = 0, largest = 0;
  for (const auto* b : group) {
    total += bytes_of(*b->meta);
    largest = std::max(largest, bytes_of(*b->meta));
  }
  return (total - largest) * worth_fraction >= largest;
}

// `blocks` of one tenant, sorted.
std::vector<std::string> plan_tenant(const block_list& blocks, const plan_options& opts) {
  timestamp_ms newest = min_time;
  for (const auto* b : blocks)
    newest = std::max(newest, b->meta->max_time);
  const auto ranges = block_ranges(opts);
  if (opts.everything)
    for (const auto& [start, group] : by_range(blocks, ranges.back(), newest, true))
      if (group.size() > 1)
        return ids_of(group);
  for (const int64_t range : ranges)
    for (const auto& [start, group] : by_range(blocks, range, newest, false))
      if (worth_merging(group, range == ranges.front()))
        return ids_of(group);
  for (const auto* b : blocks)
    if (static_cast<double>(b->tombstoned_series) >
        opts.tombstone_ratio * static_cast<double>(b->meta->series))
      return {b->meta->id};
  return {};
}

}  // namespace

std::vector<int64_t> block_ranges(const plan_options& opts) {
  std::vector<int64_t> out;
  const int64_t first = std::max<int64_t>(opts.min_block_ms, 1);
  int64_t range = first;
  do {
    out.push_back(range);
    range *= 3;
  } while (range <= opts.max_block_ms);
  return out;
}

std::vector<std::string> plan_compaction(std::span<const block_summary> blocks,
                                         const plan_options& opts) {
  std::map<std::string, block_list> tenants;
  for (const auto& b : blocks)
    tenants[b.meta->tenant].push_back(&b);
  for (auto& [tenant, list] : tenants) {
    std::sort(list.begin(), list.end(),
              [](const auto* a, const auto* b) { return before(*a->meta, *b->meta); });
    if (auto ids = plan_tenant(list, opts); !ids.empty())
      return ids;
  }
  return {};
}

retention_plan plan_retention(std::span<const block_meta> blocks, const retention_options& opts,
                              timestamp_ms now, uint64_t other_bytes) {
  std::vector<const block_meta*> by_age;
  timestamp_ms newest = min_time;
  for (const auto& b : blocks) {
    by_age.push_back(&b);
    newest = std::max(newest, b.max_time);
  }
  std::sort(by_age.begin(), by_age.end(), [](const auto* a, const auto* b) {
    return a->max_time != b->max_time ? a->max_time < b->max_time : before(*a, *b);
  });
  retention_plan plan;
  uint64_t total = other_bytes;
  std::vector<const block_meta*> kept;
  const timestamp_ms reference = std::min(now, newest);
  for (const auto* b : by_age) {
    if (opts.retention_ms > 0 && b->max_time <= reference - opts.retention_ms) {
      plan.by_time.push_back(b->id);
    } else {
      kept.push_back(b);
      total += bytes_of(*b);
    }
  }
  for (const auto* b : kept) {
    if (opts.retention_bytes == 0 || total <= opts.retention_bytes)
      break;
    plan.by_size.push_back(b->id);
    total -= bytes_of(*b);
  }
  return plan;
}

}  // namespace troupe::storage
