// Sums of exponential histograms, as the OpenTelemetry collector's deltatocumulative processor
// makes them (internal/data/add.go, internal/data/expo). Pure functions.
#pragma once

#include "pipeline/otlp/metrics.h"

namespace troupe::otlp {

/// Adds scale, zero bucket and buckets of `in` to those of `to`; counts and sums are the caller's.
/// The coarser scale and the wider zero bucket win; more than 160 buckets a side make the scale
/// coarser still.
void add_buckets(data_point& to, data_point in);

}  // namespace troupe::otlp
