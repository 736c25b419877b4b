// Messages and fields of remote-write requests: plain values to bytes. Field numbers are those of
// prometheus/prompb/types.proto and prompb/io/prometheus/write/v2/types.proto. Pure functions.
#pragma once

#include "storage/model/histogram.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::remote {

/// A length-delimited field.
void put_text(std::string& out, uint32_t field, std::string_view text);
/// Its beginning; `size` bytes must follow.
void put_text_head(std::string& out, uint32_t field, size_t size);
void put_double(std::string& out, uint32_t field, double v);
void put_number(std::string& out, uint32_t field, uint64_t v);
/// Bytes of put_text() of so many.
size_t text_field_size(size_t size);

/// The field of a Sample, which is the same in both versions without a start time.
void put_sample(std::string& out, uint32_t field, const sample& s);
size_t sample_field_size(const sample& s);
/// A Sample of version 2.0 that has a start time.
void put_started_sample(std::string& out, uint32_t field, const sample& s, timestamp_ms start);
/// The fields of a Histogram, of any kind: custom buckets and a start time are for version 2.0.
void put_histogram(std::string& out, timestamp_ms ts, const histogram& h,
                   timestamp_ms start = no_start_timestamp);
/// The label fields of a message, each as field 1 with name and value.
void put_labels(std::string& out, const labels& all);

}  // namespace troupe::remote
