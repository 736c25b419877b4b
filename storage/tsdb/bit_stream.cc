#include "storage/tsdb/bit_stream.h"

#include <algorithm>
#include <array>

namespace troupe::storage::tsdb {
namespace {

// Widths by the number of ones in front: of integers in histograms, and of timestamps.
constexpr std::array<unsigned, 9> integer_widths{0, 3, 6, 9, 12, 18, 25, 56, 64};
constexpr std::array<unsigned, 5> time_widths{0, 14, 17, 20, 64};

constexpr unsigned leading_bits = 5, length_bits = 6;
constexpr unsigned most_leading = (1U << leading_bits) - 1;

// The format's ranges of n bits reach from -(2^(n-1) - 1) to 2^(n-1).
bool fits(int64_t v, unsigned n) {
  if (n == 64)
    return true;
  const int64_t half = int64_t{1} << (n - 1);
  return n == 0 ? v == 0 : -half < v && v <= half;
}
bool fits(uint64_t v, unsigned n) {
  return n == 64 || v >> n == 0;
}

template <class T, size_t N>
void put_varbit(bit_writer& out, T v, const std::array<unsigned, N>& widths) {
  unsigned ones = 0;
  while (ones + 1 < N && (widths[ones] == 0 ? v != 0 : !fits(v, widths[ones])))
    ++ones;
  // No zero behind the longest prefix.
  if (ones + 1 == N)
    out.bits((uint64_t{1} << ones) - 1, ones);
  else
    out.bits((uint64_t{1} << (ones + 1)) - 2, ones + 1);
  out.bits(static_cast<uint64_t>(v), widths[ones]);
}

}  // namespace

uint64_t bit_reader::peek_tail(size_t byte, unsigned shift) const {
  unsigned __int128 v = 0;
  for (size_t i = 0; i < 9; ++i)
    v = v << 8 | (byte + i < bytes_.size() ? static_cast<uint8_t>(bytes_[byte + i]) : 0U);
  return static_cast<uint64_t>(v >> (8 - shift));
}

uint64_t bit_reader::uvarint() {
  uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const uint64_t byte = bits(8);
    if (failed_ || (shift == 63 && byte > 1))
      break;
    v |= (byte & 0x7f) << shift;
    if ((byte & 0x80) == 0)
      return v;
  }
  return fail();
}

int64_t bit_reader::signed_bits(unsigned n) {
  const uint64_t v = bits(n);
  if (n == 0 || n == 64 || v <= uint64_t{1} << (n - 1))
    return static_cast<int64_t>(v);
  return static_cast<int64_t>(v - (uint64_t{1} << n));
}

int64_t bit_reader::varbit_int() {
  return signed_bits(integer_widths[ones(8)]);
}
uint64_t bit_reader::varbit_uint() {
  return bits(integer_widths[ones(8)]);
}
int64_t bit_reader::varbit_time() {
  return signed_bits(time_widths[ones(4)]);
}

void bit_writer::bits(uint64_t v, unsigned n) {
  while (n > 0) {
    if (free_ == 0) {
      bytes_.push_back(0);
      free_ = 8;
    }
    const unsigned k = std::min(n, free_);
    n -= k;
    free_ -= k;
    const uint64_t piece = v >> n & ((1U << k) - 1);
    bytes_.back() = static_cast<char>(static_cast<uint8_t>(bytes_.back()) | piece << free_);
  }
}

void bit_writer::uvarint(uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    bits(v | 0x80, 8);
  bits(v, 8);
}

void bit_writer::varbit_int(int64_t v) {
  put_varbit(*this, v, integer_widths);
}
void bit_writer::varbit_uint(uint64_t v) {
  put_varbit(*this, v, integer_widths);
}
void bit_writer::varbit_time(int64_t v) {
  put_varbit(*this, v, time_widths);
}

double xor_reader::next(bit_reader& in) {
  const unsigned control = in.ones(2);
  if (control == 2) {
    leading_ = static_cast<unsigned>(in.bits(leading_bits));
    const auto length = static_cast<unsigned>(in.bits(length_bits));
    const unsigned significant = length == 0 ? 64 : length;
    if (leading_ + significant > 64) {  // no such window
      in.fail();
      return 0;
    }
    trailing_ = 64 - leading_ - significant;
  }
  if (control != 0)
    value_ ^= in.bits(64 - leading_ - trailing_) << trailing_;
  return std::bit_cast<double>(value_);
}

void xor_writer::next(double v, bit_writer& out) {
  const uint64_t bits = std::bit_cast<uint64_t>(v), delta = bits ^ value_;
  value_ = bits;
  if (delta == 0)
    return out.bits(0, 1);
  const auto leading = std::min(static_cast<unsigned>(std::countl_zero(delta)), most_leading);
  const auto trailing = static_cast<unsigned>(std::countr_zero(delta));
  if (leading_ != no_window && leading >= leading_ && trailing >= trailing_) {
    out.bits(2, 2);
  } else {
    leading_ = leading;
    trailing_ = trailing;
    out.bits(3, 2);
    out.bits(leading_, leading_bits);
    out.bits(64 - leading_ - trailing_, length_bits);  // 64 is written as 0
  }
  out.bits(delta >> trailing_, 64 - leading_ - trailing_);
}

}  // namespace troupe::storage::tsdb
