// The open samples of a series as bytes that grow at the end: values and timestamps, exact to the
// bit, a byte or two each. Functions over plain state; who owns the state locks it
// (storage/docs/head_layout.md).
#pragma once

#include "storage/head/byte_slab.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <span>

namespace troupe::storage {

/// Up to 255 values. Empty bytes: all are `last`.
struct open_values {
  double last = 0;  ///< the last value; the last number before it if that is a stale marker
  slab_bytes bytes;
};

/// Appends to a column of `count` values.
void append_value(byte_slab& slab, open_values& column, size_t count, double value);
/// All values, as many as were appended.
void read_values(const byte_slab& slab, const open_values& column, std::span<double> out);

/// True if a column with this tag (slab_bytes::tag) and these operations has `count` values, so
/// that it can be read and appended to.
bool valid_values(uint8_t tag, std::span<const uint8_t> operations, size_t count);

/// Up to 255 increasing timestamps.
struct open_times {
  timestamp_ms first = 0, last = 0;
  uint64_t last_delta = 0;
  slab_bytes bytes;
};

/// Appends to a column of `count` timestamps.
void append_time(byte_slab& slab, open_times& column, size_t count, timestamp_ms ts);
/// The first timestamps of the column, at most as many as were appended.
void read_times(const byte_slab& slab, const open_times& column, std::span<timestamp_ms> out);

}  // namespace troupe::storage
