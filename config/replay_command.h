// `troupe replay` as a plain struct.
#pragma once

#include "config/kafka_config.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::config {

struct replay_command {
  kafka_config cluster;    ///< of --brokers; none if there is a kafka_file
  std::string kafka_file;  ///< a cluster as YAML; "": none
  std::string topic;
  std::string from, to;              ///< RFC 3339 or seconds, `to` excluded; "": no bound
  std::vector<std::string> matches;  ///< selectors; none: all series
  std::map<std::string, std::string> labels;
  std::string write_url;         ///< with its path; "" only with dry_run
  std::string http_config_file;  ///< an http_config as YAML; "": none
  std::string state_file;        ///< "": none
  double rate = 0;               ///< samples a second; 0: no bound
  int64_t slack_ms = 10LL * 60'000;
  int64_t timeout_ms = 60'000;  ///< of a request
  bool dry_run = false;
  bool json = false;
};

}  // namespace troupe::config
