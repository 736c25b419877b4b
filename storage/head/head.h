// The head of one shard: the series and samples that are not in a block yet, by tenant, with their
// index, exemplars and metadata. One writer (apply, erase, collect_garbage: the shard holds its
// writer lock); readers from any thread (storage/docs/locking.md). Owned by the shard.
#pragma once

#include "storage/head/exemplar_store.h"
#include "storage/head/head_samples.h"
#include "storage/head/metadata_store.h"
#include "storage/head/series_map.h"
#include "storage/index/memory_index.h"
#include "storage/model/batch.h"
#include "storage/read_epochs.h"

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

/// Told by the writer of every series that comes, after it is there, and goes, before it is not.
class series_listener {
 public:
  virtual void created(std::string_view tenant, const head_series& s) = 0;
  virtual void removed(std::string_view tenant, const head_series& s) = 0;

 protected:
  ~series_listener() = default;
};

struct head_settings {
  int64_t range_ms = 2LL * 3600 * 1000;  ///< width of the blocks cut from it
  size_t max_exemplars = 0;
  size_t min_region_bytes = 64 << 10;            ///< of closed chunks
  std::atomic<uint64_t>* node_series = nullptr;  ///< series of all heads of the node, may be null
  series_listener* listener = nullptr;           ///< may be null
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

/// Series as they were selected; they can be read as long as this lives, gone ones are empty.
struct series_selection {
  read_epochs::token hold;
  std::vector<const head_series*> series;
};

/// Per tenant the starts of block ranges.
using tenant_ranges = std::map<std::string, std::set<timestamp_ms>>;

class head {
 public:
  /// Where work on all series goes on; at first at the beginning.
  struct position {
    std::string tenant;
    uint32_t ref = 0;
    bool is_behind(std::string_view name, uint32_t r) const {
      return name != tenant ? name < tenant : r < ref;
    }
  };

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
  head_series* find_or_create(head_tenant& tenant, const labels& lset);
  /// Changes whenever series are removed: pointers to series from before must not be used any more.
  uint64_t generation() const { return generation_; }
  /// Stores the samples. refs[position] is the series of a position; where it is null, `miss` gives
  /// it and it is remembered.
  apply_counts apply(head_tenant& tenant, const head_input& input, std::vector<head_series*>& refs,
                     const std::function<head_series*(uint32_t)>& miss);
  /// Removes samples and exemplars of one series, if there is such a series.
  void erase(std::string_view tenant, const labels& series, timestamp_ms mint, timestamp_ms maxt);
  /// Visits about `budget` series from `at` on. True at the end, from where it begins anew.
  bool visit(position& at, size_t budget,
             const std::function<void(const head_tenant&, const head_series&)>& f);
  /// Removes series without samples, looking at about `budget` of them. True when the round is
  /// through; min_ts() is exact then.
  bool collect_garbage(size_t budget);
  /// Frees removed series that no reader has any more; true if there are others.
  bool reclaim();
  /// A cut at `bound`, a multiple of the range: everything before it is to be set aside for blocks.
  void begin_cut(timestamp_ms bound);
  /// Sets aside what about `budget` series have; the ranges that it lies in are added to `ranges`.
  /// True when all is. Readers see no difference.
  bool seal(size_t budget, tenant_ranges& ranges);
  /// Drops what was set aside.
  void release_cut() { samples_.release_cut(); }
  chunk_store& chunks() { return samples_.chunks(); }
  const chunk_store& chunks() const { return samples_.chunks(); }
  /// For a start from a snapshot.
  head_samples& samples() { return samples_; }
  exemplar_store& exemplars() { return exemplars_; }
  metadata_store& metadata() { return metadata_; }
  /// Samples of these times are there.
  void note_times(timestamp_ms oldest, timestamp_ms newest);

  // --- any thread ---
  /// Null if nothing was ever written for it.
  const head_tenant* find_tenant(std::string_view name) const;
  std::vector<const head_tenant*> tenants() const;
  /// The series that match all of `ms`, in no order.
  series_selection select(const head_tenant& tenant, std::span<const matcher> ms) const;
  series_selection all_series(const head_tenant& tenant) const;
  /// Series that are there now can be read as long as this is held.
  read_epochs::token hold() const { return readers_.enter(); }
  /// Null if it is gone.
  const head_series* at(const head_tenant& tenant, uint32_t ref) const;
  const head_samples& samples() const { return samples_; }
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
  void apply_floats(const head_input& input, std::span<const float_entry> floats,
                    std::vector<head_series*>& refs,
                    const std::function<head_series*(uint32_t)>& miss, apply_counts& counts);
  void apply_exemplars(const head_tenant& tenant, const head_input& input,
                       const std::function<head_series*(uint32_t)>& series_of);
  void prefetch(std::span<const float_entry> floats, const std::vector<head_series*>& refs,
                size_t i) const;
  template <class F>
  bool walk(position& at, size_t budget, F&& visit);
  void remove(head_tenant& tenant, const std::vector<head_series*>& gone);

  const head_settings settings_;
  head_samples samples_;
  read_epochs readers_;
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
  position garbage_, sealing_;
  timestamp_ms round_min_ts_ = max_time;  // oldest sample met, or written, in this round
  std::vector<std::pair<head_tenant*, uint32_t>> removed_;  // readers may have them
};

}  // namespace troupe::storage
