// Rule groups as written in rule files: structure checked, expressions kept as text. Plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::config {

struct rule_config {
  std::string record;  ///< a recording rule's metric; else ""
  std::string alert;   ///< an alerting rule's name; else ""
  std::string expr;
  int64_t for_ms = 0;
  int64_t keep_firing_for_ms = 0;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;

  bool operator==(const rule_config&) const = default;
};

struct rule_group_config {
  std::string name;
  std::string file;
  int64_t interval_ms = 0;  ///< 0: global.evaluation_interval
  std::optional<int64_t> query_offset_ms;
  uint64_t limit = 0;  ///< series or alerts a rule may give; 0: none
  std::map<std::string, std::string> labels;
  std::vector<rule_config> rules;

  bool operator==(const rule_group_config&) const = default;
};

}  // namespace troupe::config
