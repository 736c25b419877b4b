#include "storage/wal/decimal_step.h"

#include "storage/base/coding.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe::storage {
namespace {

constexpr double powers[decimal_forms] = {1, 1e1, 1e2, 1e3, 1e4, 1e6, 1e8, 1e9};
// Below this the product with a power of ten is off by less than an eighth, so that it rounds to
// the integer however a machine computes it; the quotient is exact by definition.
constexpr double max_integer = 0x1p49;

bool to_integer(double v, unsigned form, int64_t& out) {
  const double scaled = v * powers[form];
  if (!(std::abs(scaled) < max_integer))
    return false;
  out = static_cast<int64_t>(scaled + std::copysign(0.5, scaled));
  return std::bit_cast<uint64_t>(static_cast<double>(out) / powers[form]) ==
         std::bit_cast<uint64_t>(v);
}

// Modulo 2^64: a step that was not made for this value may be any.
uint64_t moved(uint64_t bits, uint8_t form, uint64_t by) {
  const unsigned power = form - 1u;
  int64_t integer = 0;
  if (power >= decimal_forms || !to_integer(std::bit_cast<double>(bits), power, integer))
    return bits;
  const auto sum = static_cast<int64_t>(static_cast<uint64_t>(integer) + by);
  return std::bit_cast<uint64_t>(static_cast<double>(sum) / powers[power]);
}

unsigned step_bytes(int64_t step) {
  return 8 - static_cast<unsigned>(std::countl_zero(zigzag(step))) / 8;
}
/// Without the zeros at both ends.
unsigned xor_bytes(uint64_t x) {
  return 8 - static_cast<unsigned>(std::countl_zero(x)) / 8 -
         static_cast<unsigned>(std::countr_zero(x)) / 8;
}

/// The form in which both values are decimals, the smallest; 0: none.
uint8_t common_form(double from, double to, int64_t& step) {
  const double larger = std::max(std::abs(from), std::abs(to));
  unsigned top = decimal_forms - 1;
  while (top > 0 && !(larger * powers[top] < max_integer))
    --top;
  // A decimal is one in every larger form, too: most others cost this test only.
  int64_t a = 0, b = 0;
  if (!to_integer(to, top, b) || !to_integer(from, top, a))
    return 0;
  for (unsigned form = 0; form <= top; ++form)
    if (to_integer(to, form, b) && to_integer(from, form, a)) {
      step = b - a;
      return static_cast<uint8_t>(form + 1);
    }
  return 0;
}

}  // namespace

void use_decimal_steps(float_columns& columns, std::span<const uint64_t> values) {
  columns.forms.assign(columns.size(), 0);
  for (size_t i = 0; i < values.size(); ++i) {
    uint64_t& x = columns.xors[i];
    if (columns.stale[i] || x == 0 || xor_bytes(x) == 1)
      continue;
    int64_t step = 0;
    const uint8_t form =
        common_form(std::bit_cast<double>(values[i] ^ x), std::bit_cast<double>(values[i]), step);
    if (form == 0 || step_bytes(step) >= xor_bytes(x))
      continue;
    columns.forms[i] = form;
    x = zigzag(step);
  }
}

uint64_t step_forward(uint64_t from, uint8_t form, uint64_t step) {
  return moved(from, form, static_cast<uint64_t>(unzigzag(step)));
}

uint64_t step_backward(uint64_t to, uint8_t form, uint64_t step) {
  return moved(to, form, 0 - static_cast<uint64_t>(unzigzag(step)));
}

}  // namespace troupe::storage
