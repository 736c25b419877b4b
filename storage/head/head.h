// The head of one shard: the series and samples that are not in a block yet, by tenant, with their
// index, exemplars and metadata. One writer (apply, erase, collect_garbage: the shard holds its
// writer lock); readers from any thread (storage/docs/locking.md). Owned by the shard.
#pragma once

#include "storage/head/exemplar_store.h"
#include "storage/head/head_series.h"
#include "storage/head/metadata_store.h"
#include "storage/head/series_map.h"
#include "storage/index/memory_index.h"
#include "storage/model/batch.h"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

struct head_settings {
  int64_t range_ms = 2LL * 3600 * 1000;  ///< width of the blocks cut from it
  size_t max_exemplars = 0;
  std::atomic<uint64_t>* node_series = nullptr;  ///< series of all heads of the node, may be null
};

/// A tenant's series. Lives as long as the head.
struct head_tenant {
  std::string name;
  memory_index index;
  series_map series;  ///< guarded by the head's structure lock
};

/// Columns of a batch; `refused_*` are positions to leave out, ascending. Exemplars have a time.
struct head_input {
  std::span<const float_entry> floats;
  std::span<const start_entry> starts;
  std::span<const histogram_entry> histograms;
  std::span<const exemplar_entry> exemplars;
  std::span<const metadata_entry> metadata;
  std::span<const uint32_t> refused_floats, refused_histograms, refused_exemplars;
};

struct apply_counts {
  uint64_t stored = 0, duplicates = 0, conflicts = 0, out_of_order = 0;
};

class head {
 public:
  explicit head(const head_settings& settings);
  ~head();
  head(const head&) = delete;
  head& operator=(const head&) = delete;

  // --- the writer ---
  /// Made at first use.
  head_tenant& tenant(std::string_view name);
  head_series* find(const head_tenant& tenant, const labels& lset) const {
    return tenant.series.find(lset);
  }
  head_series* find_or_create(head_tenant& tenant, const labels& lset, uint16_t slot);
  /// Changes whenever series are removed: pointers to series from before must not be used any more.
  uint64_t generation() const { return generation_; }
  /// Stores the samples. refs[position] is the series of a position; where it is null, `miss` gives
  /// it and it is remembered.
  apply_counts apply(head_tenant& tenant, const head_input& input, std::vector<head_series*>& refs,
                     const std::function<head_series*(uint32_t)>& miss);
  /// Removes samples and exemplars of one series, if there is such a series.
  void erase(std::string_view tenant, const labels& series, timestamp_ms mint, timestamp_ms maxt);
  /// Removes series without samples, looking at about `budget` of them. True when the round is
  /// through; min_ts() is exact then.
  bool collect_garbage(size_t budget);

  // --- any thread ---
  /// Null if nothing was ever written for it.
  const head_tenant* find_tenant(std::string_view name) const;
  std::vector<const head_tenant*> tenants() const;
  /// The series that match all of `ms`, in no order.
  std::vector<series_ptr> select(const head_tenant& tenant, std::span<const matcher> ms) const;
  std::vector<series_ptr> all_series(const head_tenant& tenant) const;
  /// Highest timestamp ever stored, or min_time.
  timestamp_ms max_ts() const { return max_ts_.load(std::memory_order_relaxed); }
  /// No sample is older than this; exact after a round of garbage collection. max_time: no samples.
  timestamp_ms min_ts() const { return min_ts_.load(std::memory_order_relaxed); }
  uint64_t series_count() const { return series_count_.load(std::memory_order_relaxed); }
  /// Samples stored before the late bound since it was set.
  uint64_t late_samples() const { return late_samples_.load(std::memory_order_relaxed); }
  void set_late_bound(timestamp_ms bound);

  const exemplar_store& exemplars() const { return exemplars_; }
  const metadata_store& metadata() const { return metadata_; }

 private:
  void count(insert_result r, timestamp_ms ts, apply_counts& counts);
  void apply_exemplars(const head_tenant& tenant, const head_input& input,
                       const std::function<head_series*(uint32_t)>& series_of);
  bool collect_tenant(head_tenant& tenant, size_t& budget);

  const head_settings settings_;
  mutable std::shared_mutex structure_;
  // Guarded by structure_ (the map and every tenant's `series`); only the writer changes them.
  std::map<std::string, std::unique_ptr<head_tenant>, std::less<>> tenants_;
  exemplar_store exemplars_;
  metadata_store metadata_;
  std::atomic<timestamp_ms> max_ts_{min_time};
  std::atomic<timestamp_ms> min_ts_{max_time};
  std::atomic<timestamp_ms> late_bound_{min_time};
  std::atomic<uint64_t> late_samples_{0};
  std::atomic<uint64_t> series_count_{0};
  uint64_t generation_ = 1;  // the writer's
  // Where collect_garbage() goes on.
  std::string garbage_tenant_;
  uint32_t garbage_ref_ = 0;
  timestamp_ms round_min_ts_ = max_time;  // oldest sample met, or written, in this round
};

}  // namespace troupe::storage
