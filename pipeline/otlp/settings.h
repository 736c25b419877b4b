// How metrics of OpenTelemetry become series: the `otlp` block of the configuration and flags.
// Plain data, immutable once made.
#pragma once

#include "pipeline/otlp/naming.h"

#include <cstdint>
#include <set>
#include <string>

namespace troupe::config {
struct otlp_config;
}

namespace troupe::otlp {

class delta_streams;

struct settings {
  name_rules names;
  bool promote_all = false;  ///< resource attributes, but those below; else those below alone
  std::set<std::string, std::less<>> resource_attributes;
  bool keep_identifying = false;  ///< in target_info, beside job and instance
  bool custom_buckets = false;    ///< histograms are stored as native ones
  bool promote_scope = false;
  bool accept_delta = false;  ///< stored as it is, of unknown type
  /// Deltas are stored as what they amount to; null: they are not. Outlives these settings.
  delta_streams* deltas = nullptr;
  int64_t lookback_ms = 300'000;
};

settings settings_of(const config::otlp_config& c);

}  // namespace troupe::otlp
