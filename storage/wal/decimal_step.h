// Steps between decimals: two values that are integers divided by the same power of ten differ by
// an integer that is far shorter than the XOR of their bits. Exact in both directions on every
// machine. Pure functions.
#pragma once

#include "storage/wal/section.h"

#include <cstdint>
#include <span>

namespace troupe::storage {

/// Where a step between decimals is shorter than the XOR, it takes its place (forms, xors).
/// `values` are the bits of the samples.
void use_decimal_steps(float_columns& columns, std::span<const uint64_t> values);

/// The bits of the value that follows `from`. A `from` that is no such decimal comes back as it is.
uint64_t step_forward(uint64_t from, uint8_t form, uint64_t step);
/// The inverse.
uint64_t step_backward(uint64_t to, uint8_t form, uint64_t step);

}  // namespace troupe::storage
