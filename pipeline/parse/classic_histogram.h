// A classic histogram gathered bucket by bucket, and the native one with custom buckets that
// Prometheus' convert_classic_histograms_to_nhcb makes of it. Reusable; one owner.
#pragma once

#include "storage/model/histogram.h"

#include <vector>

namespace troupe::parse {

class classic_histogram {
 public:
  void clear();
  /// `le` must not be NaN. Cumulative; of a repeated bound the first count stays.
  void set_bucket(double le, double count);
  void set_count(double count);
  void set_sum(double sum) { sum_ = sum; }

  /// Null if the parts contradict each other: counts that are negative or descend, a total that is
  /// not that of the last bucket.
  histogram_ptr convert() const;

 private:
  struct bucket {
    double le;
    double count;
  };
  std::vector<bucket> buckets_;  ///< ascending
  double count_ = 0;
  double sum_ = 0;
  bool has_count_ = false;
  bool contradictory_ = false;
};

}  // namespace troupe::parse
