#include "storage/chunk/integer_column.h"

#include "storage/base/check.h"
#include "storage/chunk/bit_string.h"
#include "storage/chunk/common_divisor.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace troupe::storage {
namespace {

// A block's first byte: its width, whether patches follow.
constexpr uint8_t width_mask = 0x7f;
constexpr uint8_t patched_flag = 0x80;
// So many rows stand for all in a guess of what is typical.
constexpr size_t most_probes = 15;

using block_buffer = std::array<uint64_t, block_rows>;

size_t varint_size(uint64_t v) {
  return (static_cast<size_t>(std::bit_width(v | 1)) + 6) / 7;
}

size_t rows_of_block(size_t count, size_t from) {
  return std::min(block_rows, count - from);
}

uint64_t bits_at(std::string_view bytes, size_t bit, unsigned width) {
  uint64_t v = 0;
  for (unsigned got = 0; got < width;) {
    const auto byte = static_cast<uint8_t>(bytes[(bit + got) / 8]);
    const auto from = static_cast<unsigned>((bit + got) % 8);
    v |= static_cast<uint64_t>(byte >> from) << got;
    got += 8 - from;
  }
  return width == 64 ? v : v & ((1ULL << width) - 1);
}

void put_block(const block_buffer& residuals, size_t n, std::string& out) {
  const width_choice choice = kernels().choose_width(residuals.data(), static_cast<unsigned>(n));
  put_u8(out, static_cast<uint8_t>(choice.width | (choice.patches ? patched_flag : 0)));
  if (choice.patches) {
    put_u8(out, choice.patches);
    put_u8(out, choice.high);
    std::array<uint64_t, max_patches> highs;
    size_t found = 0;
    for (size_t i = 0; i < n; ++i)
      if (std::bit_width(residuals[i]) > choice.width) {
        put_u8(out, static_cast<uint8_t>(i));
        highs[found++] = residuals[i] >> choice.width;
      }
    bit_writer bits(out);
    for (size_t i = 0; i < found; ++i)
      bits.put(highs[i], choice.high);
    bits.finish();
  }
  std::array<uint8_t, 8 * block_rows> packed;
  kernels().pack(residuals.data(), choice.width, packed.data());
  out.append(reinterpret_cast<const char*>(packed.data()), (n * choice.width + 7) / 8);
}

}  // namespace

integer_plan::integer_plan(integer_rows& rows) : rows_(rows) {
  TROUPE_CHECK(rows.count() > 0);
  std::fill(rows.data() + rows.count(),
            rows.data() + (rows.count() + block_rows - 1) / block_rows * block_rows, 0);
  first_ = rows.data()[0];
  survey_ = kernels().survey(rows.data(), rows.count());
  best_.bytes = ~size_t{0};
  if (survey_.changes > 0)
    find_factor();
  if (factor_ != 1)
    divide();
  consider(packed_order::delta, 0);
  if (survey_.changes == 0)
    return;
  if (const int64_t slope = typical_difference())
    consider(packed_order::sloped, static_cast<uint64_t>(slope));
  consider(packed_order::double_delta, rows.data()[1] - rows.data()[0]);
  // Rows that wander off are not near each other.
  const uint64_t spread =
      static_cast<uint64_t>(survey_.greatest) - static_cast<uint64_t>(survey_.least);
  if (spread / 4 <= survey_.difference)
    consider(packed_order::direct, static_cast<uint64_t>(typical_row()));
}

void integer_plan::find_factor() {
  const uint64_t* v = rows_.data();
  common_divisor divisor;
  for (size_t i = 1; i < rows_.count() && !divisor.is_one(); ++i)
    divisor.take(v[i] - v[i - 1]);
  const uint64_t factor = divisor.value();
  // What it saves per change must pay for writing it.
  const auto saved = static_cast<size_t>(std::bit_width(factor) - 1) * survey_.changes / 8;
  if (saved > 2 * varint_size(factor))
    factor_ = factor;
}

void integer_plan::divide() {
  uint64_t* v = rows_.data();
  const exact_division by_factor(factor_);
  uint64_t before = v[0], sum = 0;
  v[0] = 0;
  for (size_t i = 1; i < rows_.count(); ++i) {
    const uint64_t step = by_factor(v[i] - before);
    before = v[i];
    v[i] = sum += step;
  }
}

int64_t integer_plan::typical_row() const {
  std::array<int64_t, most_probes> probes;
  const size_t n = std::min(most_probes, rows_.count());
  for (size_t i = 0; i < n; ++i)
    probes[i] = static_cast<int64_t>(rows_.data()[i * rows_.count() / n]);
  std::nth_element(probes.begin(), probes.begin() + n / 2, probes.begin() + n);
  return probes[n / 2];
}

int64_t integer_plan::typical_difference() const {
  std::array<int64_t, most_probes> probes;
  const size_t differences = rows_.count() - 1, n = std::min(most_probes, differences);
  for (size_t i = 0; i < n; ++i) {
    const uint64_t* v = rows_.data() + 1 + i * differences / n;
    probes[i] = static_cast<int64_t>(v[0] - v[-1]);
  }
  std::nth_element(probes.begin(), probes.begin() + n / 2, probes.begin() + n);
  return probes[n / 2];
}

// Residual 0 for the first row.
void integer_plan::prepare(const candidate& c) {
  const uint64_t slope = c.order == packed_order::direct ? 0 : c.slope;
  rows_.data()[-1] = rows_.data()[0] - slope;
  rows_.data()[-2] = rows_.data()[0] - 2 * slope;
}

uint64_t integer_plan::base(const candidate& c) const {
  return c.order == packed_order::direct ? first_ + factor_ * (c.slope - rows_.data()[0])
                                         : first_ - factor_ * c.slope;
}

void integer_plan::consider(packed_order order, uint64_t slope) {
  candidate c{order, slope, 1};
  c.bytes += varint_size(zigzag(static_cast<int64_t>(base(c))));
  if (factor_ != 1)
    c.bytes += varint_size(factor_);
  if (order == packed_order::sloped || order == packed_order::double_delta)
    c.bytes += varint_size(zigzag(static_cast<int64_t>(slope)));
  prepare(c);
  block_buffer residuals;
  for (size_t from = 0; from < rows_.count() && c.bytes < best_.bytes; from += block_rows) {
    kernels().residuals(rows_.data() + from, order, slope, residuals.data());
    const auto n = static_cast<unsigned>(rows_of_block(rows_.count(), from));
    c.bytes += 1u + kernels().choose_width(residuals.data(), n).bytes;
  }
  if (c.bytes < best_.bytes)
    best_ = c;
}

void integer_plan::encode(uint8_t tag, std::string& out) {
  put_u8(out, column_form{tag, best_.order, factor_ != 1}.byte());
  put_svarint(out, static_cast<int64_t>(base(best_)));
  if (factor_ != 1)
    put_varint(out, factor_);
  if (best_.order == packed_order::sloped || best_.order == packed_order::double_delta)
    put_svarint(out, static_cast<int64_t>(best_.slope));
  prepare(best_);
  block_buffer residuals;
  for (size_t from = 0; from < rows_.count(); from += block_rows) {
    kernels().residuals(rows_.data() + from, best_.order, best_.slope, residuals.data());
    put_block(residuals, rows_of_block(rows_.count(), from), out);
  }
}

bool integer_decoder::open(byte_reader& in, size_t count) {
  in_ = &in;
  left_ = count;
  const auto form = column_form::of(in.u8());
  tag_ = form.tag;
  rule_ = {form.order, 0, 1};
  state_ = {static_cast<uint64_t>(in.svarint()), 0};
  if (form.has_factor)
    rule_.factor = in.varint();
  if (rule_.order == packed_order::sloped)
    rule_.slope = static_cast<uint64_t>(in.svarint());
  if (rule_.order == packed_order::double_delta)
    state_.step = static_cast<uint64_t>(in.svarint());
  return !in.failed();
}

bool integer_decoder::read(block& b) {
  b.rows = std::min(block_rows, left_);
  left_ -= b.rows;
  const uint8_t head = in_->u8();
  b.width = head & width_mask;
  if (head & patched_flag) {
    const unsigned patches = in_->u8();
    b.high = in_->u8();
    if (patches == 0 || patches > b.rows || b.high == 0 || b.width + b.high > 64)
      return false;
    b.positions = in_->take(patches);
    b.highs = in_->take((patches * b.high + 7) / 8);
  }
  if (b.width > 64)
    return false;
  b.packed = in_->take((b.rows * b.width + 7) / 8);
  return !in_->failed();
}

bool integer_decoder::skip() {
  block b;
  return read(b);
}

bool integer_decoder::next(uint64_t* rows) {
  block b;
  if (!read(b))
    return false;
  const auto* packed = reinterpret_cast<const uint8_t*>(b.packed.data());
  // Directly from the chunk where the kernel may read on behind the block.
  std::array<uint8_t, 8 * block_rows + unpack_slack> copy;
  if (b.packed.size() + in_->remaining() < 8 * b.width + unpack_slack) {
    std::memcpy(copy.data(), b.packed.data(), b.packed.size());
    std::memset(copy.data() + b.packed.size(), 0, 8 * b.width + unpack_slack - b.packed.size());
    packed = copy.data();
  }
  kernels().unpack(packed, b.width, rows);
  for (size_t i = 0; i < b.positions.size(); ++i) {
    const auto row = static_cast<uint8_t>(b.positions[i]);
    if (row >= b.rows)
      return false;
    rows[row] |= bits_at(b.highs, i * b.high, b.high) << b.width;
  }
  kernels().restore(rows, rule_, state_);
  return true;
}

}  // namespace troupe::storage
