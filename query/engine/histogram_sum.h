// Sum and mean of native histograms, with Kahan's summation in every bucket: sum, avg and their
// _over_time forms. Plain values.
#pragma once

#include "query/engine/annotations.h"
#include "query/engine/histogram_math.h"

#include <optional>

namespace troupe::query {

/// What is common to both: which hints and which differences of layout were seen.
class histogram_accumulator {
 public:
  bool empty() const { return !total_.has_value(); }
  /// The notes to give once all are added.
  void annotate(position_range pos, annotations& notes) const;

 protected:
  void see(const histogram& h);
  bool see(const combine_result& r);
  std::optional<wide_histogram> total_;

 private:
  bool reset_ = false;
  bool not_reset_ = false;
  bool reconciled_ = false;
};

class histogram_sum : public histogram_accumulator {
 public:
  /// False if exponential and custom buckets would be mixed; then the sum has no value any more.
  bool add(const histogram& h);
  histogram_ptr value() const { return total_->build(); }
};

/// Adds up directly while nothing overflows, then goes on with an incremental mean.
class histogram_mean : public histogram_accumulator {
 public:
  bool add(const histogram& h);
  histogram_ptr value() const;

 private:
  double count_ = 0;
  bool incremental_ = false;
};

}  // namespace troupe::query
