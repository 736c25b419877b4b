// An alert as it goes to Alertmanagers. Immutable once shared; any thread.
#pragma once

#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <map>
#include <memory>
#include <string>

namespace troupe::notify {

struct alert {
  labels identity;  ///< "alertname" and all others: two alerts with equal ones are the same
  std::map<std::string, std::string> annotations;
  timestamp_ms starts_at = 0;
  /// Resolved if this is past; of a firing alert the time until which it holds without news.
  timestamp_ms ends_at = 0;
  std::string generator_url;
};
using alert_ptr = std::shared_ptr<const alert>;

}  // namespace troupe::notify
