// Reads what the query API answers. Pure.
#pragma once

#include "query/engine/value.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstddef>
#include <string>
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

/// What an answer of the query API may be. Its text is bounded by whoever fetches it.
struct answer_limits {
  size_t max_points = 50'000'000;
};

/// An answer of /api/v1/query or /api/v1/query_range to an expression that gives an instant vector.
struct query_answer {
  bool failed = false;
  std::string error_type;  ///< of a failed query, as the server says it ("execution")
  std::string error;
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  /// There were native histograms, of which the API does not tell all: `series` is empty.
  bool has_histograms = false;
  /// In the server's order, every float to its bit; a vector's series have one point.
  query::matrix_value series;
};

/// invalid_argument if the text is no such answer, resource_exhausted if it has too many points.
result<query_answer> parse_query_answer(std::string_view body, const answer_limits& limits = {});

}  // namespace troupe::client
