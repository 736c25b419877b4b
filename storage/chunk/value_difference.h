// What the values of one chunk have more than those of another with the same times: for buckets of
// a classic histogram, which are told by the next lower or the next higher one. Pure functions, any
// thread.
#pragma once

#include "storage/chunk/value_column.h"

#include <optional>
#include <span>
#include <string>

namespace troupe::storage {

/// How the differences lead from the other chunk's values. Part of the chunk format: the numbers
/// are kinds on disk.
enum class difference_sign : unsigned char { added = 10, subtracted = 11 };

/// Differences as a value column.
struct value_difference {
  value_form form = value_form::raw;
  std::string column;
};

/// `upper` less `lower`, equally long, at least one; a row with the same bits in both is 0, one
/// that is no finite number in both is `upper`'s. Nothing if either would not come back from the
/// other bit by bit.
std::optional<value_difference> difference_of(std::span<const double> lower,
                                              std::span<const double> upper);

/// Makes values of differences, in place: the bits of `base` where the difference is 0, else their
/// sum (or what `base` has more) if both are finite, else the difference.
void apply_differences(std::span<const double> base, difference_sign sign, std::span<double> rows);

}  // namespace troupe::storage
