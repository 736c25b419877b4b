// A rule group as it is evaluated: expressions parsed, labels merged, the order of work settled.
// Immutable once built, any thread.
#pragma once

#include "config/rule_file.h"
#include "query/parser/ast.h"
#include "query/parser/parser.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::rules {

using text_map = std::map<std::string, std::string>;

struct rule_definition {
  std::string name;  ///< of the recorded metric or of the alert
  bool alerting = false;
  query::expr_ptr parsed;
  std::string expr;     ///< canonical text
  bool shared = false;  ///< another rule of its stage has the same expression
  int64_t for_ms = 0;
  int64_t keep_firing_for_ms = 0;
  text_map labels;  ///< the group's, overridden by the rule's; "" takes a label away
  text_map annotations;
};

struct group_definition {
  std::string name;
  std::string file;
  int64_t interval_ms = 0;      ///< > 0
  int64_t query_offset_ms = 0;  ///< how far before the instant rules read and write
  uint64_t limit = 0;           ///< series or alerts of a rule; 0: none
  std::vector<rule_definition> rules;
  /// Positions of rules, each list ascending: those of one stage need no result of each other, and
  /// a stage is evaluated when the results of the ones before are stored. Whatever the stages, each
  /// rule sees what it would if all were evaluated one after the other.
  std::vector<std::vector<size_t>> stages;
  config::rule_group_config source;  ///< as written
};
using group_definition_ptr = std::shared_ptr<const group_definition>;

/// What a group takes from the configuration around it.
struct group_defaults {
  int64_t interval_ms = 60'000;
  int64_t query_offset_ms = 0;
  query::parse_options parse;
};

/// invalid_argument for an expression that does not parse.
result<group_definition_ptr> define_group(const config::rule_group_config& from,
                                          const group_defaults& defaults);

/// The labels of the series that a recording rule makes of an element of its result.
labels recorded_labels(const rule_definition& rule, const labels& found);

/// "file;name": names a group in metrics, as in Prometheus.
std::string group_key(const std::string& file, const std::string& name);

/// The stages of `rules` (group_definition::stages); one at least.
std::vector<std::vector<size_t>> stages_of(const std::vector<rule_definition>& rules);

}  // namespace troupe::rules
