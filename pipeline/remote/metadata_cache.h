// Which metadata of metric families the shards have already: senders repeat it with every series,
// or every minute. Metadata counts as known only after a request with it was stored, and for an
// hour. Any thread.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/hash.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <shared_mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace troupe::remote {

class metadata_cache {
 public:
  static constexpr size_t max_families = 1u << 18;  ///< beyond, it starts anew
  static constexpr int64_t round_ms = 3600 * 1000;

  /// Hashes of a family's name and of its metadata.
  struct entry {
    uint64_t family = 0;
    uint64_t value = 0;
  };
  static entry entry_of(const hash128& family, metric_type type, const hash128& unit,
                        const hash128& help);

  explicit metadata_cache(const clock& clk) : clock_(clk), began_ns_(clk.monotonic_ns()) {}

  /// Positions of those that are to be stored, each once.
  std::vector<uint32_t> unknown(std::span<const entry> sent) const;
  void note(std::span<const entry> stored);

 private:
  bool over() const { return clock_.monotonic_ns() - began_ns_ > round_ms * 1'000'000; }

  const clock& clock_;
  mutable std::shared_mutex mutex_;
  std::unordered_map<uint64_t, uint64_t> values_;  ///< by family; guarded by mutex_
  int64_t began_ns_;                               ///< guarded by mutex_
};

}  // namespace troupe::remote
