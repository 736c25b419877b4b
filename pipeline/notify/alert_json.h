// Alerts as the body of POST /api/v2/alerts of an Alertmanager. Pure, any thread.
#pragma once

#include "pipeline/notify/alert.h"

#include <span>
#include <string>

namespace troupe::notify {

/// A JSON array, its members in Prometheus' order; times in RFC 3339 with milliseconds.
std::string alerts_json(std::span<const alert_ptr> alerts);

}  // namespace troupe::notify
