#include "storage/chunk/rans.h"

#include "storage/base/check.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <vector>

namespace troupe::storage {
namespace {

constexpr uint32_t total_odds = 1u << odds_bits;
constexpr uint32_t least_state = 1u << 16;
constexpr unsigned word_bits = 16;
constexpr size_t word_bytes = 2;
// Level l stands for 4 + (l - 1) % 4 shifted by (l - 1) / 4, a quarter of a count.
constexpr unsigned steps_per_octave = 4;
constexpr unsigned most_level = 4 * 24;

constexpr unsigned odds_mask = 0xfff, place_shift = 12, place_mask = 0x7ff, symbol_shift = 24;

uint32_t load_word(const char* at) {
  uint16_t word;
  std::memcpy(&word, at, word_bytes);
  return word;
}

// Takes one symbol, which `cell` tells, out of a state.
uint8_t step(uint32_t cell, uint32_t& state) {
  state = (cell & odds_mask) * (state >> odds_bits) + (cell >> place_shift & place_mask);
  return static_cast<uint8_t>(cell >> symbol_shift);
}

uint32_t weight_of(unsigned level) {
  const unsigned l = level - 1;
  return (steps_per_octave + l % steps_per_octave) << (l / steps_per_octave);
}

// The level next to `count` quarters of four, rounded up at half.
unsigned level_of(uint32_t count) {
  const uint32_t quarters = 4 * count;
  const unsigned octave = static_cast<unsigned>(std::bit_width(quarters)) - 3;
  const uint32_t steps = (quarters + (octave ? 1u << (octave - 1) : 0)) >> octave;
  return octave * steps_per_octave + (steps - steps_per_octave) + 1;
}

// Elias gamma code of n > 0.
void put_gamma(bit_writer& out, uint64_t n) {
  const auto more = static_cast<unsigned>(std::bit_width(n)) - 1;
  out.put(1ULL << more, more + 1);
  out.put(n ^ (1ULL << more), more);
}
// 0 if there is none of up to 2^16.
uint64_t take_gamma(bit_source& in) {
  unsigned more = 0;
  while (more <= 16 && in.take(1) == 0)
    ++more;
  return more > 16 ? 0 : 1ULL << more | in.take(more);
}

// Short numbers of either sign.
void put_change(bit_writer& out, int change) {
  const uint64_t z = zigzag(change);
  put_gamma(out, (z >> 1) + 1);
  out.put(z & 1, 1);
}
bool take_change(bit_source& in, int& change) {
  const uint64_t n = take_gamma(in);
  if (n == 0)
    return false;
  change = static_cast<int>(unzigzag((n - 1) << 1 | in.take(1)));
  return true;
}

}  // namespace

symbol_odds symbol_odds::of(std::span<const uint32_t, symbol_count> counts) {
  symbol_odds out;
  for (size_t s = 0; s < symbol_count; ++s)
    if (counts[s] != 0)
      out.levels_[s] = static_cast<uint8_t>(level_of(counts[s]));
  out.share_out();
  return out;
}

// In proportion to the weights, rounded down, at least one each; the most likely symbol (of several
// the first) gets what is left. If more than all is given away, everybody returns a quarter of what
// he can spare, in turn, until it fits.
void symbol_odds::share_out() {
  uint64_t weights = 0;
  for (const uint8_t level : levels_)
    weights += level ? weight_of(level) : 0;
  uint32_t given = 0;
  odds_ = {};
  for (size_t s = 0; s < symbol_count; ++s)
    if (levels_[s] != 0) {
      const uint64_t part = uint64_t{weight_of(levels_[s])} * total_odds / weights;
      odds_[s] = static_cast<uint16_t>(std::max<uint64_t>(part, 1));
      given += odds_[s];
    }
  while (given > total_odds)
    for (auto& o : odds_) {
      const uint32_t spare = o > 1 ? (o + 2u) / 4 : 0;
      const uint32_t back = std::min(spare, given - total_odds);
      o = static_cast<uint16_t>(o - back);
      given -= back;
    }
  auto& most = *std::max_element(odds_.begin(), odds_.end());
  most = static_cast<uint16_t>(most + (total_odds - given));
}

void symbol_odds::put(bit_writer& out) const {
  const auto present = std::count_if(levels_.begin(), levels_.end(), [](auto l) { return l != 0; });
  put_gamma(out, static_cast<uint64_t>(present));
  size_t next = 0;
  int before = 0;
  for (size_t s = 0; s < symbol_count; ++s) {
    if (levels_[s] == 0)
      continue;
    put_gamma(out, s - next + 1);
    put_change(out, levels_[s] - before);
    next = s + 1;
    before = levels_[s];
  }
}

bool symbol_odds::read(bit_source& in) {
  levels_ = {};
  const uint64_t present = take_gamma(in);
  if (present == 0 || present > symbol_count)
    return false;
  size_t next = 0;
  int level = 0;
  for (uint64_t i = 0; i < present; ++i) {
    const uint64_t gap = take_gamma(in);
    int change = 0;
    if (gap == 0 || gap > symbol_count - next || !take_change(in, change))
      return false;
    level += change;
    if (level < 1 || level > static_cast<int>(most_level))
      return false;
    const size_t symbol = next + gap - 1;
    levels_[symbol] = static_cast<uint8_t>(level);
    next = symbol + 1;
  }
  share_out();
  return !in.overrun();
}

void encode_symbols(std::span<const uint8_t> symbols, const symbol_odds& odds, size_t states,
                    std::string& out) {
  std::array<uint32_t, symbol_count> starts{};
  for (size_t s = 1; s < symbol_count; ++s)
    starts[s] = starts[s - 1] + odds.odds(s - 1);
  std::array<uint32_t, 4> x;
  x.fill(least_state);
  thread_local std::vector<uint16_t> words;
  words.clear();
  // The last symbol goes in first, so that the first comes out first.
  for (size_t i = symbols.size(); i-- > 0;) {
    const uint32_t o = odds.odds(symbols[i]);
    TROUPE_CHECK(o != 0);
    uint32_t& state = x[i % states];
    if (state >= uint64_t{o} << (32 - odds_bits)) {
      words.push_back(static_cast<uint16_t>(state));
      state >>= word_bits;
    }
    state = (state / o << odds_bits) + state % o + starts[symbols[i]];
  }
  for (size_t s = 0; s < states; ++s)
    put_u32(out, x[s]);
  std::reverse(words.begin(), words.end());
  out.append(reinterpret_cast<const char*>(words.data()), words.size() * word_bytes);
}

bool symbol_decoder::open(std::string_view bytes, const symbol_odds& odds, size_t states) {
  count_ = states;
  byte_reader in(bytes);
  bool ok = true;
  for (size_t s = 0; s < states; ++s) {
    states_[s] = in.u32();
    ok = ok && states_[s] >= least_state;
  }
  if (!ok || in.failed() || in.remaining() % word_bytes != 0)
    return false;
  at_ = in.position();
  end_ = at_ + in.remaining();
  uint32_t* cell = cells_.data();
  for (size_t s = 0; s < symbol_count; ++s) {
    const uint32_t o = odds.odds(s);
    const uint32_t head = static_cast<uint32_t>(s) << symbol_shift | o;
    for (uint32_t place = 0; place < o; ++place)
      *cell++ = head | place << place_shift;
  }
  return true;
}

bool symbol_decoder::next(std::span<uint8_t> out) {
  const size_t fast = count_ == most_states ? read_wide(out) : 0;
  for (size_t i = fast; i < out.size(); ++i) {
    uint32_t& state = states_[i % count_];
    out[i] = step(cells_[state % total_odds], state);
    if (state >= least_state)
      continue;
    if (at_ == end_)
      return false;
    state = state << word_bits | load_word(at_);
    at_ += word_bytes;
  }
  return true;
}

// Four at a time while the bytes suffice whatever the symbols are; how many it read.
size_t symbol_decoder::read_wide(std::span<uint8_t> out) {
  const char* at = at_;
  // In registers, and no branch depends on a symbol: a word is read each time, and sometimes kept.
  auto [x0, x1, x2, x3] = states_;
  const auto read = [&](uint32_t& x) {
    const uint8_t symbol = step(cells_[x % total_odds], x);
    const uint32_t low = x < least_state ? ~0u : 0;
    x ^= (x ^ (x << word_bits | load_word(at))) & low;
    at += low & word_bytes;
    return symbol;
  };
  size_t i = 0;
  for (; i + 4 <= out.size() && static_cast<size_t>(end_ - at) >= 4 * word_bytes; i += 4) {
    out[i] = read(x0);
    out[i + 1] = read(x1);
    out[i + 2] = read(x2);
    out[i + 3] = read(x3);
  }
  at_ = at;
  states_ = {x0, x1, x2, x3};
  return i;
}

bool symbol_decoder::finished() const {
  return at_ == end_ &&
         std::all_of(states_.begin(), states_.begin() + static_cast<ptrdiff_t>(count_),
                     [](uint32_t x) { return x == least_state; });
}

}  // namespace troupe::storage
