// Unit tests of rules as promtool reads them: `troupe test rules`. Plain data; expressions, series
// and expected samples stay text.
#pragma once

#include "config/diagnostics.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

struct rule_test_series {
  std::string series;  ///< `name{a="b"}`
  std::string values;  ///< `0+10x5 _ stale`
};

struct expected_alert {
  std::map<std::string, std::string> labels;  ///< without alertname
  std::map<std::string, std::string> annotations;
};

/// All alerts of a name that fire at a time.
struct alert_rule_test {
  int64_t eval_time_ms = 0;
  std::string alert_name;
  std::vector<expected_alert> alerts;
};

struct expected_sample {
  std::string labels;  ///< `name{a="b"}`
  double value = 0;
  std::string histogram;  ///< `{{…}}`; not empty: and the value must be 0
};

struct expression_test {
  std::string expr;
  int64_t eval_time_ms = 0;
  std::vector<expected_sample> samples;
};

struct rule_test {
  std::string name;
  int64_t interval_ms = 0;  ///< between samples of the input
  std::string start_time;   ///< Unix seconds or RFC 3339; "": 0. Times of the test count from it
  std::vector<rule_test_series> input;
  std::vector<alert_rule_test> alerts;
  std::vector<expression_test> expressions;
  std::map<std::string, std::string> external_labels;
  std::string external_url;
};

struct rule_test_file {
  std::vector<std::string> rule_files;  ///< patterns, joined with the file's folder
  int64_t evaluation_interval_ms = 60'000;
  std::vector<std::string> group_eval_order;
  std::vector<rule_test> tests;
  bool fuzzy_compare = false;  ///< the last bit of a value does not count
};

/// Appends errors; then the result is of no use.
rule_test_file parse_rule_test_file(std::string_view text, const std::string& file,
                                    diagnostics& errors);

}  // namespace troupe::config
