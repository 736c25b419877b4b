// The head's index: label name -> value -> postings. One writer, many readers: a shared mutex that
// a reader holds for one call and the writer for one add or one batch of removals. Nothing handed
// out refers to the inside. Owned by the head.
#pragma once

#include "storage/index/postings.h"
#include "storage/model/labels.h"

#include <map>
#include <shared_mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage {

class memory_index {
 public:
  /// Adds a series under a reference that is not in the index; cheapest when references ascend.
  void add(series_ref ref, const labels& series);
  /// Removes series added before with exactly these labels.
  void remove(std::span<const std::pair<series_ref, labels>> gone);

  /// resolve() over this index.
  posting_list select(std::span<const matcher> ms) const;
  /// Sorted, unique; of the series that match `ms` (empty: all). limit 0: no limit.
  std::vector<std::string> label_names(std::span<const matcher> ms, size_t limit) const;
  std::vector<std::string> label_values(std::string_view name, std::span<const matcher> ms,
                                        size_t limit) const;
  uint64_t series_count() const;

  /// What /api/v1/status/tsdb shows, each sorted by value descending, then name, cut at `limit`.
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
  using value_map = std::map<std::string, posting_list, std::less<>>;
  class view;

  mutable std::shared_mutex mutex_;
  // All guarded by mutex_.
  std::map<std::string, value_map, std::less<>> names_;
  posting_list all_;
};

}  // namespace troupe::storage
