// Reads what the query API answers for a raw range selector. Pure.
#pragma once

#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <string_view>
#include <vector>

namespace troupe::client {

struct stored_series {
  labels series;
  std::vector<sample> samples;
  /// Native histograms: their count as the value, their sum beside it.
  std::vector<sample> histograms;
  std::vector<double> sums;  ///< one per histogram
};

/// The "matrix" of an answer of /api/v1/query; timestamps rounded to milliseconds. invalid_argument
/// if it is none, with the server's error text if it says one.
result<std::vector<stored_series>> parse_matrix(std::string_view body);

}  // namespace troupe::client
