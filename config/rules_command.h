// `troupe check rules`, `troupe test rules` and `troupe rules backfill` as plain structs.
#pragma once

#include <cstdint>
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

struct backfill_rules_command {
  std::vector<std::string> files;
  std::string server = "http://localhost:9090";
  std::string start, end;             ///< RFC 3339 or seconds; end "": now
  int64_t eval_interval_ms = 60'000;  ///< of groups without an interval
  std::string http_config_file;       ///< an http_config as YAML; "": none
  int64_t timeout_ms = 300'000;       ///< of a query
};

}  // namespace troupe::config
