// Names of the series that alerting rules write, as in Prometheus.
#pragma once

#include <string_view>

namespace troupe::rules {

/// Value 1 for every pending and firing alert.
inline constexpr std::string_view alerts_name = "ALERTS";
/// When an alert became active, in Unix seconds.
inline constexpr std::string_view for_state_name = "ALERTS_FOR_STATE";
inline constexpr std::string_view alert_name_label = "alertname";
inline constexpr std::string_view alert_state_label = "alertstate";

/// Of alerts that were sent though data were missing.
inline constexpr std::string_view incomplete_annotation = "incomplete";

}  // namespace troupe::rules
