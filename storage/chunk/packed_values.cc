#include "storage/chunk/packed_values.h"

#include "storage/chunk/kernel_steps.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace troupe::storage {
namespace {

using value_block = std::array<double, block_rows>;

// Values looked at to guess the scale of all.
constexpr size_t probes = 4;
// A packed column of fewer bytes is not worth trying.
constexpr size_t least_entropy_bytes = 24;
// An entropy-coded column takes longer to read: it must save this part.
constexpr size_t least_saving = 32;

// The fewest decimals that give `v` back by division; nothing if there are none.
std::optional<unsigned> decimals_of(double v) {
  uint64_t row;
  if (to_integer(v, scale_integer, row))
    return 0;
  if (!(std::fabs(v) < decimal_limit))
    return std::nullopt;
  // What some number of decimals give back, more of them do too, until the integer is too large;
  // close to that the multiplication may round to a neighbour.
  unsigned e = max_exponent;
  while (e > 0 && std::fabs(v) * powers_of_ten[e] >= decimal_limit)
    --e;
  if (e == 0 || !(to_integer(v, static_cast<value_scale>(e), row) ||
                  (--e > 0 && to_integer(v, static_cast<value_scale>(e), row))))
    return std::nullopt;
  auto digits = static_cast<int64_t>(row);
  for (; e > 0 && digits % 10 == 0; --e)
    digits /= 10;
  return e;
}

// The scale of products with 10^-e that gives `v` back, with `least` or more decimals.
std::optional<value_scale> product_scale(double v, unsigned least) {
  uint64_t row;
  for (unsigned e = std::max(1u, least); e <= max_exponent; ++e)
    if (const auto scale = static_cast<value_scale>(scale_multiplied + e);
        to_integer(v, scale, row))
      return scale;
  return std::nullopt;
}

size_t varint_size(uint64_t v) {
  return (static_cast<size_t>(std::bit_width(v | 1)) + 6) / 7;
}

// The rows [from, from + rows.size()) of a column of `count`.
template <class Decoder>
bool decode_column(byte_reader& in, size_t count, size_t from, std::span<double> rows) {
  Decoder column;
  if (!column.open(in, count) || !is_scale(column.tag()))
    return false;
  const size_t end = from + rows.size();
  std::array<uint64_t, block_rows> integers;
  value_block values;
  for (size_t at = 0; at < count; at += block_rows) {
    if (at >= end) {
      if (!column.skip())
        return false;
      continue;
    }
    if (!column.next(integers.data()))
      return false;
    const size_t lo = std::max(at, from), hi = std::min(at + block_rows, end);
    if (lo == at && hi == at + block_rows) {
      kernels().to_doubles(integers.data(), column.tag(), rows.data() + (at - from));
    } else if (lo < hi) {
      kernels().to_doubles(integers.data(), column.tag(), values.data());
      std::copy(values.data() + (lo - at), values.data() + (hi - at), rows.data() + (lo - from));
    }
  }
  return true;
}

}  // namespace

bool packed_values::plan_decimals(std::span<const double> values) {
  allowed_ = std::max<size_t>(1, values.size() / 16);
  culprit_ = std::numeric_limits<double>::quiet_NaN();
  unsigned guess = 0;
  for (size_t i = 0; i < probes; ++i) {
    const double v = values[i * values.size() / probes];
    if (uint64_t row; !to_integer(v, static_cast<value_scale>(guess), row))
      guess = std::max(guess, decimals_of(v).value_or(0));
  }
  scale_ = static_cast<value_scale>(guess);
  outcome result;
  do
    result = convert(values);
  while (result == outcome::raised);
  if (result == outcome::failed) {
    const auto scale = product_scale(culprit_, scale_);
    if (!scale)
      return false;
    scale_ = *scale;
    if (convert(values) != outcome::done)
      return false;
  }
  if (exceptions_.size() == values.size())
    return false;
  fill_exceptions();
  make_plan();
  return true;
}

void packed_values::plan_bits(std::span<const double> values) {
  scale_ = scale_bits;
  convert(values);
  make_plan();
}

void packed_values::make_plan() {
  plan_.emplace(rows_);
  entropy_bytes_.clear();
}

void packed_values::try_entropy() {
  if (plan_->bytes() < least_entropy_bytes)
    return;
  entropy_.encode(rows_, plan_->offset(), plan_->factor(), scale_, entropy_bytes_);
  if (entropy_bytes_.size() >= plan_->bytes() - plan_->bytes() / least_saving)
    entropy_bytes_.clear();
}

value_form packed_values::form() const {
  if (entropy_bytes_.empty())
    return exceptions_.empty() ? value_form::packed : value_form::patched;
  return exceptions_.empty() ? value_form::entropy : value_form::entropy_patched;
}

packed_values::outcome packed_values::convert(std::span<const double> values) {
  rows_.resize(values.size());
  exceptions_.clear();
  value_block rest{};
  for (size_t from = 0; from < values.size(); from += block_rows) {
    const size_t n = std::min(block_rows, values.size() - from);
    const double* in = values.data() + from;
    if (n < block_rows)
      in = std::copy_n(in, n, rest.data()) - n;
    uint64_t bad = kernels().to_integers(in, scale_, rows_.data() + from) & low_bits(n);
    for (; bad; bad &= bad - 1) {
      const auto i = static_cast<size_t>(std::countr_zero(bad));
      if (const outcome o = reject(in[i], from + i); o != outcome::done)
        return o;
    }
  }
  return outcome::done;
}

// Done: the value is an exception. Raised: one with more decimals has come.
packed_values::outcome packed_values::reject(double value, size_t row) {
  if (scale_ < scale_bits)
    if (const auto e = decimals_of(value); e && *e > scale_) {
      scale_ = static_cast<value_scale>(*e);
      return outcome::raised;
    }
  if (std::isfinite(value))
    culprit_ = value;
  exceptions_.push_back({row, std::bit_cast<uint64_t>(value)});
  return exceptions_.size() > allowed_ ? outcome::failed : outcome::done;
}

// An exception's row continues the one before it; at the front, the first that is none.
void packed_values::fill_exceptions() {
  uint64_t* rows = rows_.data();
  size_t front = 0;
  while (front < exceptions_.size() && exceptions_[front].row == front)
    ++front;
  std::fill_n(rows, front, rows[front]);
  for (size_t i = front; i < exceptions_.size(); ++i)
    rows[exceptions_[i].row] = rows[exceptions_[i].row - 1];
}

size_t packed_values::bytes() const {
  size_t n = entropy_bytes_.empty() ? plan_->bytes() : entropy_bytes_.size();
  if (!exceptions_.empty())
    n += varint_size(exceptions_.size());
  size_t before = 0;
  for (const auto& e : exceptions_) {
    n += varint_size(e.row - before) + sizeof e.bits;
    before = e.row;
  }
  return n;
}

void packed_values::encode(std::string& out) {
  if (!exceptions_.empty())
    put_varint(out, exceptions_.size());
  size_t before = 0;
  for (const auto& e : exceptions_) {
    put_varint(out, e.row - before);
    put_u64(out, e.bits);
    before = e.row;
  }
  if (entropy_bytes_.empty())
    plan_->encode(scale_, out);
  else
    out += entropy_bytes_;
}

bool decode_scaled(byte_reader& in, value_form form, size_t count, size_t from,
                   std::span<double> rows) {
  const bool patched = form == value_form::patched || form == value_form::entropy_patched;
  const bool entropy = form == value_form::entropy || form == value_form::entropy_patched;
  // The exceptions come first and are read again once their rows are there.
  byte_reader exceptions = in;
  const uint64_t n = patched ? in.varint() : 0;
  if (n > count)
    return false;
  for (uint64_t i = 0, row = 0; i < n; ++i) {
    const uint64_t gap = in.varint();
    if (in.failed() || gap >= count - row || (i > 0 && gap == 0))
      return false;
    row += gap;
    in.u64();
  }
  if (in.failed() || !(entropy ? decode_column<entropy_decoder>(in, count, from, rows)
                               : decode_column<integer_decoder>(in, count, from, rows)))
    return false;
  if (patched)
    exceptions.varint();
  for (uint64_t i = 0, row = 0; i < n; ++i) {
    row += exceptions.varint();
    const double v = std::bit_cast<double>(exceptions.u64());
    if (row >= from && row - from < rows.size())
      rows[row - from] = v;
  }
  return true;
}

}  // namespace troupe::storage
