// What a unit test expects against what there is, with promtool's strictness. Pure.
#pragma once

#include "config/rule_test_file.h"
#include "pipeline/rules/alert.h"
#include "query/engine/value.h"

#include <string>
#include <vector>

namespace troupe::rules {

/// Empty if exactly the expected alerts fire, else both as text.
std::string compare_alerts(const config::alert_rule_test& want, const std::vector<alert>& got);

/// The same for the samples of an expression. Values must be equal, with `fuzzy` but for the last
/// bit; NaN equals nothing.
std::string compare_samples(const config::expression_test& want, query::vector_value got,
                            bool fuzzy);

}  // namespace troupe::rules
