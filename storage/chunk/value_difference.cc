#include "storage/chunk/value_difference.h"

#include "storage/base/check.h"

#include <cmath>
#include <cstring>
#include <vector>

namespace troupe::storage {
namespace {

bool same_bits(std::span<const double> a, std::span<const double> b) {
  return std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace

void apply_differences(std::span<const double> base, difference_sign sign, std::span<double> rows) {
  const bool subtract = sign == difference_sign::subtracted;
  for (size_t i = 0; i < rows.size(); ++i) {
    const double b = base[i], d = rows[i];
    // Finite times 0 is 0, everything else NaN.
    const double moved = b * 0 == 0 && d * 0 == 0 ? (subtract ? b - d : b + d) : d;
    rows[i] = d == 0 ? b : moved;
  }
}

std::optional<value_difference> difference_of(std::span<const double> lower,
                                              std::span<const double> upper) {
  TROUPE_CHECK(lower.size() == upper.size() && !lower.empty());
  thread_local std::vector<double> rows, back;
  rows.resize(lower.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const double a = lower[i], b = upper[i];
    rows[i] = std::memcmp(&a, &b, sizeof a) == 0     ? 0
              : std::isfinite(a) && std::isfinite(b) ? b - a
                                                     : b;
  }
  back = rows;
  apply_differences(lower, difference_sign::added, back);
  if (!same_bits(back, upper))
    return std::nullopt;
  back = rows;
  apply_differences(upper, difference_sign::subtracted, back);
  if (!same_bits(back, lower))
    return std::nullopt;
  value_difference out;
  out.form = encode_values(rows, out.column, storage_tier::cold);
  return out;
}

}  // namespace troupe::storage
