#include "storage/chunk/entropy_column.h"

#include "storage/chunk/common_divisor.h"

#include <algorithm>
#include <bit>

namespace troupe::storage {
namespace {

// Rows that stand for all in a guess of the middle.
constexpr size_t most_probes = 255;
// Fewer bytes of symbols than this are not worth the room of four states.
constexpr size_t few_symbol_bytes = 96;

// A symbol is 2 * size + 1 if the residual is negative, else 2 * size. A magnitude below `plain` is
// its own size; that of others is told by the number of bits and the bit behind the first one.
constexpr unsigned plain = 4;
constexpr unsigned plain_bits = 2;

struct residual_range {
  uint64_t least = 0;  ///< zigzag
  unsigned bits = 0;   ///< of the magnitude, that follow
};

constexpr std::array<residual_range, symbol_count> make_ranges() {
  std::array<residual_range, symbol_count> out{};
  for (unsigned s = 0; s < symbol_count; ++s) {
    const unsigned size = s / 2, bits = size < plain ? 0 : plain_bits - 1 + (size - plain) / 2;
    const uint64_t magnitude = size < plain ? size : (2 + uint64_t{size % 2}) << bits;
    out[s] = {2 * magnitude - s % 2, bits};
  }
  return out;
}
constexpr std::array<residual_range, symbol_count> ranges = make_ranges();
static_assert(ranges[symbol_count - 1].bits == 62 && ranges[2 * plain].least == 2 * plain);

// The bits that follow a symbol, and `too_wide` if those are too many for one access.
constexpr unsigned too_wide = 64 * block_rows;
constexpr std::array<uint16_t, symbol_count> make_widths() {
  std::array<uint16_t, symbol_count> out{};
  for (unsigned s = 0; s < symbol_count; ++s)
    out[s] = static_cast<uint16_t>(ranges[s].bits +
                                   (ranges[s].bits > bit_source::fast_width ? too_wide : 0));
  return out;
}
constexpr std::array<uint16_t, symbol_count> widths = make_widths();

uint64_t magnitude_of(uint64_t residual) {
  return residual / 2 + residual % 2;
}

uint8_t symbol_of(uint64_t residual) {
  const uint64_t magnitude = magnitude_of(residual);
  auto size = static_cast<unsigned>(magnitude);
  if (magnitude >= plain) {
    const auto bits = static_cast<unsigned>(std::bit_width(magnitude)) - 2;
    size = plain + 2 * (bits + 1 - plain_bits) + (magnitude >> bits) % 2;
  }
  return static_cast<uint8_t>(2 * size + residual % 2);
}

uint64_t signed_residual(uint64_t difference) {
  return zigzag(static_cast<int64_t>(difference));
}

void read_residuals(std::span<const uint8_t> symbols, bit_source& bits, uint64_t* rows) {
  unsigned total = 0;
  for (const uint8_t s : symbols)
    total += widths[s];
  const auto keep = [&](size_t i, uint64_t rest) { rows[i] = ranges[symbols[i]].least + 2 * rest; };
  if (total < too_wide && bits.has(total)) {
    bits.take_each(
        symbols.size(), [&](size_t i) { return ranges[symbols[i]].bits; }, keep);
    return;
  }
  for (size_t i = 0; i < symbols.size(); ++i)
    keep(i, bits.take(ranges[symbols[i]].bits));
}

// The middle one of up to most_probes of at(first), …, at(count - 1).
template <class At>
uint64_t middle(size_t first, size_t count, const At& at) {
  std::array<int64_t, most_probes> probes;
  const size_t all = count - first, n = std::min(most_probes, all);
  for (size_t i = 0; i < n; ++i)
    probes[i] = static_cast<int64_t>(at(first + i * all / n));
  std::nth_element(probes.begin(), probes.begin() + n / 2, probes.begin() + n);
  return static_cast<uint64_t>(probes[n / 2]);
}

}  // namespace

// By the bits that the residuals have without their odds.
entropy_encoder::prediction entropy_encoder::choose(const integer_rows& rows) const {
  const uint64_t* v = rows.data();
  const size_t n = rows.count();
  if (n == 1)
    return {packed_order::sloped, 0};
  const uint64_t row = middle(0, n, [&](size_t i) { return v[i]; });
  const uint64_t slope = middle(1, n, [&](size_t i) { return v[i] - v[i - 1]; });
  size_t direct = 0, sloped = 0, doubled = 0;
  uint64_t step = v[1] - v[0];
  for (size_t i = 1; i < n; ++i) {
    const uint64_t before = step;
    step = v[i] - v[i - 1];
    direct += static_cast<size_t>(std::bit_width(signed_residual(v[i] - row)));
    sloped += static_cast<size_t>(std::bit_width(signed_residual(step - slope)));
    doubled += static_cast<size_t>(std::bit_width(signed_residual(step - before)));
  }
  if (direct < sloped && direct <= doubled)
    return {packed_order::direct, row};
  if (doubled < sloped)
    return {packed_order::double_delta, v[1] - v[0]};
  return {packed_order::sloped, slope};
}

void entropy_encoder::take_residuals(const integer_rows& rows, const prediction& p) {
  const uint64_t* v = rows.data();
  residuals_.resize(rows.count());
  residuals_[0] = p.order == packed_order::direct ? signed_residual(v[0] - p.slope) : 0;
  uint64_t before = p.slope;
  for (size_t i = 1; i < rows.count(); ++i) {
    const uint64_t step = v[i] - v[i - 1];
    residuals_[i] =
        signed_residual(p.order == packed_order::direct ? v[i] - p.slope : step - before);
    if (p.order == packed_order::double_delta)
      before = step;
  }
}

// Counters that count themselves with every sample, for one, have steps of a multiple and one more.
uint64_t entropy_encoder::divide_residuals() {
  common_divisor divisor;
  for (const uint64_t r : residuals_) {
    divisor.take(static_cast<uint64_t>(unzigzag(r)));
    if (divisor.is_one())
      return 1;
  }
  const uint64_t factor = divisor.value();
  if (factor < 2)
    return 1;
  const exact_division by_factor(factor);
  for (uint64_t& r : residuals_)
    r = signed_residual(by_factor(static_cast<uint64_t>(unzigzag(r))));
  return factor;
}

void entropy_encoder::encode(const integer_rows& rows, uint64_t offset, uint64_t factor,
                             uint8_t tag, std::string& out) {
  const prediction p = choose(rows);
  take_residuals(rows, p);
  const uint64_t slope = factor * p.slope;
  const uint64_t base =
      p.order == packed_order::direct ? offset + slope : offset + factor * rows.data()[0] - slope;
  factor *= divide_residuals();
  std::array<uint32_t, symbol_count> counts{};
  symbols_.resize(rows.count());
  for (size_t i = 0; i < rows.count(); ++i)
    ++counts[symbols_[i] = symbol_of(residuals_[i])];
  const auto odds = symbol_odds::of(counts);
  bits_.clear();
  bit_writer bits(bits_);
  odds.put(bits);
  for (size_t i = 0; i < rows.count(); ++i) {
    const residual_range& range = ranges[symbols_[i]];
    bits.put((residuals_[i] - range.least) / 2, range.bits);
  }
  bits.finish();
  bool wide = true;
  symbol_bytes_.clear();
  encode_symbols(symbols_, odds, 4, symbol_bytes_);
  if (symbol_bytes_.size() < few_symbol_bytes) {
    wide = false;
    symbol_bytes_.clear();
    encode_symbols(symbols_, odds, 1, symbol_bytes_);
  }
  put_u8(out, column_form{tag, p.order, factor != 1}.byte());
  put_svarint(out, static_cast<int64_t>(base));
  if (factor != 1)
    put_varint(out, factor);
  if (p.order != packed_order::direct)
    put_svarint(out, static_cast<int64_t>(slope));
  put_varint(out, bits_.size());
  put_varint(out, symbol_bytes_.size() | (wide ? 1 : 0));
  out += bits_;
  out += symbol_bytes_;
}

bool entropy_decoder::open(byte_reader& in, size_t count) {
  left_ = count;
  const auto form = column_form::of(in.u8());
  tag_ = form.tag;
  rule_ = {form.order, 0, 1};
  state_ = {static_cast<uint64_t>(in.svarint()), 0};
  if (form.has_factor)
    rule_.factor = in.varint();
  if (rule_.order == packed_order::delta)
    return false;  // sloped with a slope of 0
  slope_ = rise_ = 0;
  if (rule_.order != packed_order::direct)
    set_slope(static_cast<uint64_t>(in.svarint()));
  const uint64_t bit_size = in.varint(), symbol_size = in.varint();
  const std::string_view bits = in.take(bit_size), symbols = in.take(symbol_size & ~1ULL);
  bits_ = bit_source(bits, {bits.data(), bits.size() + symbols.size() + in.remaining()});
  symbol_odds odds;
  return !in.failed() && odds.read(bits_) && symbols_.open(symbols, odds, symbol_size & 1 ? 4 : 1);
}

// The rule multiplies its slope by the factor, too.
void entropy_decoder::set_slope(uint64_t slope) {
  const bool sloped = rule_.order == packed_order::sloped;
  if (rule_.factor != 1) {
    slope_ = rise_ = slope;
    if (sloped)
      rule_.order = packed_order::delta;
  } else {
    (sloped ? rule_.slope : state_.step) = slope;
  }
}

bool entropy_decoder::next(uint64_t* rows) {
  const size_t n = std::min(block_rows, left_);
  left_ -= n;
  std::array<uint8_t, block_rows> symbols;
  if (!symbols_.next({symbols.data(), n}))
    return false;
  read_residuals({symbols.data(), n}, bits_, rows);
  std::fill(rows + n, rows + block_rows, 0);
  kernels().restore(rows, rule_, state_);
  if (slope_ != 0) {
    const uint64_t rise = rise_, slope = slope_;
    for (size_t i = 0; i < block_rows; ++i)
      rows[i] += rise + i * slope;
    rise_ += block_rows * slope;
  }
  return left_ > 0 || (symbols_.finished() && bits_.at_end());
}

}  // namespace troupe::storage
