// What discovery finds under alerting.alertmanagers: one address, through relabelling, to the URL
// that takes alerts. Immutable; any thread.
#pragma once

#include "config/alerting_config.h"
#include "config/scrape_config.h"
#include "pipeline/relabel/relabel.h"
#include "storage/base/result.h"

#include <map>
#include <string>

namespace troupe::notify {

/// Makes the URLs of one entry of the configuration.
class alertmanager_resolver {
 public:
  /// invalid_argument if a rule of relabel_configs does not compile.
  static result<alertmanager_resolver> create(const config::alertmanager_config& entry,
                                              config::name_validation validation);

  struct outcome {
    std::string url;       ///< "http://host:9093/api/v2/alerts"; before relabelling if dropped
    bool dropped = false;  ///< by relabelling
    status error;          ///< the address is none
  };
  outcome resolve(const std::string& address,
                  const std::map<std::string, std::string>& group_labels) const;

 private:
  std::string scheme_, path_;
  relabel::rules rules_;
};

}  // namespace troupe::notify
