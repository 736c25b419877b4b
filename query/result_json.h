// Query results → the `data` object of the Prometheus API. Pure, any thread.
#pragma once

#include "query/engine/value.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"

#include <string>

namespace troupe::query {

/// Appends `{"resultType":"…","result":…}`.
void append_result_json(std::string& out, const query_value& value);

/// Appends a label set as an object: `{"__name__":"up","job":"a"}`.
void append_labels_json(std::string& out, const labels& series);
/// Appends milliseconds as seconds, with three decimals or none: 1.500, 0.001, -3.
void append_timestamp_json(std::string& out, timestamp_ms ts);
/// Appends a number quoted, shortest form: "1", "0.1", "1e+21", "NaN", "+Inf".
void append_value_json(std::string& out, double value);
/// Appends `{"count":"…","sum":"…","buckets":[[boundaries,"lower","upper","count"],…]}`.
/// Boundaries: 0 is (lower,upper], 1 is [lower,upper), 3 is [lower,upper].
void append_histogram_json(std::string& out, const histogram& h);

}  // namespace troupe::query
