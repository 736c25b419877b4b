// Value column of a float chunk: the shortest of five exact forms. Pure functions, any thread.
#pragma once

#include "storage/base/coding.h"

#include <span>
#include <string>

namespace troupe::storage {

/// Part of the chunk format: the numbers are on disk.
enum class value_form : unsigned char {
  constant = 0,      ///< one value for all
  delta = 1,         ///< integers: first, then differences
  double_delta = 2,  ///< integers: first, first difference, then differences of differences
  xored = 3,         ///< first, then the non-zero bytes of the XOR with the previous value
  raw = 4,           ///< eight bytes each
};

/// The form with the fewest bytes for `values` (at least one); every form used is bit-exact.
value_form choose_value_form(std::span<const double> values);
/// Appends `values` in a form that choose_value_form allows for them.
void encode_values(std::span<const double> values, value_form form, std::string& out);
/// Fills `values` (at least one). False if the bytes do not hold that many.
bool decode_values(byte_reader& in, value_form form, std::span<double> values);

}  // namespace troupe::storage
