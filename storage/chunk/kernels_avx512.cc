#if defined(__x86_64__)
#include "storage/chunk/kernel_steps.h"

#include <immintrin.h>

#define TROUPE_AVX512 \
  __attribute__((target("avx2,popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vbmi")))

namespace troupe::storage {
namespace {

constexpr size_t lanes = 8;
constexpr size_t registers = block_rows / lanes;

TROUPE_AVX512 inline __m512i load(const void* p) {
  return _mm512_loadu_si512(p);
}
TROUPE_AVX512 inline void store(void* p, __m512i v) {
  _mm512_storeu_si512(p, v);
}

// Eight rows take exactly `width` bytes: one load holds them, one byte permutation puts the eight
// bytes from each row's first byte on into its lane; a row of more than 57 bits may reach a ninth.
TROUPE_AVX512 void unpack(const uint8_t* in, unsigned width, uint64_t* rows) {
  const __m512i lane = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
  const __m512i bit = _mm512_mullo_epi64(lane, _mm512_set1_epi64(width));
  const __m512i shift = _mm512_and_si512(bit, _mm512_set1_epi64(7));
  const __m512i first =
      _mm512_mullo_epi64(_mm512_srli_epi64(bit, 3), _mm512_set1_epi64(0x0101010101010101));
  const __m512i bytes = _mm512_add_epi64(first, _mm512_set1_epi64(0x0706050403020100));
  const __m512i mask = _mm512_set1_epi64(static_cast<int64_t>(low_bits(width)));
  if (width <= 57) {
    for (size_t i = 0; i < registers; ++i) {
      const __m512i all = _mm512_permutexvar_epi8(bytes, load(in + i * width));
      store(rows + i * lanes, _mm512_and_si512(_mm512_srlv_epi64(all, shift), mask));
    }
    return;
  }
  const __m512i next = _mm512_add_epi8(bytes, _mm512_set1_epi8(8));
  const __m512i up = _mm512_sub_epi64(_mm512_set1_epi64(64), shift);
  for (size_t i = 0; i < registers; ++i) {
    const __m512i all = load(in + i * width);
    const __m512i low = _mm512_srlv_epi64(_mm512_permutexvar_epi8(bytes, all), shift);
    const __m512i high = _mm512_sllv_epi64(_mm512_permutexvar_epi8(next, all), up);
    store(rows + i * lanes, _mm512_and_si512(_mm512_or_si512(low, high), mask));
  }
}

TROUPE_AVX512 inline __m512i from_zigzag(__m512i v) {
  const __m512i sign =
      _mm512_sub_epi64(_mm512_setzero_si512(), _mm512_and_si512(v, _mm512_set1_epi64(1)));
  return _mm512_xor_si512(_mm512_srli_epi64(v, 1), sign);
}

// Running sums over a register, started with `carry` (the same in all lanes).
TROUPE_AVX512 inline __m512i prefix_sum(__m512i v, __m512i carry) {
  const __m512i zero = _mm512_setzero_si512();
  v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 7));
  v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 6));
  v = _mm512_add_epi64(v, _mm512_alignr_epi64(v, zero, 4));
  return _mm512_add_epi64(v, carry);
}

TROUPE_AVX512 inline __m512i last_lane(__m512i v) {
  return _mm512_permutexvar_epi64(_mm512_set1_epi64(7), v);
}

TROUPE_AVX512 inline __m512i times(__m512i v, uint64_t factor) {
  return factor == 1 ? v : _mm512_mullo_epi64(v, _mm512_set1_epi64(static_cast<int64_t>(factor)));
}

TROUPE_AVX512 void restore(uint64_t* rows, const restore_rule& rule, restore_state& state) {
  __m512i value = _mm512_set1_epi64(static_cast<int64_t>(state.value));
  __m512i step = _mm512_set1_epi64(static_cast<int64_t>(state.step));
  const __m512i slope =
      _mm512_set1_epi64(static_cast<int64_t>(rule.order == packed_order::sloped ? rule.slope : 0));
  for (size_t i = 0; i < registers; ++i) {
    __m512i r = _mm512_add_epi64(from_zigzag(load(rows + i * lanes)), slope);
    if (rule.order == packed_order::double_delta) {
      r = prefix_sum(r, step);
      step = last_lane(r);
    }
    r = times(r, rule.factor);
    if (rule.order == packed_order::direct) {
      r = _mm512_add_epi64(r, value);
    } else {
      r = prefix_sum(r, value);
      value = last_lane(r);
    }
    store(rows + i * lanes, r);
  }
  state.value = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(value)));
  state.step = static_cast<uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(step)));
}

TROUPE_AVX512 void residuals(const uint64_t* rows, packed_order order, uint64_t slope,
                             uint64_t* out) {
  const __m512i subtract = _mm512_set1_epi64(static_cast<int64_t>(
      order == packed_order::direct || order == packed_order::sloped ? slope : 0));
  for (size_t i = 0; i < registers; ++i) {
    const uint64_t* p = rows + i * lanes;
    __m512i r = load(p);
    if (order != packed_order::direct) {
      const __m512i before = load(p - 1);
      r = _mm512_sub_epi64(r, before);
      if (order == packed_order::double_delta)
        r = _mm512_sub_epi64(r, _mm512_sub_epi64(before, load(p - 2)));
    }
    r = _mm512_sub_epi64(r, subtract);
    store(out + i * lanes, _mm512_xor_si512(_mm512_slli_epi64(r, 1), _mm512_srai_epi64(r, 63)));
  }
}

TROUPE_AVX512 column_survey survey(const uint64_t* rows, size_t n) {
  __m512i any = _mm512_setzero_si512(), size = any;
  __m512i least = _mm512_set1_epi64(static_cast<int64_t>(rows[0])), greatest = least;
  column_survey out;
  size_t i = 1;
  for (; i + lanes <= n; i += lanes) {
    const __m512i v = load(rows + i);
    const __m512i d = _mm512_sub_epi64(v, load(rows + i - 1));
    any = _mm512_or_si512(any, d);
    out.changes +=
        static_cast<unsigned>(std::popcount(static_cast<unsigned>(_mm512_test_epi64_mask(d, d))));
    size = _mm512_max_epu64(size, _mm512_abs_epi64(d));
    least = _mm512_min_epi64(least, v);
    greatest = _mm512_max_epi64(greatest, v);
  }
  out.any = static_cast<uint64_t>(_mm512_reduce_or_epi64(any));
  out.difference = static_cast<uint64_t>(_mm512_reduce_max_epu64(size));
  out.least = _mm512_reduce_min_epi64(least);
  out.greatest = _mm512_reduce_max_epi64(greatest);
  for (; i < n; ++i)
    survey_row(rows, i, out);
  return out;
}

// How many bits each of eight rows takes, as bytes.
TROUPE_AVX512 inline __m128i bit_widths(const uint64_t* rows) {
  const __m512i zeros = _mm512_lzcnt_epi64(load(rows));
  return _mm512_cvtepi64_epi8(_mm512_sub_epi64(_mm512_set1_epi64(64), zeros));
}

TROUPE_AVX512 width_choice choose_width(const uint64_t* rows, unsigned n) {
  const auto pair = [&](size_t i) TROUPE_AVX512 {
    return _mm_unpacklo_epi64(bit_widths(rows + 2 * i * lanes),
                              bit_widths(rows + (2 * i + 1) * lanes));
  };
  const __m512i widths =
      _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(pair(1), pair(0))),
                         _mm256_set_m128i(pair(3), pair(2)), 1);
  const __m512i all = _mm512_maskz_mov_epi8(low_bits(n), widths);
  const __m256i half =
      _mm256_max_epu8(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64(all, 1));
  __m128i top = _mm_max_epu8(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
  top = _mm_max_epu8(top, _mm_srli_si128(top, 8));
  top = _mm_max_epu8(top, _mm_srli_si128(top, 4));
  top = _mm_max_epu8(top, _mm_srli_si128(top, 2));
  top = _mm_max_epu8(top, _mm_srli_si128(top, 1));
  const auto longest = static_cast<unsigned>(_mm_cvtsi128_si32(top) & 0xff);
  return cheapest_width(n, longest, [&](unsigned w) TROUPE_AVX512 {
    return static_cast<unsigned>(std::popcount(static_cast<uint64_t>(
        _mm512_cmpgt_epu8_mask(all, _mm512_set1_epi8(static_cast<char>(w))))));
  });
}

TROUPE_AVX512 inline __m512i reorder_bits(__m512i bits) {
  return _mm512_xor_si512(bits, _mm512_srli_epi64(_mm512_srai_epi64(bits, 63), 1));
}

TROUPE_AVX512 void to_doubles(const uint64_t* rows, value_scale scale, double* out) {
  if (scale == scale_bits) {
    for (size_t i = 0; i < registers; ++i)
      store(out + i * lanes, reorder_bits(load(rows + i * lanes)));
    return;
  }
  const bool divide = scale < scale_multiplied;
  const __m512d unit =
      _mm512_set1_pd(divide ? powers_of_ten[scale] : tenths[scale - scale_multiplied]);
  for (size_t i = 0; i < registers; ++i) {
    __m512d v = _mm512_cvtepi64_pd(load(rows + i * lanes));
    if (scale != scale_integer)
      v = divide ? _mm512_div_pd(v, unit) : _mm512_mul_pd(v, unit);
    _mm512_storeu_pd(out + i * lanes, v);
  }
}

TROUPE_AVX512 uint64_t to_integers(const double* in, value_scale scale, uint64_t* rows) {
  if (scale == scale_bits) {
    for (size_t i = 0; i < registers; ++i)
      store(rows + i * lanes, reorder_bits(load(in + i * lanes)));
    return 0;
  }
  const bool divide = scale < scale_multiplied;
  const __m512d up = _mm512_set1_pd(powers_of_ten[scale % scale_multiplied]);
  const __m512d unit =
      _mm512_set1_pd(divide ? powers_of_ten[scale] : tenths[scale - scale_multiplied]);
  uint64_t bad = 0;
  for (size_t i = 0; i < registers; ++i) {
    const __m512d v = _mm512_loadu_pd(in + i * lanes);
    __m512d back;
    __m512i whole;
    __mmask8 fits = 0xff;
    if (scale == scale_integer) {
      // Out of range gives -2^63, which does not come back.
      whole = _mm512_cvttpd_epi64(v);
      back = _mm512_cvtepi64_pd(whole);
    } else {
      const __m512d scaled = _mm512_mul_pd(v, up);
      fits = _mm512_cmp_pd_mask(_mm512_abs_pd(scaled), _mm512_set1_pd(decimal_limit), _CMP_LT_OQ);
      const __m512d magic = _mm512_set1_pd(rounder);
      whole = _mm512_sub_epi64(_mm512_castpd_si512(_mm512_add_pd(scaled, magic)),
                               _mm512_castpd_si512(magic));
      back = _mm512_cvtepi64_pd(whole);
      back = divide ? _mm512_div_pd(back, unit) : _mm512_mul_pd(back, unit);
    }
    const __mmask8 good =
        _mm512_mask_cmpeq_epi64_mask(fits, _mm512_castpd_si512(back), _mm512_castpd_si512(v));
    store(rows + i * lanes, _mm512_maskz_mov_epi64(good, whole));
    bad |= static_cast<uint64_t>(static_cast<uint8_t>(~good)) << (i * lanes);
  }
  return bad;
}

TROUPE_AVX512 uint64_t count_resets(const double* in, size_t n) {
  uint64_t resets = 0;
  // The rows before come from the register before: loads that cross cache lines cost twice.
  __m512i before = _mm512_set1_epi64(static_cast<int64_t>(std::bit_cast<uint64_t>(in[0])));
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const __m512i v = load(in + i);
    const __m512d previous = _mm512_castsi512_pd(_mm512_alignr_epi64(v, before, 7));
    resets += static_cast<unsigned>(std::popcount(
        static_cast<unsigned>(_mm512_cmp_pd_mask(_mm512_castsi512_pd(v), previous, _CMP_LT_OQ))));
    before = v;
  }
  for (i = std::max<size_t>(i, 1); i < n; ++i)
    resets += in[i] < in[i - 1];
  return resets;
}

TROUPE_AVX512 void fold(const double* in, size_t n, column_fold& out) {
  fold_lanes all;
  __m512d min = _mm512_set1_pd(all.min), max = _mm512_set1_pd(all.max);
  __m512d sum = _mm512_setzero_pd(), error = _mm512_setzero_pd();
  __mmask8 nan = 0;
  size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const __m512d v = _mm512_loadu_pd(in + i);
    min = _mm512_min_pd(v, min);
    max = _mm512_max_pd(v, max);
    nan |= _mm512_cmp_pd_mask(v, v, _CMP_UNORD_Q);
    const __m512d t = _mm512_add_pd(sum, v), part = _mm512_sub_pd(t, sum);
    error = _mm512_add_pd(
        error, _mm512_add_pd(_mm512_sub_pd(sum, _mm512_sub_pd(t, part)), _mm512_sub_pd(v, part)));
    sum = t;
    // Row 0 has none before it.
    const __mmask8 has_before = i == 0 ? 0xfe : 0xff;
    unsigned less = _mm512_mask_cmp_pd_mask(
        has_before, v, _mm512_maskz_loadu_pd(has_before, in + i - 1), _CMP_LT_OQ);
    for (; less; less &= less - 1) {
      ++all.resets;
      all.reset_sum += in[i + static_cast<unsigned>(std::countr_zero(less)) - 1];
    }
  }
  _mm512_storeu_pd(all.sum.data(), sum);
  _mm512_storeu_pd(all.error.data(), error);
  if (i > 0) {
    all.min = _mm512_reduce_min_pd(min);
    all.max = _mm512_reduce_max_pd(max);
  }
  all.nan = nan;
  for (; i < n; ++i)
    all.add(in, i);
  all.finish(out);
}

}  // namespace

const kernel_set avx512_kernels = {"avx512",    unpack,       pack_rows,    restore,
                                   residuals,   survey,       choose_width, to_doubles,
                                   to_integers, count_resets, fold};

}  // namespace troupe::storage
#endif
