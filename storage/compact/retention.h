// How long each series is kept, and what of blocks is older than that. Immutable, any thread.
#pragma once

#include "storage/block/block_reader.h"
#include "storage/options.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace troupe::storage {

class retention_policy {
 public:
  /// `otherwise_ms`: of series that no rule matches; 0: for ever.
  explicit retention_policy(int64_t otherwise_ms = 0, std::vector<retention_rule> rules = {});

  /// True if there are rules: without them all series of a block expire together.
  bool by_series() const { return !rules_.empty(); }
  int64_t otherwise_ms() const { return otherwise_ms_; }
  /// 0: some series may be kept for ever.
  int64_t longest_ms() const;
  /// Of one series; 0: for ever.
  int64_t of(const labels& series) const;
  /// How many of the rules (and of the rest) are over for a block whose end is `age_ms` ago; it
  /// grows with age_ms.
  size_t due(int64_t age_ms) const;
  /// True if the block has series whose retention is at most `age_ms`.
  result<bool> has_expired(const block_reader& block, int64_t age_ms) const;

 private:
  const int64_t otherwise_ms_;
  const std::vector<retention_rule> rules_;
};

/// The source without the samples that are older than their series' retention before `reference`.
std::unique_ptr<series_set> without_expired(std::unique_ptr<series_set> source,
                                            std::shared_ptr<const retention_policy> policy,
                                            timestamp_ms reference);

}  // namespace troupe::storage
