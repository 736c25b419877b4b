#include "storage/block/series_stats.h"

#include "storage/base/coding.h"
#include "storage/chunk/kernels.h"
#include "storage/chunk/value_stats.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace troupe::storage {
namespace {

// The first byte: the scale of the four numbers (raw: eight bytes each), and whether sums follow.
constexpr uint8_t scale_mask = 0x0f;
constexpr uint8_t raw_scale = 0x0f;
constexpr uint8_t has_sums = 0x10;
constexpr uint8_t known_bits = scale_mask | has_sums;
constexpr double exact_limit = 9007199254740992.0;  // 2^53

using four = std::array<double, 4>;  // first, last, min, max

// The integer i with i / 10^scale == v to the bit.
std::optional<int64_t> to_decimal(double v, size_t scale) {
  const double scaled = std::nearbyint(v * powers_of_ten[scale]);
  if (!(std::fabs(scaled) < decimal_limit))
    return std::nullopt;
  const auto i = static_cast<int64_t>(scaled);
  const double back = static_cast<double>(i) / powers_of_ten[scale];
  return std::bit_cast<uint64_t>(back) == std::bit_cast<uint64_t>(v) ? std::optional(i)
                                                                     : std::nullopt;
}

// The smallest scale at which all are integers; raw_scale if there is none.
uint8_t scale_of(const four& numbers) {
  for (uint8_t scale = 0; scale < powers_of_ten.size(); ++scale)
    if (std::all_of(numbers.begin(), numbers.end(),
                    [&](double v) { return to_decimal(v, scale).has_value(); }))
      return scale;
  return raw_scale;
}

std::optional<series_stats::integer_sums> sums_of(std::span<const double> values,
                                                  const value_stats& all) {
  double magnitude = 0;
  for (const double v : values) {
    if (v != std::floor(v) || (v == 0 && std::signbit(v)))
      return std::nullopt;
    magnitude += std::fabs(v);
  }
  if (!(magnitude < exact_limit))
    return std::nullopt;
  return series_stats::integer_sums{static_cast<int64_t>(all.sum + all.compensation),
                                    static_cast<int64_t>(all.reset_sum)};
}

}  // namespace

std::optional<series_stats> series_stats_of(std::span<const double> values) {
  if (values.empty() ||
      std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); }))
    return std::nullopt;
  const value_stats all = stats_of(values);
  series_stats out{values.front(), values.back(), all.min, all.max, all.resets, std::nullopt};
  if (all.min == 0 || all.max == 0) {
    const auto negative = [](double v) { return v == 0 && std::signbit(v); };
    if (std::any_of(values.begin(), values.end(), negative))
      return std::nullopt;
    // The kernels say nothing of the sign.
    if (all.min == 0)
      out.min = 0.0;
    if (all.max == 0)
      out.max = 0.0;
  }
  out.sums = sums_of(values, all);
  return out;
}

std::string encode_series_stats(const series_stats& s) {
  const four numbers{s.first, s.last, s.min, s.max};
  const uint8_t scale = scale_of(numbers);
  std::string out;
  put_u8(out, scale | (s.sums ? has_sums : 0));
  int64_t before = 0;
  for (const double v : numbers) {
    if (scale == raw_scale) {
      put_u64(out, std::bit_cast<uint64_t>(v));
      continue;
    }
    const int64_t i = *to_decimal(v, scale);
    put_svarint(out, i - before);
    if (before == 0)
      before = i;
  }
  put_varint(out, s.resets);
  if (s.sums) {
    put_svarint(out, s.sums->sum);
    if (s.resets > 0)
      put_svarint(out, s.sums->before_resets);
  }
  return out;
}

result<series_stats> decode_series_stats(std::string_view bytes) {
  byte_reader in(bytes);
  const uint8_t form = in.u8();
  const uint8_t scale = form & scale_mask;
  if ((form & ~known_bits) != 0 || (scale != raw_scale && scale >= powers_of_ten.size()))
    return status(errc::corruption, "series statistics: unknown form");
  four numbers{};
  int64_t before = 0;
  for (double& v : numbers) {
    if (scale == raw_scale) {
      v = std::bit_cast<double>(in.u64());
      continue;
    }
    const auto i =
        static_cast<int64_t>(static_cast<uint64_t>(before) + static_cast<uint64_t>(in.svarint()));
    v = static_cast<double>(i) / powers_of_ten[scale];
    if (before == 0)
      before = i;
  }
  series_stats out{numbers[0], numbers[1], numbers[2], numbers[3], in.varint(), std::nullopt};
  if ((form & has_sums) != 0) {
    out.sums = series_stats::integer_sums{in.svarint(), 0};
    if (out.resets > 0)
      out.sums->before_resets = in.svarint();
  }
  if (in.failed() || in.remaining() != 0)
    return status(errc::corruption, "series statistics: bad length");
  return out;
}

}  // namespace troupe::storage
