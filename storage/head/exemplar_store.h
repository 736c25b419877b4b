// The latest exemplars of one head: a circular buffer, the oldest written goes first. Any thread
// (one mutex, held for one call). Owned by the head.
#pragma once

#include "storage/querier.h"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

class exemplar_store {
 public:
  /// Keeps at most `capacity`; 0: none.
  explicit exemplar_store(size_t capacity) : capacity_(capacity) {}

  /// Adds one; the same exemplar of the same series again is a no-op. `e.ts` is final.
  void add(std::string_view tenant, const labels& series, const exemplar& e);
  /// Those in [mint, maxt] of series that match any selector, by label order, then time.
  std::vector<exemplar_series> select(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                                      std::span<const matchers> selectors) const;
  /// False: whatever is added is forgotten at once.
  bool keeps_any() const { return capacity_ != 0; }
  /// Is there an exemplar of that series and time?
  bool contains(std::string_view tenant, const labels& series, timestamp_ms ts) const;
  /// Removes those of the series in [mint, maxt].
  void erase(std::string_view tenant, const labels& series, timestamp_ms mint, timestamp_ms maxt);
  size_t size() const;
  /// Calls visit(tenant, series, exemplar) for all, the oldest written first.
  void for_each(
      const std::function<void(std::string_view, const labels&, const exemplar&)>& visit) const;

 private:
  struct less_labels {
    bool operator()(const labels& a, const labels& b) const { return (a <=> b) < 0; }
  };
  struct entry {
    exemplar value;
    uint64_t number;  ///< of writing
  };
  using by_series = std::map<labels, std::vector<entry>, less_labels>;
  struct place {
    std::string tenant;
    labels series;
  };

  void drop(uint64_t number);

  const size_t capacity_;
  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::map<std::string, by_series, std::less<>> tenants_;
  std::map<uint64_t, place> written_;  ///< by number: the first is the oldest
  uint64_t next_ = 0;
};

}  // namespace troupe::storage
