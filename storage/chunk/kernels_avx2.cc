#if defined(__x86_64__)
#include "storage/chunk/kernel_steps.h"

#include <immintrin.h>

#define TROUPE_AVX2 __attribute__((target("avx2,popcnt")))

namespace troupe::storage {
namespace {

constexpr size_t lanes = 4;
constexpr size_t registers = block_rows / lanes;

TROUPE_AVX2 inline __m256i load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
TROUPE_AVX2 inline void store(void* p, __m256i v) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), v);
}
TROUPE_AVX2 inline __m256i all(uint64_t v) {
  return _mm256_set1_epi64x(static_cast<int64_t>(v));
}

// The rows of a register come in pairs, each out of 16 bytes from the pair's first byte on.
struct pair_layout {
  __m256i bytes[2];  // which byte goes where
  __m256i shift[2];
  size_t offset[4];
};

TROUPE_AVX2 pair_layout layout_of(unsigned width) {
  pair_layout out;
  alignas(32) uint64_t first[8], shift[8];
  for (unsigned row = 0; row < 8; ++row) {
    const unsigned bit = row * width, base = (row & ~1u) * width / 8;
    first[row] = (bit / 8 - base) * 0x0101010101010101 + 0x0706050403020100;
    shift[row] = bit % 8;
    out.offset[row / 2] = base;
  }
  for (size_t i = 0; i < 2; ++i) {
    out.bytes[i] = load(first + i * lanes);
    out.shift[i] = load(shift + i * lanes);
  }
  return out;
}

TROUPE_AVX2 void unpack(const uint8_t* in, unsigned width, uint64_t* rows) {
  // A wider pair reaches over 16 bytes.
  if (width > 56)
    return scalar_kernels.unpack(in, width, rows);
  const pair_layout layout = layout_of(width);
  const __m256i mask = all(low_bits(width));
  for (size_t i = 0; i < registers; ++i) {
    const size_t half = i % 2;
    const uint8_t* group = in + i / 2 * width;
    const auto pair = [&](size_t k) TROUPE_AVX2 {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(group + layout.offset[2 * half + k]));
    };
    const __m256i both = _mm256_set_m128i(pair(1), pair(0));
    const __m256i picked = _mm256_shuffle_epi8(both, layout.bytes[half]);
    store(rows + i * lanes, _mm256_and_si256(_mm256_srlv_epi64(picked, layout.shift[half]), mask));
  }
}

TROUPE_AVX2 inline __m256i from_zigzag(__m256i v) {
  const __m256i sign = _mm256_sub_epi64(_mm256_setzero_si256(), _mm256_and_si256(v, all(1)));
  return _mm256_xor_si256(_mm256_srli_epi64(v, 1), sign);
}

TROUPE_AVX2 inline __m256i sign_of(__m256i v) {
  return _mm256_cmpgt_epi64(_mm256_setzero_si256(), v);
}

TROUPE_AVX2 inline __m256i prefix_sum(__m256i v, __m256i carry) {
  v = _mm256_add_epi64(v, _mm256_slli_si256(v, 8));
  const __m256i low_half = _mm256_permute4x64_epi64(v, _MM_SHUFFLE(1, 1, 0, 0));
  v = _mm256_add_epi64(v, _mm256_blend_epi32(_mm256_setzero_si256(), low_half, 0xf0));
  return _mm256_add_epi64(v, carry);
}

TROUPE_AVX2 inline __m256i last_lane(__m256i v) {
  return _mm256_permute4x64_epi64(v, _MM_SHUFFLE(3, 3, 3, 3));
}

// Low 64 bits of the products.
TROUPE_AVX2 inline __m256i times(__m256i v, uint64_t factor) {
  if (factor == 1)
    return v;
  const __m256i f = all(factor), f_high = all(factor >> 32);
  const __m256i cross =
      _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(v, 32), f), _mm256_mul_epu32(v, f_high));
  return _mm256_add_epi64(_mm256_mul_epu32(v, f), _mm256_slli_epi64(cross, 32));
}

TROUPE_AVX2 void restore(uint64_t* rows, const restore_rule& rule, restore_state& state) {
  __m256i value = all(state.value), step = all(state.step);
  const __m256i slope = all(rule.order == packed_order::sloped ? rule.slope : 0);
  for (size_t i = 0; i < registers; ++i) {
    __m256i r = _mm256_add_epi64(from_zigzag(load(rows + i * lanes)), slope);
    if (rule.order == packed_order::double_delta) {
      r = prefix_sum(r, step);
      step = last_lane(r);
    }
    r = times(r, rule.factor);
    if (rule.order == packed_order::direct) {
      r = _mm256_add_epi64(r, value);
    } else {
      r = prefix_sum(r, value);
      value = last_lane(r);
    }
    store(rows + i * lanes, r);
  }
  state.value = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm256_castsi256_si128(value)));
  state.step = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm256_castsi256_si128(step)));
}

TROUPE_AVX2 void residuals(const uint64_t* rows, packed_order order, uint64_t slope,
                           uint64_t* out) {
  const __m256i subtract =
      all(order == packed_order::direct || order == packed_order::sloped ? slope : 0);
  for (size_t i = 0; i < registers; ++i) {
    const uint64_t* p = rows + i * lanes;
    __m256i r = load(p);
    if (order != packed_order::direct) {
      const __m256i before = load(p - 1);
      r = _mm256_sub_epi64(r, before);
      if (order == packed_order::double_delta)
        r = _mm256_sub_epi64(r, _mm256_sub_epi64(before, load(p - 2)));
    }
    r = _mm256_sub_epi64(r, subtract);
    store(out + i * lanes, _mm256_xor_si256(_mm256_slli_epi64(r, 1), sign_of(r)));
  }
}

TROUPE_AVX2 inline __m256i greater(__m256i a, __m256i b) {
  return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}
TROUPE_AVX2 inline __m256i lesser(__m256i a, __m256i b) {
  return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

TROUPE_AVX2 column_survey survey(const uint64_t* rows, size_t n) {
  const auto first = static_cast<int64_t>(rows[0]);
  column_survey out{0, 0, 0, first, first};
  // Sizes are compared as unsigned numbers: 2^63 is one.
  const __m256i flip = all(1ULL << 63);
  __m256i any = _mm256_setzero_si256(), equal = any, size = flip;
  __m256i least = all(rows[0]), greatest = least;
  size_t i = 1;
  for (; i + lanes <= n; i += lanes) {
    const __m256i v = load(rows + i);
    const __m256i d = _mm256_sub_epi64(v, load(rows + i - 1));
    any = _mm256_or_si256(any, d);
    equal = _mm256_sub_epi64(equal, _mm256_cmpeq_epi64(d, _mm256_setzero_si256()));
    const __m256i sign = sign_of(d);
    const __m256i magnitude = _mm256_sub_epi64(_mm256_xor_si256(d, sign), sign);
    size = greater(size, _mm256_xor_si256(magnitude, flip));
    least = lesser(least, v);
    greatest = greater(greatest, v);
  }
  alignas(32) std::array<std::array<uint64_t, lanes>, 5> ends;
  store(ends[0].data(), any);
  store(ends[1].data(), equal);
  store(ends[2].data(), _mm256_xor_si256(size, flip));
  store(ends[3].data(), least);
  store(ends[4].data(), greatest);
  out.changes = i - 1;
  for (size_t lane = 0; lane < lanes; ++lane) {
    out.any |= ends[0][lane];
    out.changes -= ends[1][lane];
    out.difference = std::max(out.difference, ends[2][lane]);
    out.least = std::min(out.least, static_cast<int64_t>(ends[3][lane]));
    out.greatest = std::max(out.greatest, static_cast<int64_t>(ends[4][lane]));
  }
  for (; i < n; ++i)
    survey_row(rows, i, out);
  return out;
}

TROUPE_AVX2 width_choice choose_width(const uint64_t* rows, unsigned n) {
  alignas(32) uint8_t bits[block_rows] = {};
  unsigned longest = 0;
  for (unsigned i = 0; i < n; ++i) {
    bits[i] = static_cast<uint8_t>(std::bit_width(rows[i]));
    longest = std::max<unsigned>(longest, bits[i]);
  }
  const __m256i low = load(bits), high = load(bits + 32);
  return cheapest_width(n, longest, [&](unsigned w) TROUPE_AVX2 {
    const __m256i limit = _mm256_set1_epi8(static_cast<char>(w));
    const auto a = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi8(low, limit)));
    const auto b = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpgt_epi8(high, limit)));
    return static_cast<unsigned>(std::popcount(a) + std::popcount(b));
  });
}

TROUPE_AVX2 inline __m256i reorder_bits(__m256i bits) {
  return _mm256_xor_si256(bits, _mm256_srli_epi64(sign_of(bits), 1));
}

// Any int64 to the nearest double: its halves become the low bits of doubles of fixed size, 2^84
// and 2^52; the sum of the two rounds once.
TROUPE_AVX2 inline __m256d from_int64(__m256i v) {
  const __m256i low = _mm256_blend_epi32(all(0x4330000000000000), v, 0x55);
  const __m256i high = _mm256_xor_si256(_mm256_srli_epi64(v, 32), all(0x4530000080000000));
  const __m256d part =
      _mm256_sub_pd(_mm256_castsi256_pd(high), _mm256_castsi256_pd(all(0x4530000080100000)));
  return _mm256_add_pd(part, _mm256_castsi256_pd(low));
}

TROUPE_AVX2 void to_doubles(const uint64_t* rows, value_scale scale, double* out) {
  if (scale == scale_bits) {
    for (size_t i = 0; i < registers; ++i)
      store(out + i * lanes, reorder_bits(load(rows + i * lanes)));
    return;
  }
  const bool divide = scale < scale_multiplied;
  const __m256d unit =
      _mm256_set1_pd(divide ? powers_of_ten[scale] : tenths[scale - scale_multiplied]);
  for (size_t i = 0; i < registers; ++i) {
    __m256d v = from_int64(load(rows + i * lanes));
    if (scale != scale_integer)
      v = divide ? _mm256_div_pd(v, unit) : _mm256_mul_pd(v, unit);
    _mm256_storeu_pd(out + i * lanes, v);
  }
}

TROUPE_AVX2 uint64_t to_integers(const double* in, value_scale scale, uint64_t* rows) {
  if (scale == scale_bits) {
    for (size_t i = 0; i < registers; ++i)
      store(rows + i * lanes, reorder_bits(load(in + i * lanes)));
    return 0;
  }
  const bool divide = scale < scale_multiplied;
  const __m256d up = _mm256_set1_pd(powers_of_ten[scale % scale_multiplied]);
  const __m256d unit =
      _mm256_set1_pd(divide ? powers_of_ten[scale] : tenths[scale - scale_multiplied]);
  const __m256d magic = _mm256_set1_pd(rounder), limit = _mm256_set1_pd(decimal_limit);
  const __m256d sign = _mm256_set1_pd(-0.0);
  uint64_t bad = 0;
  for (size_t i = 0; i < registers; ++i) {
    const __m256d v = _mm256_loadu_pd(in + i * lanes);
    const __m256d scaled = _mm256_mul_pd(v, up);
    const __m256i fits =
        _mm256_castpd_si256(_mm256_cmp_pd(_mm256_andnot_pd(sign, scaled), limit, _CMP_LT_OQ));
    const __m256i whole = _mm256_sub_epi64(_mm256_castpd_si256(_mm256_add_pd(scaled, magic)),
                                           _mm256_castpd_si256(magic));
    __m256d back = from_int64(whole);
    if (scale != scale_integer)
      back = divide ? _mm256_div_pd(back, unit) : _mm256_mul_pd(back, unit);
    __m256i good = _mm256_cmpeq_epi64(_mm256_castpd_si256(back), _mm256_castpd_si256(v));
    good = _mm256_and_si256(good, fits);
    store(rows + i * lanes, _mm256_and_si256(whole, good));
    bad |= static_cast<uint64_t>(~_mm256_movemask_pd(_mm256_castsi256_pd(good)) & 0xf)
           << (i * lanes);
  }
  // Integers of any size are integers.
  if (scale == scale_integer)
    for (uint64_t left = bad; left; left &= left - 1) {
      const int i = std::countr_zero(left);
      if (to_integer(in[i], scale, rows[i]))
        bad &= ~(1ULL << i);
    }
  return bad;
}

TROUPE_AVX2 uint64_t count_resets(const double* in, size_t n) {
  uint64_t resets = 0;
  size_t i = 1;
  for (; i + lanes <= n; i += lanes)
    resets += static_cast<unsigned>(std::popcount(static_cast<unsigned>(_mm256_movemask_pd(
        _mm256_cmp_pd(_mm256_loadu_pd(in + i), _mm256_loadu_pd(in + i - 1), _CMP_LT_OQ)))));
  for (; i < n; ++i)
    resets += in[i] < in[i - 1];
  return resets;
}

// Four of the eight lanes of a fold.
struct half_fold {
  __m256d min, max, sum, error, nan;
};

TROUPE_AVX2 inline void add(half_fold& f, __m256d v) {
  f.min = _mm256_min_pd(v, f.min);
  f.max = _mm256_max_pd(v, f.max);
  f.nan = _mm256_or_pd(f.nan, _mm256_cmp_pd(v, v, _CMP_UNORD_Q));
  const __m256d t = _mm256_add_pd(f.sum, v), part = _mm256_sub_pd(t, f.sum);
  f.error = _mm256_add_pd(
      f.error, _mm256_add_pd(_mm256_sub_pd(f.sum, _mm256_sub_pd(t, part)), _mm256_sub_pd(v, part)));
  f.sum = t;
}

TROUPE_AVX2 void fold(const double* in, size_t n, column_fold& out) {
  fold_lanes total;
  const __m256d zero = _mm256_setzero_pd();
  half_fold half[2];
  half[0] = half[1] = {_mm256_set1_pd(total.min), _mm256_set1_pd(total.max), zero, zero, zero};
  size_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    for (size_t h = 0; h < 2; ++h) {
      const size_t at = i + h * lanes;
      const __m256d v = _mm256_loadu_pd(in + at);
      add(half[h], v);
      // Row 0 has none before it.
      const __m256d before =
          at ? _mm256_loadu_pd(in + at - 1) : _mm256_set_pd(in[2], in[1], in[0], in[0]);
      auto less = static_cast<unsigned>(_mm256_movemask_pd(_mm256_cmp_pd(v, before, _CMP_LT_OQ)));
      for (; less; less &= less - 1) {
        ++total.resets;
        total.reset_sum += in[at + static_cast<unsigned>(std::countr_zero(less)) - 1];
      }
    }
  }
  if (i > 0) {
    alignas(32) double ends[2 * lanes];
    _mm256_store_pd(ends, _mm256_min_pd(half[0].min, half[1].min));
    _mm256_store_pd(ends + lanes, _mm256_max_pd(half[0].max, half[1].max));
    total.min = *std::min_element(ends, ends + lanes);
    total.max = *std::max_element(ends + lanes, ends + 2 * lanes);
    total.nan = _mm256_movemask_pd(_mm256_or_pd(half[0].nan, half[1].nan)) != 0;
  }
  for (size_t h = 0; h < 2; ++h) {
    _mm256_storeu_pd(total.sum.data() + h * lanes, half[h].sum);
    _mm256_storeu_pd(total.error.data() + h * lanes, half[h].error);
  }
  for (; i < n; ++i)
    total.add(in, i);
  total.finish(out);
}

}  // namespace

const kernel_set avx2_kernels = {"avx2",      unpack,       pack_rows,    restore,
                                 residuals,   survey,       choose_width, to_doubles,
                                 to_integers, count_resets, fold};

}  // namespace troupe::storage
#endif
