// What an expansion may ask for and use up. Plain values; one expansion owns its budget.
#pragma once

#include "pipeline/template/value.h"
#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::templates {

/// Evaluates a PromQL text at an instant. The message of an error is what Prometheus would show.
using query_function =
    std::function<result<std::vector<sample>>(std::string_view promql, timestamp_ms at)>;

/// A template that goes beyond one of these fails with resource_exhausted.
struct expansion_limits {
  size_t output_bytes = 1 << 20;
  size_t work_bytes = 64 << 20;  ///< all texts that functions read and make
  size_t steps = 1'000'000;      ///< evaluated nodes of the tree
  int depth = 1000;  ///< nodes inside of each other, templates that call others included
};

struct environment {
  query_function query;
  timestamp_ms now = 0;
  std::string external_url;
  std::string path_prefix;  ///< the path of external_url, decoded; "" for the root
  expansion_limits limits;
};

/// What is left of the limits.
class budget {
 public:
  explicit budget(const expansion_limits& l) : limits_(l), bytes_left_(l.work_bytes) {}

  status step();
  status charge(size_t bytes);
  /// The longest text a function may make.
  size_t bytes_left() const { return bytes_left_; }
  const expansion_limits& limits() const { return limits_; }

 private:
  expansion_limits limits_;
  size_t bytes_left_;
  size_t steps_ = 0;
};

}  // namespace troupe::templates
