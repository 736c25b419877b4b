#include "storage/chunk/value_column.h"

#include "storage/chunk/packed_values.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace troupe::storage {
namespace {

constexpr double max_exact = 9007199254740992.0;  // 2^53: every integer up to here is a double
// A packed column with more bytes a row than this may be shorter as bits.
constexpr size_t many_bytes = 4;

uint64_t bits(double v) {
  return std::bit_cast<uint64_t>(v);
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

size_t xored_size(std::span<const double> values) {
  size_t size = 8;
  for (size_t i = 1; i < values.size(); ++i)
    size += 1 + nonzero_bytes(bits(values[i]) ^ bits(values[i - 1])).count;
  return size;
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

// A column read row by row; `keep(row, value)` gets them all.
template <class Keep>
bool decode_xored(byte_reader& in, size_t count, const Keep& keep) {
  uint64_t v = in.u64();
  keep(0, std::bit_cast<double>(v));
  for (size_t i = 1; i < count; ++i) {
    const uint8_t head = in.u8();
    const unsigned skip = head >> 4, n = head & 15;
    if (skip + n > 8 || (n == 0 && skip != 0))
      return false;
    uint64_t x = 0;
    const std::string_view piece = in.take(n);
    if (!piece.empty()) {
      std::memcpy(&x, piece.data(), piece.size());
      v ^= x << (8 * skip);
    }
    keep(i, std::bit_cast<double>(v));
  }
  return !in.failed();
}

template <class Keep>
bool decode_integers(byte_reader& in, bool twice, size_t count, const Keep& keep) {
  auto v = static_cast<uint64_t>(in.svarint());
  uint64_t delta = 0;
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) {
      delta = (twice ? delta : 0) + static_cast<uint64_t>(in.svarint());
      v += delta;
    }
    const auto value = static_cast<double>(static_cast<int64_t>(v));
    if (!(value >= -max_exact && value <= max_exact))
      return false;
    keep(i, value);
  }
  return !in.failed();
}

}  // namespace

value_form encode_values(std::span<const double> values, std::string& out, storage_tier tier) {
  if (std::all_of(values.begin(), values.end(),
                  [&](double v) { return bits(v) == bits(values[0]); })) {
    put_u64(out, bits(values[0]));
    return value_form::constant;
  }
  // Reused from column to column: a seal allocates nothing but its result.
  thread_local packed_values decimals, pattern;
  packed_values* best = decimals.plan_decimals(values) ? &decimals : nullptr;
  if (!best || best->bytes() > many_bytes * values.size()) {
    pattern.plan_bits(values);
    if (!best || pattern.bytes() < best->bytes())
      best = &pattern;
  }
  if (tier == storage_tier::cold)
    best->try_entropy();
  const size_t packed = best->bytes(), raw = values.size_bytes();
  // XOR takes a byte a value and another one where it changes.
  if (packed > sizeof(double) + values.size() - 1 + best->changes())
    if (const size_t xored = xored_size(values); xored < std::min(packed, raw)) {
      encode_xored(values, out);
      return value_form::xored;
    }
  if (packed < raw) {
    best->encode(out);
    return best->form();
  }
  out.append(reinterpret_cast<const char*>(values.data()), raw);
  return value_form::raw;
}

bool decode_values(byte_reader& in, value_form form, size_t count, size_t from,
                   std::span<double> rows) {
  const auto keep = [&](size_t i, double v) {
    if (i - from < rows.size())
      rows[i - from] = v;
  };
  switch (form) {
    case value_form::constant:
      std::fill(rows.begin(), rows.end(), std::bit_cast<double>(in.u64()));
      return !in.failed();
    case value_form::delta:
      return decode_integers(in, false, count, keep);
    case value_form::double_delta:
      return decode_integers(in, true, count, keep);
    case value_form::xored:
      return decode_xored(in, count, keep);
    case value_form::raw: {
      const std::string_view all = in.take(8 * count);
      if (!in.failed() && !rows.empty())
        std::memcpy(rows.data(), all.data() + 8 * from, rows.size_bytes());
      return !in.failed();
    }
    case value_form::packed:
    case value_form::patched:
    case value_form::entropy:
    case value_form::entropy_patched:
      return decode_scaled(in, form, count, from, rows);
  }
  return false;
}

}  // namespace troupe::storage
