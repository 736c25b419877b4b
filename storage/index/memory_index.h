// The head's index: label name and value -> postings, keyed by the numbers of packed labels, so
// that it holds no text. One writer, many readers: a shared mutex that a reader holds for one call
// and the writer for one add or one batch of removals. Nothing handed out refers to the inside.
// Owned by the head.
#pragma once

#include "storage/base/ref_table.h"
#include "storage/index/list_cache.h"
#include "storage/index/resolve.h"
#include "storage/model/label_pair.h"
#include "storage/model/labels.h"

#include <deque>
#include <map>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::storage {

class memory_index {
 public:
  /// Adds a series under a reference that is not in the index; cheapest when references ascend and
  /// labels are packed.
  void add(series_ref ref, const labels& series);
  /// Removes series added before with exactly these labels.
  void remove(std::span<const std::pair<series_ref, labels>> gone);

  /// resolve() over this index. Answers are kept until the next add or remove, what a regular
  /// expression matches until its label gets another value.
  posting_list select(std::span<const matcher> ms) const;
  /// Sorted, unique; of the series that match `ms` (empty: all). limit 0: no limit.
  std::vector<std::string> label_names(std::span<const matcher> ms, size_t limit) const;
  std::vector<std::string> label_values(std::string_view name, std::span<const matcher> ms,
                                        size_t limit) const;
  uint64_t series_count() const;
  /// What is known of the series of one metric without looking at them.
  struct metric_state {
    uint64_t version = 0;  ///< equal as long as none came or went
    size_t series = 0;     ///< an upper bound
  };
  metric_state metric(std::string_view name) const;
  /// Bytes of heap.
  size_t memory_bytes() const;

  /// What /api/v1/status/tsdb shows (without series whose labels cannot be packed), each sorted by
  /// value descending, then name, cut at `limit`.
  struct entry {
    std::string name;
    uint64_t value = 0;
  };
  struct cardinality {
    uint64_t label_pairs = 0;
    std::vector<entry> series_by_metric, values_by_label, memory_by_label, series_by_pair;
  };
  cardinality stats(size_t limit) const;

 private:
  /// One name and value that some series has.
  struct value_entry {
    posting_set refs;
    label_pair pair;
    std::string_view text() const { return pair.view().value; }
  };
  struct name_entry {
    std::vector<uint32_t> values;  ///< numbers of value_entries
    uint64_t epoch = 0;            ///< changes with `values`, never comes again
  };
  using name_map = std::map<std::string, name_entry, std::less<>>;
  class view;

  static uint32_t hash_of(uint32_t pair_id) { return pair_id * 0x9e3779b1u; }
  /// Number + 1 of the value with this pair, or ref_table::none.
  uint32_t find_value(uint32_t pair_id) const;
  value_entry& value_of(uint32_t pair_id);
  void erase_values(const std::vector<uint32_t>& numbers);
  void note_change(const labels& packed);
  list_cache::value sorted_values(std::string_view name, const name_entry& n) const;
  posting_set find_matching(std::span<const matcher> ms) const;
  size_t cache_limit() const;

  mutable std::shared_mutex mutex_;
  // All but the cache are guarded by mutex_.
  std::deque<value_entry> values_;  ///< by number; places without a pair are free
  std::vector<uint32_t> free_values_;
  ref_table by_pair_;  ///< number + 1
  name_map names_;
  posting_set all_;
  /// Series whose labels cannot be packed (texts above 8 KiB): found by looking at each.
  std::map<series_ref, labels> loose_;
  /// epoch_ at the last change among the series of a metric, by the number of its value.
  std::unordered_map<uint32_t, uint64_t> metric_epochs_;
  uint64_t loose_epoch_ = 0;  ///< the same of loose_
  uint64_t epoch_ = 0;        ///< changes with every series
  uint64_t value_epoch_ = 0;  ///< with every value
  mutable list_cache cache_;
};

}  // namespace troupe::storage
