// Native histograms in scripts: `{{schema:1 sum:5 count:4 buckets:[1 2 1]}}`. Pure, any thread.
#pragma once

#include "storage/base/result.h"
#include "storage/model/histogram.h"

#include <string_view>
#include <vector>

namespace troupe::query {

struct histogram_notation {
  histogram value;        ///< always a float histogram
  bool hint_set = false;  ///< counter_reset_hint was written
  size_t consumed = 0;    ///< bytes, both pairs of braces included
};

/// One histogram at the start of `text`.
result<histogram_notation> parse_histogram(std::string_view text);

/// Schema, bounds and buckets that are not empty are the same, numbers almost equal; the hint only
/// if `with_hint`.
bool almost_equal(const histogram& a, const histogram& b, bool with_hint);

/// A classic histogram of one moment: cumulative counts by upper bound, in order.
struct classic_histogram {
  std::vector<std::pair<double, double>> buckets;
  bool has_count = false;
  double count = 0;
  double sum = 0;
};
/// The same with custom buckets. invalid_argument if the counts are not cumulative.
result<histogram> with_custom_buckets(classic_histogram from);

}  // namespace troupe::query
