// How lines of InfluxDB become series. Plain data.
#pragma once

#include <string>

namespace troupe::influx {

struct settings {
  std::string separator = "_";     ///< between measurement and field
  std::string db_label = "db";     ///< of the request's database
  bool skip_single_field = false;  ///< a line's only field is named by its measurement alone
  bool skip_measurement = false;   ///< fields are named by themselves alone
};

}  // namespace troupe::influx
