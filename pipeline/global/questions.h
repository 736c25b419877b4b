// What regions are asked, as requests of Prometheus' API. All say `regions=local`, so that two
// nodes with a global view never ask each other in circles. Pure functions.
#pragma once

#include "pipeline/global/region.h"
#include "pipeline/remote/read_codec.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::global {

/// Which series within which time are meant; limit 0: all.
struct lookup {
  std::span<const matcher> ms;
  timestamp_ms mint = 0;
  timestamp_ms maxt = 0;
  size_t limit = 0;
};

question names_question(const lookup& l);
question values_question(std::string_view name, const lookup& l);
question series_question(const lookup& l);
/// Samples as they are stored; `compress` is snappy's block format.
question read_question(const remote::read_query& q,
                       const std::function<std::string(std::string_view)>& compress);

/// A server's configuration, for its external labels.
question config_question();

/// The value of an expression: at `start` alone if step_ms is 0.
struct value_terms {
  std::string_view text;
  timestamp_ms start = 0;
  timestamp_ms end = 0;
  int64_t step_ms = 0;
  int64_t lookback_ms = 0;
  int64_t timeout_ms = 0;
};
question value_question(const value_terms& t);

}  // namespace troupe::global
