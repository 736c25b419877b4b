#include "pipeline/aggregate/dropped_inputs.h"

#include "pipeline/aggregate/rule.h"

namespace troupe::aggregate {

std::vector<matchers> dropped_inputs(const std::vector<config::aggregation_config>& rules) {
  std::vector<rule_ptr> made;
  matchers no_outputs;
  for (const auto& c : rules) {
    auto r = rule::make(c);
    if (!r.ok())
      continue;
    made.push_back(*r);
    if (!c.keep_metric_names)
      no_outputs.push_back(*matcher::make(match_op::not_regex, std::string(metric_name_label),
                                          (*r)->output_name_pattern()));
  }
  std::vector<matchers> out;
  for (const auto& r : made) {
    if (r->keeps_input())
      continue;
    for (matchers selector : r->selectors()) {
      selector.insert(selector.end(), no_outputs.begin(), no_outputs.end());
      out.push_back(std::move(selector));
    }
  }
  return out;
}

}  // namespace troupe::aggregate
