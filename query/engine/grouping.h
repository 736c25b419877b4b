// How by() and without() sort series into groups. Pure functions.
#pragma once

#include "query/engine/step_vector.h"
#include "query/parser/ast.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::query {

/// The labels of the group `metric` belongs to.
labels group_labels(const labels& metric, const std::vector<std::string>& names, bool without);

struct series_group {
  labels metric;
  std::vector<uint32_t> members;  ///< positions in the vector, rising
};
/// In order of first appearance.
std::vector<series_group> group_series(const step_vector& v, const aggregate_expr& e);

}  // namespace troupe::query
