// Timestamp and start timestamp columns of a chunk: delta-of-delta varints, plain or as runs, or a
// packed column. Pure functions, any thread.
#pragma once

#include "storage/base/coding.h"
#include "storage/model/sample.h"

#include <span>
#include <string>

namespace troupe::storage {

/// The forms of a timestamp column; the encoder takes the shortest one.
enum class time_form : unsigned char { plain, runs, packed };

/// Appends the shortest form of `ts` (at least one, strictly increasing) to `out`; says which.
time_form encode_times(std::span<const timestamp_ms> ts, std::string& out);
/// Fills `ts` (at least one). False if the bytes do not hold that many increasing timestamps.
bool decode_times(byte_reader& in, time_form form, std::span<timestamp_ms> ts);

/// Start timestamps: runs of equal values.
void encode_starts(std::span<const timestamp_ms> starts, std::string& out);
bool decode_starts(byte_reader& in, std::span<timestamp_ms> starts);

}  // namespace troupe::storage
