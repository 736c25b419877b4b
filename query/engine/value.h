// What a query returns: scalar, string, instant vector or matrix, with annotations and statistics.
// Plain values, owned by the caller, any thread.
#pragma once

#include "query/parser/functions.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace troupe::query {

struct scalar_value {
  timestamp_ms ts = 0;
  double value = 0;
};

struct string_value {
  timestamp_ms ts = 0;
  std::string text;
};

/// One element of an instant vector: a float, or a histogram where `histogram` is set.
struct vector_element {
  labels metric;
  timestamp_ms ts = 0;
  double value = 0;
  histogram_ptr histogram;
};

struct float_point {
  timestamp_ms ts = 0;
  double value = 0;
};

struct histogram_point {
  timestamp_ms ts = 0;
  histogram_ptr value;
};

/// One series of a matrix. Points of each kind by time; no timestamp is in both.
struct matrix_series {
  labels metric;
  std::vector<float_point> floats;
  std::vector<histogram_point> histograms;
};

using vector_value = std::vector<vector_element>;
using matrix_value = std::vector<matrix_series>;
using query_value = std::variant<scalar_value, string_value, vector_value, matrix_value>;

/// What a query cost. Samples as Prometheus counts them: a histogram counts by its size.
struct query_stats {
  int64_t prepare_ns = 0;                ///< opening the storage, preparing the expression
  int64_t eval_ns = 0;                   ///< evaluation, reading included
  int64_t sort_ns = 0;                   ///< sorting the result
  uint64_t total_queryable_samples = 0;  ///< every window counts its samples anew
  uint64_t samples_read = 0;             ///< samples decoded, once each
  uint64_t peak_samples = 0;             ///< most samples held at one time
  uint64_t peak_bytes = 0;               ///< most memory charged at one time
  /// (timestamp, queryable samples) of every step; empty unless asked for.
  std::vector<std::pair<timestamp_ms, uint64_t>> samples_per_step;
};

struct query_result {
  query_value value;
  /// Full texts with positions ("PromQL info: … (1:6)"), sorted, each once.
  std::vector<std::string> warnings;
  std::vector<std::string> infos;
  query_stats stats;

  /// The resultType of the API.
  value_type type() const {
    constexpr value_type types[] = {value_type::scalar, value_type::string, value_type::vector,
                                    value_type::matrix};
    return types[value.index()];
  }
};

}  // namespace troupe::query
