// Value column of a float chunk: the shortest of several exact forms, readable in part. The times
// may be anywhere else: count and form are all a column needs from outside. Pure functions, any
// thread.
#pragma once

#include "storage/base/coding.h"

#include <span>
#include <string>

namespace troupe::storage {

/// Part of the chunk format: the numbers are on disk. 5 stands for histograms there.
enum class value_form : unsigned char {
  constant = 0,         ///< one value for all
  delta = 1,            ///< integers as varints: first, then differences; no longer written
  double_delta = 2,     ///< the same, differences of differences; no longer written
  xored = 3,            ///< first, then the non-zero bytes of the XOR with the previous value
  raw = 4,              ///< eight bytes each
  packed = 6,           ///< a packed column of scaled integers
  patched = 7,          ///< exceptions, then a packed column
  entropy = 8,          ///< an entropy-coded column of scaled integers; for cold columns only
  entropy_patched = 9,  ///< exceptions, then one
};
inline constexpr bool is_value_form(unsigned n) {
  return n <= 9 && n != 5;
}

/// Which forms a writer may take: hot, those that are read fast and in part; cold, all.
enum class storage_tier : unsigned char { hot, cold };

/// Appends `values` (at least one) in the form with the fewest bytes, bit-exact; says which.
value_form encode_values(std::span<const double> values, std::string& out,
                         storage_tier tier = storage_tier::hot);

/// Fills `rows` with the rows from `from` on of a column of `count` (at least one) and moves `in`
/// behind the column. Costs little for what lies before the rows of a packed column, nearly nothing
/// for what lies behind. False if the bytes do not hold; those of rows not asked for may go unseen.
bool decode_values(byte_reader& in, value_form form, size_t count, size_t from,
                   std::span<double> rows);
/// All of them.
inline bool decode_values(byte_reader& in, value_form form, std::span<double> values) {
  return decode_values(in, form, values.size(), 0, values);
}

}  // namespace troupe::storage
