#include "storage/chunk/value_column.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace troupe::storage {
namespace {

constexpr double max_exact = 9007199254740992.0;  // 2^53: every integer up to here is a double

uint64_t bits(double v) {
  return std::bit_cast<uint64_t>(v);
}

bool is_integer(double v) {
  return v >= -max_exact && v <= max_exact &&
         bits(static_cast<double>(static_cast<int64_t>(v))) == bits(v);
}

size_t svarint_size(int64_t v) {
  return (static_cast<size_t>(std::bit_width(zigzag(v) | 1)) + 6) / 7;
}

// Where the non-zero bytes of an XOR lie: `skip` zero bytes at the low end, then `count` bytes.
struct byte_range {
  unsigned skip = 0;
  unsigned count = 0;
};

byte_range nonzero_bytes(uint64_t x) {
  if (x == 0)
    return {};
  const auto skip = static_cast<unsigned>(std::countr_zero(x)) / 8;
  return {skip, 8 - skip - static_cast<unsigned>(std::countl_zero(x)) / 8};
}

void encode_xored(std::span<const double> values, std::string& out) {
  put_u64(out, bits(values[0]));
  for (size_t i = 1; i < values.size(); ++i) {
    const uint64_t x = bits(values[i]) ^ bits(values[i - 1]);
    const byte_range r = nonzero_bytes(x);
    put_u8(out, static_cast<uint8_t>(r.skip << 4 | r.count));
    const uint64_t shifted = r.count ? x >> (8 * r.skip) : 0;
    out.append(reinterpret_cast<const char*>(&shifted), r.count);
  }
}

bool decode_xored(byte_reader& in, std::span<double> values) {
  uint64_t v = in.u64();
  values[0] = std::bit_cast<double>(v);
  for (size_t i = 1; i < values.size(); ++i) {
    const uint8_t head = in.u8();
    const unsigned skip = head >> 4, count = head & 15;
    if (skip + count > 8 || (count == 0 && skip != 0))
      return false;
    uint64_t x = 0;
    const std::string_view piece = in.take(count);
    if (!piece.empty()) {
      std::memcpy(&x, piece.data(), piece.size());
      v ^= x << (8 * skip);
    }
    values[i] = std::bit_cast<double>(v);
  }
  return !in.failed();
}

void encode_integers(std::span<const double> values, bool twice, std::string& out) {
  auto before = static_cast<int64_t>(values[0]);
  int64_t delta_before = 0;
  put_svarint(out, before);
  for (size_t i = 1; i < values.size(); ++i) {
    const auto v = static_cast<int64_t>(values[i]);
    const int64_t delta = v - before;
    put_svarint(out, twice ? delta - delta_before : delta);
    delta_before = delta;
    before = v;
  }
}

bool decode_integers(byte_reader& in, bool twice, std::span<double> values) {
  auto v = static_cast<uint64_t>(in.svarint());
  uint64_t delta = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) {
      delta = (twice ? delta : 0) + static_cast<uint64_t>(in.svarint());
      v += delta;
    }
    values[i] = static_cast<double>(static_cast<int64_t>(v));
    if (!is_integer(values[i]))
      return false;
  }
  return !in.failed();
}

}  // namespace

value_form choose_value_form(std::span<const double> values) {
  size_t xored = 8, delta_size = 0, double_size = 0;
  bool constant = true, integers = is_integer(values[0]);
  int64_t before = integers ? static_cast<int64_t>(values[0]) : 0, delta_before = 0;
  if (integers)
    delta_size = double_size = svarint_size(before);
  for (size_t i = 1; i < values.size(); ++i) {
    const uint64_t x = bits(values[i]) ^ bits(values[i - 1]);
    constant = constant && x == 0;
    xored += 1 + nonzero_bytes(x).count;
    integers = integers && is_integer(values[i]);
    if (!integers)
      continue;
    const auto v = static_cast<int64_t>(values[i]);
    const int64_t delta = v - before;
    delta_size += svarint_size(delta);
    double_size += svarint_size(delta - delta_before);
    delta_before = delta;
    before = v;
  }
  if (constant)
    return value_form::constant;
  value_form best = value_form::raw;
  size_t best_size = 8 * values.size();
  const auto offer = [&](value_form form, size_t size) {
    if (size < best_size) {
      best = form;
      best_size = size;
    }
  };
  offer(value_form::xored, xored);
  if (integers) {
    offer(value_form::delta, delta_size);
    offer(value_form::double_delta, double_size);
  }
  return best;
}

void encode_values(std::span<const double> values, value_form form, std::string& out) {
  switch (form) {
    case value_form::constant:
      return put_u64(out, bits(values[0]));
    case value_form::delta:
      return encode_integers(values, false, out);
    case value_form::double_delta:
      return encode_integers(values, true, out);
    case value_form::xored:
      return encode_xored(values, out);
    case value_form::raw:
      break;
  }
  out.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

bool decode_values(byte_reader& in, value_form form, std::span<double> values) {
  switch (form) {
    case value_form::constant: {
      const double v = std::bit_cast<double>(in.u64());
      std::fill(values.begin(), values.end(), v);
      return !in.failed();
    }
    case value_form::delta:
      return decode_integers(in, false, values);
    case value_form::double_delta:
      return decode_integers(in, true, values);
    case value_form::xored:
      return decode_xored(in, values);
    case value_form::raw:
      break;
  }
  const std::string_view all = in.take(values.size_bytes());
  if (in.failed())
    return false;
  std::memcpy(values.data(), all.data(), all.size());
  return true;
}

}  // namespace troupe::storage
