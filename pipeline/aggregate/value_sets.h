// Bounded summaries of many values that do not depend on the order in which these come: exact up to
// a bound, an even and repeatable choice beyond. One owner.
#pragma once

#include "storage/base/coding.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::aggregate {

/// Values for quantiles. Beyond `most` those whose keys are lowest remain.
class value_sample {
 public:
  static constexpr size_t most = 4096;

  /// `key`: a hash of what tells the sample from all others.
  void add(uint64_t key, double value);
  bool empty() const { return values_.empty(); }
  void clear() { values_.clear(); }
  /// Sorted.
  std::vector<double> values() const;

  void encode(std::string& out) const;
  void decode(byte_reader& in);

 private:
  std::vector<std::pair<uint64_t, double>> values_;  ///< a heap, greatest key first
};

/// The quantile as VictoriaMetrics' streaming aggregation has it: the value at the nearest rank.
/// `sorted` is not empty.
double quantile_of(const std::vector<double>& sorted, double phi);

/// How many different values there are; beyond `most` an estimate (2 % at one sigma).
class distinct_values {
 public:
  static constexpr size_t most = 4096;

  void add(double value);
  void clear() { lowest_.clear(); }
  double count() const;

  void encode(std::string& out) const;
  void decode(byte_reader& in);

 private:
  std::set<uint64_t> lowest_;  ///< hashes
};

/// Counts by the ranges of VictoriaMetrics' histograms: 18 a decade from 1e-9 to 1e18, what is
/// below, what is above.
class range_histogram {
 public:
  /// Negative values and NaN are left out.
  void add(double value);
  void clear() { counts_.clear(); }
  /// The value of the label vmrange, the count; in ascending order.
  std::vector<std::pair<std::string, uint64_t>> counts() const;

  void encode(std::string& out) const;
  void decode(byte_reader& in);

 private:
  std::map<int, uint64_t> counts_;  ///< by number of the range
};

}  // namespace troupe::aggregate
