// `troupe check rules` and `troupe test rules` as plain structs.
#pragma once

#include <string>
#include <vector>

namespace troupe::config {

struct check_rules_command {
  std::vector<std::string> files;
  bool lint = true;         ///< look for rules that repeat each other
  bool lint_fatal = false;  ///< and fail if there are any
};

struct test_rules_command {
  std::vector<std::string> files;
  std::vector<std::string> run;  ///< patterns of names of tests; empty: all
};

}  // namespace troupe::config
