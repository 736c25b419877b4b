// READ DOOR. Series-major: a series at a time, its samples as columns. Any thread; a querier is
// owned by one.
#pragma once

#include "storage/base/result.h"
#include "storage/model/histogram.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace troupe::storage {

/// What the caller will do with the series; may be ignored.
struct select_hints {
  timestamp_ms start = 0;
  timestamp_ms end = 0;
  int64_t step_ms = 0;
  int64_t range_ms = 0;
  std::string function;
  size_t limit = 0;  ///< 0: none
};

/// Samples of one series in time order, timestamps unique. Stale markers are included. A timestamp
/// has a float or a histogram: rows of `histograms` carry their own timestamps and do not appear in
/// ts/values.
struct sample_columns {
  struct histogram_row {
    timestamp_ms ts;
    timestamp_ms start_ts;
    histogram_ptr value;
  };
  std::vector<timestamp_ms> ts;
  std::vector<double> values;
  /// Empty, or as long as ts (no_start_timestamp where none).
  std::vector<timestamp_ms> start_ts;
  std::vector<histogram_row> histograms;

  void clear() {
    ts.clear();
    values.clear();
    start_ts.clear();
    histograms.clear();
  }
};

/// What all floats of a series in [first_ts, last_ts] come to, bit for bit what reading them gives;
/// four at least, none of them NaN, no histogram among them.
struct sample_summary {
  timestamp_ms first_ts = 0;  ///< of the first and the last of them
  timestamp_ms last_ts = 0;
  uint64_t count = 0;
  double first = 0, last = 0;
  double min = 0, max = 0;
};

/// Series in label order (labels::operator<=>), each once.
class series_set {
 public:
  virtual ~series_set() = default;
  /// Moves to the next series; false at the end or on failure (then error() is set).
  virtual bool next() = 0;
  virtual const labels& series() const = 0;
  /// Appends the samples of the current series with mint <= ts <= maxt to `out`. May be called
  /// again with other bounds.
  virtual status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) = 0;
  /// As read(), but runs of floats may come as summaries, appended to `runs` by time: `out` has no
  /// sample in their ranges then.
  virtual status read_summarized(timestamp_ms mint, timestamp_ms maxt, sample_columns& out,
                                 std::vector<sample_summary>& /*runs*/) {
    return read(mint, maxt, out);
  }
  virtual status error() const { return {}; }
};

/// The series of one metric at some moment, in label order, each once. Immutable, any thread.
struct series_roster {
  static constexpr uint32_t gone = UINT32_MAX;

  uint64_t id = 0;  ///< no other roster has it
  std::vector<labels> series;
  /// The roster that this one came from (0: none), the new position of each of its series (or
  /// `gone`), and the positions of those that it did not have, ascending.
  uint64_t before = 0;
  std::vector<uint32_t> moved;
  std::vector<uint32_t> added;
};
using series_roster_ptr = std::shared_ptr<const series_roster>;

/// The series of one metric to be read in any order, for who reads the same ones again and again.
/// A consistent view as that of a querier; owned by one.
class series_family {
 public:
  virtual ~series_family() = default;
  /// The same one as long as no series came or went.
  virtual const series_roster_ptr& roster() const = 0;
  /// Positions in the roster of the series that match all of `ms`, ascending.
  virtual std::vector<uint32_t> find(std::span<const matcher> ms) const = 0;
  /// As series_set::read(), of the series at a position.
  virtual status read(uint32_t position, timestamp_ms mint, timestamp_ms maxt,
                      sample_columns& out) = 0;
};

struct family_request {
  std::string_view tenant;
  std::string_view metric;
  timestamp_ms mint = 0;  ///< what will be read
  timestamp_ms maxt = 0;
  size_t max_series = 0;  ///< of the metric
};

struct exemplar_series {
  labels series;
  std::vector<exemplar> exemplars;  ///< by time
};

class querier {
 public:
  virtual ~querier() = default;
  virtual result<std::unique_ptr<series_set>> select(const select_hints& hints,
                                                     std::span<const matcher> ms) = 0;
  /// Sorted, unique. limit 0: all.
  virtual result<std::vector<std::string>> label_names(std::span<const matcher> ms,
                                                       size_t limit) = 0;
  virtual result<std::vector<std::string>> label_values(std::string_view name,
                                                        std::span<const matcher> ms,
                                                        size_t limit) = 0;
  /// Things to tell the user (a quarantined block in the range, …).
  virtual std::vector<std::string> warnings() const { return {}; }
};

/// Where queriers come from. Thread-safe.
class queryable {
 public:
  virtual ~queryable() = default;
  /// A consistent view of [mint, maxt]; unavailable while replay runs.
  virtual result<std::unique_ptr<querier>> open(std::string_view tenant, timestamp_ms mint,
                                                timestamp_ms maxt) = 0;
  /// Null where only a querier serves: more series than wanted, samples that are not in memory or
  /// not here, no memory for the roster, a failure (which the querier tells).
  virtual std::unique_ptr<series_family> family(const family_request& /*wanted*/) {
    return nullptr;
  }
  virtual result<std::vector<exemplar_series>> exemplars(std::string_view tenant, timestamp_ms mint,
                                                         timestamp_ms maxt,
                                                         std::span<const matchers> selectors) = 0;
  /// (family, metadata) pairs by family name; a family may have several.
  virtual std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                                    std::string_view family,
                                                                    size_t limit) = 0;
};

}  // namespace troupe::storage
