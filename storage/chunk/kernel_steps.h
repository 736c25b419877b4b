// One row at a time: what the kernels of every instruction set agree on, and use for the rows that
// do not fill a register. Only for the kernel files.
#pragma once

#include "storage/base/coding.h"
#include "storage/chunk/kernels.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace troupe::storage {

/// 2^52 + 2^51: added to a double below decimal_limit it rounds to an integer, to even, and leaves
/// that integer in the low bits.
inline constexpr double rounder = 6755399441055744.0;

void pack_rows(const uint64_t* rows, unsigned width, uint8_t* out);

inline constexpr uint64_t low_bits(unsigned width) {
  return width >= 64 ? ~0ULL : (1ULL << width) - 1;
}

inline uint64_t load_u64(const uint8_t* p) {
  uint64_t v;
  std::memcpy(&v, p, sizeof v);
  return v;
}

/// Bits of a double as an integer that grows with the number; its own inverse.
inline uint64_t ordered_bits(uint64_t bits) {
  return bits ^ (static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) >> 1);
}

inline double to_double(uint64_t row, value_scale scale) {
  if (scale == scale_bits)
    return std::bit_cast<double>(ordered_bits(row));
  const auto v = static_cast<double>(static_cast<int64_t>(row));
  if (scale == scale_integer)
    return v;
  return scale < scale_multiplied ? v / powers_of_ten[scale] : v * tenths[scale - scale_multiplied];
}

/// False if `v` does not come back; `row` is then 0.
inline bool to_integer(double v, value_scale scale, uint64_t& row) {
  row = 0;
  if (scale == scale_bits) {
    row = ordered_bits(std::bit_cast<uint64_t>(v));
    return true;
  }
  int64_t i = 0;
  if (scale == scale_integer) {
    if (!(v >= -0x1p63 && v < 0x1p63))
      return false;
    i = static_cast<int64_t>(v);
  } else {
    const double scaled = v * powers_of_ten[scale % scale_multiplied];
    if (!(std::fabs(scaled) < decimal_limit))
      return false;
    i = static_cast<int64_t>(std::bit_cast<uint64_t>(scaled + rounder) -
                             std::bit_cast<uint64_t>(rounder));
  }
  if (std::bit_cast<uint64_t>(to_double(static_cast<uint64_t>(i), scale)) !=
      std::bit_cast<uint64_t>(v))
    return false;
  row = static_cast<uint64_t>(i);
  return true;
}

/// Takes row i > 0 into a survey.
inline void survey_row(const uint64_t* rows, size_t i, column_survey& out) {
  const auto row = static_cast<int64_t>(rows[i]);
  const uint64_t d = rows[i] - rows[i - 1];
  out.any |= d;
  out.changes += d != 0;
  out.difference = std::max(out.difference, static_cast<int64_t>(d) < 0 ? 0 - d : d);
  out.least = std::min(out.least, row);
  out.greatest = std::max(out.greatest, row);
}

/// `longer(w)`: how many of the n rows need more than w bits; `longest`: the most bits a row needs.
template <class Longer>
inline __attribute__((always_inline)) width_choice cheapest_width(unsigned n, unsigned longest,
                                                                  const Longer& longer) {
  width_choice best{static_cast<uint8_t>(longest), 0, 0,
                    static_cast<uint16_t>((n * longest + 7) / 8)};
  for (unsigned w = longest; w-- > 0;) {
    const unsigned patches = longer(w);
    if (patches > max_patches)
      break;
    const unsigned bytes = (n * w + 7) / 8 + 2 + patches + (patches * (longest - w) + 7) / 8;
    if (bytes < best.bytes)
      best = {static_cast<uint8_t>(w), static_cast<uint8_t>(patches),
              static_cast<uint8_t>(longest - w), static_cast<uint16_t>(bytes)};
  }
  return best;
}

/// The eight lanes of column_fold.
struct fold_lanes {
  double min = std::numeric_limits<double>::infinity();
  double max = -std::numeric_limits<double>::infinity();
  std::array<double, 8> sum{};
  std::array<double, 8> error{};
  uint64_t resets = 0;
  double reset_sum = 0;
  bool nan = false;

  void add(const double* in, size_t i) {
    const double v = in[i];
    min = v < min ? v : min;
    max = v > max ? v : max;
    nan = nan || v != v;
    // What an addition loses, exactly (Knuth).
    double& s = sum[i % 8];
    const double t = s + v, part = t - s;
    error[i % 8] += (s - (t - part)) + (v - part);
    s = t;
    if (i > 0 && v < in[i - 1]) {
      ++resets;
      reset_sum += in[i - 1];
    }
  }
  void finish(column_fold& out) const {
    // Zeros lose their sign: which of 0 and -0 was met first must not matter.
    out = {min + 0.0, max + 0.0, sum[0], error[0], resets, reset_sum, nan};
    for (size_t lane = 1; lane < 8; ++lane) {
      const double t = out.sum + sum[lane], part = t - out.sum;
      out.compensation += (out.sum - (t - part)) + (sum[lane] - part) + error[lane];
      out.sum = t;
    }
  }
};

}  // namespace troupe::storage
