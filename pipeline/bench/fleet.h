// Many hosts of one profile in simulated time: which series exist at which row, when, and with
// which value. A pure function of the options, walked row by row; one owner.
#pragma once

#include "pipeline/bench/profile.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace troupe::bench {

struct fleet_options {
  uint64_t seed = 1;
  size_t series = 1;    ///< active at any time; the last host may have a part of the profile only
  uint64_t rows = 1;    ///< samples of a series that stays
  int64_t step_ms = 1;  ///< between two rows
  timestamp_ms start = 0;  ///< of row 0; each host keeps its own phase within a step
  double churn = 0;        ///< series replaced by new ones at each row
};

/// Hosts sit in slots; with churn, a slot's host is replaced by one of a new name now and then.
class fleet {
 public:
  fleet(profile_ptr profile, const fleet_options& options);

  const fleet_options& options() const { return options_; }
  const profile& shape() const { return *profile_; }
  size_t slots() const { return slots_; }
  /// Series of a slot's host: the profile's first ones.
  size_t width(size_t slot) const;
  /// Who sits in a slot at a row; host numbers are never used again.
  uint64_t host_at(size_t slot, uint64_t row) const;
  /// The rows [first, last) of the host that sits in `slot` at `row`.
  std::pair<uint64_t, uint64_t> life(size_t slot, uint64_t row) const;
  timestamp_ms time_of(uint64_t host, uint64_t row) const;
  /// "node-1-000042": profile, seed and host, so that runs do not meet in one server.
  std::string instance(uint64_t host) const;
  /// The labels a host's series are written with: those of the profile, job and instance.
  labels series_labels(uint64_t host, size_t column) const;

  /// The values of row `row`, series after series, slot after slot; rows are asked for in order,
  /// starting with 0.
  std::span<const double> next_row();

 private:
  const profile_ptr profile_;
  const fleet_options options_;
  const size_t slots_;
  uint64_t row_ = 0;
  std::vector<std::unique_ptr<value_source>> sources_;
  std::vector<uint64_t> hosts_;
  std::vector<double> values_, whole_;
};

}  // namespace troupe::bench
