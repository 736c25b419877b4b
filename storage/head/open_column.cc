#include "storage/head/open_column.h"

#include "storage/base/coding.h"

#include <algorithm>
#include <bit>
#include <bitset>
#include <cstring>

namespace troupe::storage {
namespace {

// An operation: below 16: so many repeats, less one. Then, in columns of integers: a stale marker;
// eight raw bytes; else the varint of the zigzag difference plus op_raw. In columns of XORs: count
// of bytes << 4 | count of zero bytes below them, and the bytes.
constexpr uint8_t max_repeats = 16, op_stale = 16, op_raw = 17;

// slab_bytes::tag
constexpr uint8_t tag_repeats = 0x01;  // the last operation is one of repeats
constexpr uint8_t tag_stale = 0x02;    // the last value is a stale marker, `last` is the one before
constexpr uint8_t tag_integers = 0x04;  // decimals: integers divided by a power of ten
constexpr uint8_t tag_xors = 0x08;
constexpr unsigned exponent_shift = 4;

constexpr double max_exact = 9007199254740992.0;  // 2^53: every integer up to here is a double
constexpr unsigned max_exponent = 9;
constexpr double powers[max_exponent + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

uint64_t bits(double v) {
  return std::bit_cast<uint64_t>(v);
}

// The integer i with i / 10^exponent == v to the bit.
bool to_decimal(double v, unsigned exponent, int64_t& out) {
  const double scaled = v * powers[exponent];
  if (!(scaled > -max_exact && scaled < max_exact))
    return false;
  out = static_cast<int64_t>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const auto back = static_cast<double>(out);
  return bits(exponent == 0 ? back : back / powers[exponent]) == bits(v);
}

void put_repeat(byte_slab& slab, slab_bytes& b) {
  if ((b.tag & tag_repeats) && slab.back(b) + 1 < max_repeats) {
    ++slab.back(b);
    return;
  }
  const uint8_t op = 0;
  slab.append(b, &op, 1);
  b.tag |= tag_repeats;
}

void put_op(byte_slab& slab, slab_bytes& b, const uint8_t* op, uint16_t n) {
  slab.append(b, op, n);
  b.tag &= static_cast<uint8_t>(~tag_repeats);
}

void put_difference(byte_slab& slab, slab_bytes& b, int64_t difference) {
  uint8_t op[9];
  uint64_t z = zigzag(difference);
  if (z >= 1ULL << 56) {
    op[0] = op_raw;
    std::memcpy(op + 1, &difference, 8);
    return put_op(slab, b, op, 9);
  }
  z += op_raw;
  uint16_t n = 0;
  for (; z >= 0x80; z >>= 7)
    op[n++] = static_cast<uint8_t>(z | 0x80);
  op[n++] = static_cast<uint8_t>(z);
  put_op(slab, b, op, n);
}

// Walks the operations of a column: visit.repeat(n), visit.stale(), visit.difference(d).
template <class Visitor>
void visit_integers(const uint8_t* p, const uint8_t* end, Visitor& visit) {
  while (p != end) {
    uint64_t z = *p++;
    if (z < max_repeats) {
      visit.repeat(static_cast<size_t>(z) + 1);
    } else if (z == op_stale) {
      visit.stale();
    } else if (z == op_raw) {
      int64_t d;
      std::memcpy(&d, p, 8);
      p += 8;
      visit.difference(d);
    } else {
      if (z >= 0x80) {
        z &= 0x7f;
        uint64_t b;
        unsigned shift = 7;
        do {
          b = *p++;
          z |= (b & 0x7f) << shift;
          shift += 7;
        } while (b >= 0x80);
      }
      visit.difference(unzigzag(z - op_raw));
    }
  }
}

void put_xor(byte_slab& slab, slab_bytes& b, uint64_t x) {
  const auto skip = static_cast<unsigned>(std::countr_zero(x)) / 8;
  const unsigned count = 8 - skip - static_cast<unsigned>(std::countl_zero(x)) / 8;
  uint8_t op[9];
  op[0] = static_cast<uint8_t>(count << 4 | skip);
  const uint64_t shifted = x >> (8 * skip);
  std::memcpy(op + 1, &shifted, 8);
  put_op(slab, b, op, static_cast<uint16_t>(1 + count));
}

// The sums of the differences from the first value on, as bits in the place of the values.
struct running_sums {
  std::span<double> out;
  size_t at = 1;
  int64_t sum = 0;
  std::bitset<256> markers;

  void put() { out[at++] = std::bit_cast<double>(sum); }
  void repeat(size_t n) {
    while (n-- > 0)
      put();
  }
  void stale() {
    markers.set(at);
    put();
  }
  void difference(int64_t d) {
    sum += d;
    put();
  }
};

void read_decimals(const uint8_t* p, const uint8_t* end, double last, unsigned exponent,
                   std::span<double> out) {
  running_sums sums{out, 1, 0, {}};
  out[0] = std::bit_cast<double>(int64_t{0});
  visit_integers(p, end, sums);
  int64_t base = 0;
  to_decimal(last, exponent, base);
  base -= sums.sum;
  for (double& v : out)
    v = static_cast<double>(base + std::bit_cast<int64_t>(v));
  if (exponent != 0)
    for (double& v : out)
      v /= powers[exponent];
  if (sums.markers.any())
    for (size_t i = 1; i < out.size(); ++i)
      if (sums.markers[i])
        out[i] = stale_nan();
}

void read_xors(const uint8_t* p, const uint8_t* end, double last, std::span<double> out) {
  uint64_t sum = 0;
  size_t at = 0;
  out[at++] = std::bit_cast<double>(sum);
  while (p != end) {
    const uint8_t op = *p++;
    if (op < max_repeats) {
      for (size_t n = op + 1u; n > 0; --n)
        out[at++] = std::bit_cast<double>(sum);
      continue;
    }
    uint64_t x = 0;
    std::memcpy(&x, p, op >> 4);
    p += op >> 4;
    sum ^= x << (8 * (op & 15));
    out[at++] = std::bit_cast<double>(sum);
  }
  const uint64_t first = bits(last) ^ sum;
  for (double& v : out)
    v = std::bit_cast<double>(bits(v) ^ first);
}

unsigned exponent_of(const slab_bytes& b) {
  return b.tag >> exponent_shift;
}

// The smallest exponent from `from` on with which both numbers are decimals.
bool common_exponent(double a, double b, unsigned from, unsigned& out) {
  int64_t ignored;
  for (out = from; out <= max_exponent; ++out)
    if (to_decimal(a, out, ignored) && to_decimal(b, out, ignored))
      return true;
  return false;
}

// Tries to write all values as decimals.
bool write_decimals(byte_slab& slab, std::span<const double> values, unsigned exponent,
                    open_values& out) {
  int64_t before;
  if (!to_decimal(values[0], exponent, before))
    return false;
  out.last = values[0];
  out.bytes.tag = static_cast<uint8_t>(tag_integers | exponent << exponent_shift);
  for (const double v : values.subspan(1)) {
    out.bytes.tag &= static_cast<uint8_t>(~tag_stale);
    if (is_stale(v)) {
      put_op(slab, out.bytes, &op_stale, 1);
      out.bytes.tag |= tag_stale;
      continue;
    }
    int64_t i;
    if (!to_decimal(v, exponent, i))
      return false;
    if (i == before)
      put_repeat(slab, out.bytes);
    else
      put_difference(slab, out.bytes, i - before);
    before = i;
    out.last = v;
  }
  return true;
}

void write_xors(byte_slab& slab, std::span<const double> values, open_values& out) {
  out.last = values[0];
  out.bytes.tag = tag_xors;
  for (const double v : values.subspan(1)) {
    if (bits(v) == bits(out.last))
      put_repeat(slab, out.bytes);
    else
      put_xor(slab, out.bytes, bits(v) ^ bits(out.last));
    out.last = v;
  }
}

// Writes the column anew, with `value` at its end, in a form that can hold all values.
void rewrite(byte_slab& slab, open_values& column, size_t count, double value) {
  double buffer[256];
  const std::span values(buffer, count + 1);
  read_values(slab, column, values.first(count));
  values[count] = value;
  const bool integers = column.bytes.tag & tag_integers;
  const unsigned from = integers ? exponent_of(column.bytes) : 0;
  open_values out;
  unsigned exponent;
  bool done = false;
  if (!(column.bytes.tag & tag_xors) &&
      common_exponent(column.last, is_stale(value) ? column.last : value, from, exponent)) {
    done = write_decimals(slab, values, exponent, out);
    if (!done)
      slab.release(out.bytes);
  }
  if (!done)
    write_xors(slab, values, out);
  slab.release(column.bytes);
  column = out;
}

}  // namespace

void append_value(byte_slab& slab, open_values& column, size_t count, double value) {
  slab_bytes& b = column.bytes;
  const bool same = bits(value) == bits(column.last);
  if (b.tag & tag_integers) {
    if (is_stale(value)) {
      put_op(slab, b, &op_stale, 1);
      b.tag |= tag_stale;
      return;
    }
    if (same) {
      put_repeat(slab, b);
    } else {
      const unsigned exponent = exponent_of(b);
      int64_t now, before;
      if (!to_decimal(value, exponent, now) || !to_decimal(column.last, exponent, before))
        return rewrite(slab, column, count, value);
      put_difference(slab, b, now - before);
    }
    b.tag &= static_cast<uint8_t>(~tag_stale);
    column.last = value;
  } else if (b.tag & tag_xors) {
    if (same)
      put_repeat(slab, b);
    else
      put_xor(slab, b, bits(value) ^ bits(column.last));
    column.last = value;
  } else if (count == 0) {
    column.last = value;
  } else if (!same) {
    rewrite(slab, column, count, value);
  }
}

void read_values(const byte_slab& slab, const open_values& column, std::span<double> out) {
  const slab_bytes& b = column.bytes;
  if (b.size == 0)
    return std::fill(out.begin(), out.end(), column.last);
  byte_slab::buffer buffer;
  const auto ops = slab.read(b, buffer);
  const uint8_t *p = ops.data(), *end = p + ops.size();
  if (b.tag & tag_integers)
    read_decimals(p, end, column.last, exponent_of(b), out);
  else
    read_xors(p, end, column.last, out);
}

bool valid_values(uint8_t tag, std::span<const uint8_t> operations, size_t count) {
  const bool integers = tag & tag_integers, xors = tag & tag_xors;
  const uint8_t known = tag_repeats | tag_integers | (xors ? tag_xors : tag_stale);
  if (operations.empty())
    return tag == 0 && count > 0;
  if (integers == xors || (tag >> exponent_shift) > (integers ? max_exponent : 0) ||
      (tag & 0x0f & ~known) != 0 || operations.size() > byte_slab::max_bytes)
    return false;
  size_t values = 1, at = 0;
  bool repeats = false, stale = false;
  while (at < operations.size()) {
    const uint8_t op = operations[at++];
    repeats = op < max_repeats;
    if (repeats) {
      values += op + 1u;
      stale = false;
      continue;
    }
    ++values;
    stale = integers && op == op_stale;
    if (xors) {
      if ((op >> 4) + (op & 15) > 8)
        return false;
      at += op >> 4;
    } else if (op == op_raw) {
      at += 8;
    } else if (op >= 0x80) {
      size_t more = 1;
      while (at < operations.size() && more < 9 && operations[at] >= 0x80)
        ++at, ++more;
      if (more == 9)
        return false;
      ++at;
    }
  }
  return at == operations.size() && values == count && repeats == ((tag & tag_repeats) != 0) &&
         stale == ((tag & tag_stale) != 0);
}

void append_time(byte_slab& slab, open_times& column, size_t count, timestamp_ms ts) {
  if (count == 0) {
    column.first = column.last = ts;
    return;
  }
  const uint64_t delta = static_cast<uint64_t>(ts) - static_cast<uint64_t>(column.last);
  if (delta == column.last_delta)
    put_repeat(slab, column.bytes);
  else
    put_difference(slab, column.bytes, static_cast<int64_t>(delta - column.last_delta));
  column.last_delta = delta;
  column.last = ts;
}

void read_times(const byte_slab& slab, const open_times& column, std::span<timestamp_ms> out) {
  struct {
    std::span<timestamp_ms> out;
    size_t at = 1;
    uint64_t delta = 0;

    void repeat(size_t n) {
      for (n = std::min(n, out.size() - at); n > 0; --n, ++at)
        out[at] = static_cast<timestamp_ms>(static_cast<uint64_t>(out[at - 1]) + delta);
    }
    void stale() {}
    void difference(int64_t d) {
      delta += static_cast<uint64_t>(d);
      repeat(1);
    }
  } times{out};
  if (out.empty())
    return;
  out[0] = column.first;
  if (column.bytes.size == 0)
    return;
  byte_slab::buffer buffer;
  const auto ops = slab.read(column.bytes, buffer);
  visit_integers(ops.data(), ops.data() + ops.size(), times);
}

}  // namespace troupe::storage
