// Names of OpenTelemetry in Prometheus: metrics, their units, labels. The rules are those of
// github.com/prometheus/otlptranslator 1.0. Pure functions.
#pragma once

#include "pipeline/otlp/metrics.h"
#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::otlp {

struct name_rules {
  bool escape = true;    ///< all but ASCII letters, digits, '_' and (in metrics) ':' becomes '_'
  bool suffixes = true;  ///< of unit and type
  bool sanitize_underscores = true;  ///< labels that begin with one '_' get "key" in front
  bool keep_underscores = true;      ///< else runs of them become one
};

/// invalid_argument if nothing but underscores would be left.
result<std::string> metric_name(const metric& m, const name_rules& rules);
result<std::string> label_name(std::string_view attribute, const name_rules& rules);
/// "By/s" is "bytes_per_second".
std::string unit_name(std::string_view unit);

}  // namespace troupe::otlp
