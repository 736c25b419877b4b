// One relabelling rule as configured. Plain data; compiled and applied by pipeline/relabel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::config {

enum class relabel_action : unsigned char {
  replace,
  keep,
  drop,
  keepequal,
  dropequal,
  hashmod,
  labelmap,
  labeldrop,
  labelkeep,
  lowercase,
  uppercase,
};

struct relabel_config {
  std::vector<std::string> source_labels;
  std::string separator = ";";
  std::string target_label;
  std::string regex = "(.*)";  ///< RE2, checked to compile; anchored when used
  uint64_t modulus = 0;        ///< hashmod only
  std::string replacement = "$1";
  relabel_action action = relabel_action::replace;

  bool operator==(const relabel_config&) const = default;
};

}  // namespace troupe::config
