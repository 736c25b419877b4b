#include "storage/chunk/kernels.h"

#include "storage/base/coding.h"
#include "storage/chunk/kernel_steps.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace troupe::storage {
namespace {

void unpack(const uint8_t* in, unsigned width, uint64_t* rows) {
  if (width == 0) {
    std::fill_n(rows, block_rows, 0);
    return;
  }
  const uint64_t mask = low_bits(width);
  for (size_t i = 0; i < block_rows; ++i) {
    const size_t bit = i * width;
    const unsigned shift = bit % 8;
    uint64_t v = load_u64(in + bit / 8) >> shift;
    if (shift + width > 64)
      v |= static_cast<uint64_t>(in[bit / 8 + 8]) << (64 - shift);
    rows[i] = v & mask;
  }
}

void restore(uint64_t* rows, const restore_rule& rule, restore_state& state) {
  for (size_t i = 0; i < block_rows; ++i) {
    const auto r = static_cast<uint64_t>(unzigzag(rows[i]));
    if (rule.order == packed_order::direct) {
      rows[i] = state.value + rule.factor * r;
      continue;
    }
    if (rule.order == packed_order::double_delta)
      state.step += r;
    const uint64_t step = rule.order == packed_order::double_delta ? state.step
                          : rule.order == packed_order::sloped     ? rule.slope + r
                                                                   : r;
    rows[i] = state.value += rule.factor * step;
  }
}

void residuals(const uint64_t* rows, packed_order order, uint64_t slope, uint64_t* out) {
  for (size_t i = 0; i < block_rows; ++i) {
    const uint64_t v = rows[i], v1 = rows[static_cast<ptrdiff_t>(i) - 1],
                   v2 = rows[static_cast<ptrdiff_t>(i) - 2];
    const uint64_t r = order == packed_order::direct         ? v - slope
                       : order == packed_order::delta        ? v - v1
                       : order == packed_order::double_delta ? v - v1 - (v1 - v2)
                                                             : v - v1 - slope;
    out[i] = zigzag(static_cast<int64_t>(r));
  }
}

column_survey survey(const uint64_t* rows, size_t n) {
  const auto first = static_cast<int64_t>(rows[0]);
  column_survey out{0, 0, 0, first, first};
  for (size_t i = 1; i < n; ++i)
    survey_row(rows, i, out);
  return out;
}

width_choice choose_width(const uint64_t* rows, unsigned n) {
  std::array<unsigned, 66> longer{};  // by width: rows that need more bits
  unsigned longest = 0;
  for (unsigned i = 0; i < n; ++i) {
    const auto bits = static_cast<unsigned>(std::bit_width(rows[i]));
    longest = std::max(longest, bits);
    ++longer[bits];
  }
  for (unsigned w = 64, above = 0; w <= 64; --w) {
    const unsigned here = longer[w];
    longer[w] = above;
    above += here;
  }
  return cheapest_width(n, longest, [&](unsigned w) { return longer[w]; });
}

void to_doubles(const uint64_t* rows, value_scale scale, double* out) {
  for (size_t i = 0; i < block_rows; ++i)
    out[i] = to_double(rows[i], scale);
}

uint64_t to_integers(const double* in, value_scale scale, uint64_t* rows) {
  uint64_t bad = 0;
  for (size_t i = 0; i < block_rows; ++i)
    bad |= static_cast<uint64_t>(!to_integer(in[i], scale, rows[i])) << i;
  return bad;
}

uint64_t count_resets(const double* in, size_t n) {
  uint64_t resets = 0;
  for (size_t i = 1; i < n; ++i)
    resets += in[i] < in[i - 1];
  return resets;
}

void fold(const double* in, size_t n, column_fold& out) {
  fold_lanes lanes;
  for (size_t i = 0; i < n; ++i)
    lanes.add(in, i);
  lanes.finish(out);
}

}  // namespace

void pack_rows(const uint64_t* rows, unsigned width, uint8_t* out) {
  if (width == 0)
    return;
  const uint64_t mask = low_bits(width);
  uint64_t word = 0;
  unsigned used = 0;
  for (size_t i = 0; i < block_rows; ++i) {
    const uint64_t v = rows[i] & mask;
    word |= v << used;
    used += width;
    if (used >= 64) {
      std::memcpy(out, &word, 8);
      out += 8;
      used -= 64;
      word = used ? v >> (width - used) : 0;
    }
  }
}

const kernel_set scalar_kernels = {"scalar",    unpack,       pack_rows,    restore,
                                   residuals,   survey,       choose_width, to_doubles,
                                   to_integers, count_resets, fold};

std::span<const kernel_set* const> usable_kernels() {
  static const auto sets = [] {
    std::pair<std::array<const kernel_set*, 3>, size_t> out{{&scalar_kernels}, 1};
#if defined(__x86_64__)
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
    if (avx2)
      out.first[out.second++] = &avx2_kernels;
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi"))
      out.first[out.second++] = &avx512_kernels;
#endif
    return out;
  }();
  return {sets.first.data(), sets.second};
}

const kernel_set& kernels() {
  static const kernel_set& best = *usable_kernels().back();
  return best;
}

}  // namespace troupe::storage
