// Result against expectation, as promqltest compares them. Pure.
#pragma once

#include "query/engine/value.h"
#include "query/promqltest/script.h"

#include <string>

namespace troupe::query {

/// Relative difference below 1e-6; NaNs are equal, the stale marker only to itself.
bool almost_equal(double a, double b);

/// Empty if `got` is what `want` says, else both as text ("expected …\n  got …").
std::string compare_value(const eval_command& want, const query_value& got);
/// The same for annotations.
std::string compare_annotations(const eval_command& want, const query_result& got);
/// The same for the message of a failed query.
std::string compare_failure(const eval_command& want, const status& failed);

}  // namespace troupe::query
