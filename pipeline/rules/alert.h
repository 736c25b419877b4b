// One alert: its state over time. Plain values.
#pragma once

#include "pipeline/rules/definition.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::rules {

enum class alert_state : uint8_t { inactive, pending, firing };
/// "inactive", "pending", "firing".
std::string_view to_string(alert_state s);

struct alert {
  labels lset;
  text_map annotations;  ///< empty ones included
  alert_state state = alert_state::pending;
  double value = 0;
  timestamp_ms active_at = 0;
  std::optional<timestamp_ms> fired_at;
  std::optional<timestamp_ms> resolved_at;
  std::optional<timestamp_ms> last_sent_at;
  std::optional<timestamp_ms> keep_firing_since;
  /// Began to fire at an instant that was evaluated afterwards: nobody was told.
  bool from_catch_up = false;
};

/// What the notifier is to send.
struct outgoing_alert {
  labels lset;  ///< without external labels
  text_map annotations;
  timestamp_ms starts_at = 0;
  timestamp_ms ends_at = 0;  ///< resolved: when; else until when it counts as firing
  bool resolved = false;
  std::string expr;  ///< of the rule, for the generator's URL
};

}  // namespace troupe::rules
