// Which Alertmanagers there are, for /api/v1/alertmanagers. Immutable once shared.
#pragma once

#include <string>
#include <vector>

namespace troupe::notify {

struct alertmanagers_state {
  std::vector<std::string> active, dropped;  ///< URLs
  std::vector<std::string> errors;           ///< why an entry or address gives no Alertmanager
};

}  // namespace troupe::notify
