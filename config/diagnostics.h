// What is wrong with a configuration, with position. Collected, never thrown.
#pragma once

#include "storage/base/result.h"

#include <string>
#include <vector>

namespace troupe::config {

struct diagnostic {
  std::string file;
  int line = 0;       ///< from 1; 0 = unknown
  int column = 0;     ///< from 1
  std::string field;  ///< "scrape_configs[0].scrape_interval"; "" = the whole file
  std::string message;

  /// "prometheus.yml:12:5: scrape_configs[0].scrape_intervall: unknown field"
  std::string to_string() const;
  bool operator==(const diagnostic&) const = default;
};

using diagnostics = std::vector<diagnostic>;

/// One a line.
std::string join(const diagnostics& all);
/// ok if there are none, else invalid_argument with all of them.
status to_status(const diagnostics& all);

}  // namespace troupe::config
