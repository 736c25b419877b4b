// Inner loops of the packed columns (storage/docs/chunk_format.md), once per instruction set: the
// scalar set is the definition, the others give the same bits. Chosen at run time from what the
// processor has. Pure functions, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::storage {

/// Rows of a packed block. Every kernel with a fixed size works on this many.
inline constexpr size_t block_rows = 64;
/// What unpack may read behind the 8 * width bytes of its block.
inline constexpr size_t unpack_slack = 64;
/// More patches than this in a block are not worth their decoding time.
inline constexpr unsigned max_patches = 16;

/// How the residuals of a packed column continue to its integers. The numbers are on disk.
enum class packed_order : uint8_t {
  direct = 0,        ///< base + factor * residual
  delta = 1,         ///< previous + factor * residual
  sloped = 2,        ///< previous + factor * (slope + residual)
  double_delta = 3,  ///< previous + factor * step; step = previous step + residual
};

/// How integers stand for doubles: 0 themselves, 1..14 divided by 10^code, `bits` the double's bits
/// in the order of numbers, 16 + e (1 <= e <= 14) multiplied by the double 10^-e. On disk.
using value_scale = uint8_t;
inline constexpr value_scale scale_integer = 0;
inline constexpr value_scale scale_bits = 15;
inline constexpr value_scale scale_multiplied = 16;
inline constexpr unsigned max_exponent = 14;
inline constexpr bool is_scale(unsigned code) {
  return code <= scale_bits || (code > scale_multiplied && code <= scale_multiplied + max_exponent);
}
/// 10^0 .. 10^14, and the doubles nearest to 10^-0 .. 10^-14.
inline constexpr std::array<double, 15> powers_of_ten = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
                                                         1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
inline constexpr std::array<double, 15> tenths = {
    1e-0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14};
/// Integers of a decimal scale stay below this in size: 15 digits fit, and one addition rounds.
inline constexpr double decimal_limit = 2251799813685248.0;  // 2^51

/// All integer arithmetic is modulo 2^64.
struct restore_rule {
  packed_order order = packed_order::direct;
  uint64_t slope = 0;
  uint64_t factor = 1;
};
struct restore_state {
  uint64_t value = 0;  ///< direct: the base; else the previous row
  uint64_t step = 0;   ///< double_delta: the previous step
};

struct width_choice {
  uint8_t width = 0;    ///< bits a row
  uint8_t patches = 0;  ///< rows that need more
  uint8_t high = 0;     ///< bits a patch adds; 0 if there is none
  uint16_t bytes = 0;   ///< of the block behind its width byte
};

/// What a column of integers is like, at a glance. Sizes and order are of signed numbers.
struct column_survey {
  uint64_t any = 0;         ///< bits set in some difference of neighbours
  uint64_t changes = 0;     ///< differences that are not 0
  uint64_t difference = 0;  ///< the largest size of one
  int64_t least = 0;        ///< rows
  int64_t greatest = 0;
};

/// Fold of a column without NaN. Eight partial sums, of rows 0, 8, …; 1, 9, …; …, each with the
/// error of its additions, are added up in order: the same bits in every set.
struct column_fold {
  double min = 0;
  double max = 0;
  double sum = 0;
  double compensation = 0;  ///< sum + compensation is the better sum
  uint64_t resets = 0;      ///< rows less than the row before
  double reset_sum = 0;     ///< of the rows before those, in order
  bool nan = false;         ///< a NaN was met: the rest is void
};

struct kernel_set {
  std::string_view name;
  /// `rows` from 8 * width bytes (0..64 bits a row, low bits first); may read unpack_slack more.
  void (*unpack)(const uint8_t* in, unsigned width, uint64_t* rows);
  /// The inverse; only the low `width` bits of a row are kept. Writes 8 * width bytes.
  void (*pack)(const uint64_t* rows, unsigned width, uint8_t* out);
  /// Residuals (zigzag) to integers, in place.
  void (*restore)(uint64_t* rows, const restore_rule& rule, restore_state& state);
  /// The inverse for integers divided by the factor; rows[-2] and rows[-1] are read.
  /// direct: `slope` is the base.
  void (*residuals)(const uint64_t* rows, packed_order order, uint64_t slope, uint64_t* out);
  /// Of `n` (at least 1) rows.
  column_survey (*survey)(const uint64_t* rows, size_t n);
  /// The cheapest width for the first `n` (1..64) residuals.
  width_choice (*choose_width)(const uint64_t* residuals, unsigned n);
  /// Integers to doubles.
  void (*to_doubles)(const uint64_t* rows, value_scale scale, double* out);
  /// Doubles to integers; a bit per row that does not come back bit by bit (its integer is 0).
  uint64_t (*to_integers)(const double* in, value_scale scale, uint64_t* rows);
  /// How often a value of the column (at least one) is less than the one before.
  uint64_t (*count_resets)(const double* in, size_t n);
  /// `n` at least 1.
  void (*fold)(const double* in, size_t n, column_fold& out);
};

/// The best set this processor can run.
const kernel_set& kernels();
/// Every set this processor can run, the scalar one first.
std::span<const kernel_set* const> usable_kernels();

// The sets, for their own files.
extern const kernel_set scalar_kernels;
#if defined(__x86_64__)
extern const kernel_set avx2_kernels;
extern const kernel_set avx512_kernels;
#endif

}  // namespace troupe::storage
