// Messages inside of remote-write requests: bytes to plain values. Malformed bytes throw, which
// decode_write() and decode_write_v2() catch. Pure functions.
#pragma once

#include "storage/model/batch.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::remote {

/// What is above one of these is refused by itself.
struct write_limits {
  bool taken_over = false;   ///< no limit: batches are marked so (write_batch::taken_over)
  size_t max_labels = 1024;  ///< per series or exemplar
  size_t max_label_bytes = 64u << 10;    ///< a name or a value
  size_t max_series_bytes = 512u << 10;  ///< all names and values of a series
  size_t max_exemplar_characters = 128;  ///< all names and values of an exemplar, as in Prometheus
  size_t max_buckets = 64u << 10;        ///< a side of a histogram, its spans, or its bounds
};

/// Appends the labels among these fields, one more than `most` at most.
void read_labels(std::string_view fields, size_t most, std::vector<label_view>& out);
/// Why these labels do not hold; "" if they do.
std::string label_refusal(std::span<const label_view> ls, const write_limits& limits);
/// Why a series with these labels must not be stored; "" if it may.
std::string series_refusal(std::span<const label_view> ls, const write_limits& limits);

/// The Histogram message of both versions. Of too many buckets only some are read.
histogram_entry read_histogram(std::string_view message, const write_limits& limits);
/// "" if it may be stored.
std::string histogram_refusal(const histogram& h, const write_limits& limits);

struct exemplar_fields {
  std::vector<label_view> labels;
  double value = 0;
  timestamp_ms ts = 0;
};
/// prometheus.Exemplar
exemplar_fields read_exemplar(std::string_view message, const write_limits& limits);
/// Of valid UTF-8.
size_t characters(std::string_view text);
/// "" if it may be stored.
std::string exemplar_refusal(const exemplar_fields& e, const write_limits& limits);

/// The number of both versions' MetricMetadata.MetricType; unknown for others.
metric_type metric_type_of(int64_t number);
/// Texts of the request.
struct metadata_fields {
  std::string_view family;
  metric_type type = metric_type::unknown;
  std::string_view unit, help;
};
/// prometheus.MetricMetadata
metadata_fields read_metadata(std::string_view message);

/// The message with all its labels in front, as senders are asked to write it.
std::string labels_first(std::string_view message);

}  // namespace troupe::remote
