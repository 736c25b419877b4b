#include "storage/chunk/rans.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace troupe::storage {
namespace {

using counts_array = std::array<uint32_t, symbol_count>;

counts_array counts_of(std::span<const uint8_t> symbols) {
  counts_array out{};
  for (const uint8_t s : symbols)
    ++out[s];
  return out;
}

// Odds as they come back from what is stored of them.
symbol_odds stored(const symbol_odds& odds) {
  std::string bytes;
  bit_writer out(bytes);
  odds.put(out);
  out.finish();
  bit_source in(bytes, bytes);
  symbol_odds back;
  EXPECT_TRUE(back.read(in));
  EXPECT_TRUE(in.at_end());
  return back;
}

std::vector<uint8_t> random_symbols(random_source& random) {
  std::vector<uint8_t> out(1 + random.below(3000));
  const auto kinds = 1 + random.below(256);
  const auto skew = static_cast<double>(random.below(8));
  for (auto& s : out)
    s = static_cast<uint8_t>(
        255 - std::floor(std::pow(random.unit(), 1 + skew) * static_cast<double>(kinds)));
  return out;
}

TEST(rans, symbols_come_back_in_pieces) {
  seeded_random random(4);
  for (int round = 0; round < 1000; ++round) {
    const auto symbols = random_symbols(random);
    const auto odds = stored(symbol_odds::of(counts_of(symbols)));
    const size_t states = round % 2 ? 1 : 4;
    std::string bytes;
    encode_symbols(symbols, odds, states, bytes);
    const std::vector<char> copy(bytes.begin(), bytes.end());
    symbol_decoder in;
    ASSERT_TRUE(in.open({copy.data(), copy.size()}, odds, states));
    std::vector<uint8_t> out(symbols.size());
    for (size_t at = 0; at < out.size();) {
      const size_t n = std::min<size_t>(out.size() - at, 4 * (1 + random.below(20)));
      ASSERT_TRUE(in.next({out.data() + at, n}));
      at += n;
    }
    ASSERT_EQ(out, symbols);
    EXPECT_TRUE(in.finished());
  }
}

TEST(rans, odds_add_up_and_are_near_the_counts) {
  seeded_random random(5);
  for (int round = 0; round < 2000; ++round) {
    counts_array counts{};
    const auto kinds = 1 + random.below(256);
    for (uint64_t i = 0; i < kinds; ++i)
      counts[random.below(256)] =
          static_cast<uint32_t>(1 + (random.next() >> (50 + random.below(14))));
    const auto odds = symbol_odds::of(counts);
    const auto back = stored(odds);
    uint32_t sum = 0;
    for (size_t s = 0; s < symbol_count; ++s) {
      ASSERT_EQ(odds.odds(s), back.odds(s));
      ASSERT_EQ(odds.odds(s) != 0, counts[s] != 0);
      sum += odds.odds(s);
    }
    ASSERT_EQ(sum, 1u << odds_bits);
  }
  counts_array two{};
  two[3] = 3000;
  two[200] = 1000;
  EXPECT_NEAR(symbol_odds::of(two).odds(3), 1536, 1536 / 16);
}

TEST(rans, size_is_near_the_entropy) {
  seeded_random random(6);
  std::vector<uint8_t> symbols(16'000);
  for (auto& s : symbols)
    s = static_cast<uint8_t>(random.below(8) + random.below(8) + random.below(8));
  const auto counts = counts_of(symbols);
  double bits = 0;
  for (const uint32_t n : counts)
    if (n != 0)
      bits -= n * std::log2(static_cast<double>(n) / 16'000);
  std::string bytes;
  encode_symbols(symbols, symbol_odds::of(counts), 4, bytes);
  EXPECT_LT(8.0 * static_cast<double>(bytes.size()), bits * 1.005 + 128);
}

TEST(rans, cut_and_foreign_bytes_are_refused_or_read_within) {
  seeded_random random(7);
  for (int round = 0; round < 200; ++round) {
    const auto symbols = random_symbols(random);
    const auto odds = symbol_odds::of(counts_of(symbols));
    const size_t states = round % 2 ? 1 : 4;
    std::string bytes;
    encode_symbols(symbols, odds, states, bytes);
    std::vector<char> cut(bytes.begin(),
                          bytes.begin() + static_cast<ptrdiff_t>(random.below(bytes.size())));
    std::vector<uint8_t> out(symbols.size());
    symbol_decoder in;
    EXPECT_FALSE(in.open({cut.data(), cut.size()}, odds, states) && in.next(out) && in.finished());
    std::vector<char> noise(bytes.size());
    for (auto& c : noise)
      c = static_cast<char>(random.next());
    if (in.open({noise.data(), noise.size()}, odds, states) && in.next(out)) {
      for (const uint8_t s : out)
        ASSERT_NE(odds.odds(s), 0u);
    }
  }
}

TEST(rans, odds_that_lie_are_refused) {
  const auto read = [](std::initializer_list<std::pair<uint64_t, unsigned>> fields) {
    std::string bytes;
    bit_writer out(bytes);
    for (const auto& [value, width] : fields)
      out.put(value, width);
    out.finish();
    bit_source in(bytes, bytes);
    return symbol_odds().read(in);
  };
  // One symbol, no gap, level 4: change 4 is zigzag 8, which is gamma 5 and a bit.
  EXPECT_TRUE(read({{1, 1}, {1, 1}, {4, 3}, {1, 2}, {0, 1}}));
  EXPECT_FALSE(read({{1, 1}, {1, 1}, {1, 1}, {0, 1}}));                    // level 0
  EXPECT_FALSE(read({{1, 1}, {256, 9}, {1, 8}, {4, 3}, {1, 2}, {0, 1}}));  // symbol 256
  EXPECT_FALSE(read({{256, 9}, {1, 8}}));                                  // 257 symbols
  EXPECT_FALSE(read({{0, 64}}));
}

}  // namespace
}  // namespace troupe::storage
