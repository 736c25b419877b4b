// What of the audit series has come to one node, by a query every 100 ms, and how long that takes.
// One owner.
#pragma once

#include "pipeline/drill/audit_writer.h"
#include "pipeline/drill/traffic.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe::drill {

/// What is not there of what was acknowledged.
struct shortfall {
  int64_t ms = 0;  ///< age of the oldest of them; 0: there are none
  uint64_t samples = 0;
};

class arrivals {
 public:
  /// All must outlive it.
  arrivals(const audit_writer& written, size_t node, traffic& over, const clock& clk);

  void turn();

  /// What it tells was so at this time or later.
  int64_t known_at_ns() const { return known_at_ns_; }
  /// Sample `n` of every series is there, and all before it.
  bool whole_to(uint64_t n) const;
  /// Sample `n` of every series, or a later one, is there.
  bool reaches(uint64_t n) const;
  /// The newest of any series.
  uint64_t furthest() const;
  /// Samples 1 to `n` of every series that are there, as if they came in order.
  uint64_t count_to(uint64_t n) const;
  shortfall missing_of(uint64_t acked, timestamp_ms now) const;

  /// From now on.
  void measure() { measured_ = std::vector<int64_t>(); }
  /// The median time from an acknowledged write to its sight here; ends measuring.
  std::optional<int64_t> take_usual_ms();
  /// It has not answered for long.
  status error() const;

 private:
  struct state_of_series {
    uint64_t newest = 0, count = 0;
  };

  void answered(int64_t asked_ns, const reply& r);
  status read(std::string_view body);
  void time_new_ones(uint64_t before, int64_t now_ns);
  uint64_t newest_of_all() const;

  const audit_writer& written_;
  const size_t node_;
  traffic& over_;
  const clock& clock_;
  bool under_way_ = false;
  int64_t next_ns_ = 0;
  int64_t known_at_ns_ = 0;
  std::vector<state_of_series> there_;
  std::optional<std::vector<int64_t>> measured_;
  status failed_;
  int64_t failing_since_ns_ = 0;
};

/// Of a query: from before the series' begin up to its last sample, whatever a node's clock says.
struct query_range {
  timestamp_ms at = 0;
  int64_t window_s = 0;
};
query_range range_of(const audit_series& series, timestamp_ms now);

}  // namespace troupe::drill
