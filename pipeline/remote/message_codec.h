// Messages inside of a prometheus.WriteRequest: bytes to plain values. Malformed bytes throw, which
// decode_write() catches. Pure functions.
#pragma once

#include "storage/model/batch.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::remote {

struct write_limits {
  size_t max_labels = 1024;            ///< per series
  size_t max_label_bytes = 64u << 10;  ///< a name or a value
};

/// Appends the labels among the fields of a TimeSeries.
void read_labels(std::string_view fields, std::vector<label_view>& out);
/// Why a series with these labels must not be stored; "" if it may.
std::string refusal(std::span<const label_view> ls, const write_limits& limits);
/// prometheus.Histogram; the timestamp goes to `ts`.
histogram_ptr read_histogram(std::string_view message, timestamp_ms& ts);
/// The spans name as many buckets as there are.
bool consistent(const histogram& h);
exemplar read_exemplar(std::string_view message);
metadata_entry read_metadata(std::string_view message);

}  // namespace troupe::remote
