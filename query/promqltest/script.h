// A promqltest script as commands: load, clear, eval. Plain values; what they do is runner.h's
// matter.
#pragma once

#include "query/promqltest/series_notation.h"
#include "storage/base/regex.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe::query {

struct loaded_sample {
  timestamp_ms ts = 0;
  double value = 0;
  histogram_ptr histogram;  ///< null: the float
  timestamp_ms start_ts = no_start_timestamp;
};

struct loaded_series {
  labels series;
  std::vector<loaded_sample> samples;
};

struct load_command {
  std::vector<loaded_series> series;
  /// Series with native histograms, written as such or made of classic ones by load_with_nhcb.
  /// Reset hints are those a Prometheus storage gives back.
  std::vector<loaded_series> histogram_series;
};

struct clear_command {};

/// A text, a pattern to be found in a text, or (both empty) anything.
struct message_match {
  std::optional<std::string> text;
  std::optional<regex> pattern;
  bool matches(std::string_view message) const;
  std::string describe() const;
};

struct expected_series {
  labels series;
  std::vector<series_value> values;
};

struct eval_command {
  std::string expr;
  bool is_range = false;
  /// Instant: start is the evaluation time, the others are 0 unless `range_vector`.
  timestamp_ms start = 0;
  timestamp_ms end = 0;
  int64_t step_ms = 0;
  timestamp_ms at = 0;        ///< evaluation time of an instant query
  bool range_vector = false;  ///< `expect range vector`: start, end and step say which points

  bool fail = false;
  bool ordered = false;
  message_match fail_match;
  std::vector<message_match> warn, info;
  bool no_warn = false;
  bool no_info = false;

  std::vector<expected_series> series;  ///< in the order of the script
  std::optional<double> scalar;
  std::optional<std::string> text;
  bool expects_histograms() const;
};

struct script_command {
  uint32_t line = 0;  ///< from 1
  std::variant<load_command, clear_command, eval_command> what;
};

struct script {
  std::string name;  ///< the file, for messages
  std::vector<script_command> commands;
};

/// Errors are `name:line: reason`.
result<script> parse_script(std::string name, std::string_view text);

}  // namespace troupe::query
