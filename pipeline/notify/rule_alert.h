// The alerts of rules as alerts to send. Pure, any thread.
#pragma once

#include "pipeline/notify/alert.h"
#include "pipeline/rules/alert.h"

#include <string_view>
#include <vector>

namespace troupe::notify {

/// Each with the URL of its expression's graph below `external_url`, which does not end in '/'.
std::vector<alert_ptr> alerts_of_rules(const std::vector<rules::outgoing_alert>& from,
                                       std::string_view external_url);

}  // namespace troupe::notify
