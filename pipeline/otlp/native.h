// Histograms of OpenTelemetry as native histograms, by the rules of Prometheus'
// prometheusremotewrite/histograms.go. Pure functions.
#pragma once

#include "pipeline/otlp/metrics.h"
#include "storage/base/result.h"
#include "storage/model/histogram.h"

namespace troupe::otlp {

/// Of an exponential histogram's point. invalid_argument if its scale or an index is out of range.
result<histogram_ptr> exponential_histogram(const data_point& p);
/// Of a histogram's point: custom buckets.
histogram_ptr custom_histogram(const data_point& p);

}  // namespace troupe::otlp
