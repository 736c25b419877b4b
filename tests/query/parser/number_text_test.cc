// Numbers exactly as Go's strconv writes and reads them.
#include "query/parser/number_text.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace troupe::query {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

TEST(NumberText, FixedAndShortest) {
  struct {
    double value;
    const char* fixed;
    const char* shortest;
  } const table[] = {
      {0, "0", "0"},
      {-0.0, "-0", "-0"},
      {1, "1", "1"},
      {-1.5, "-1.5", "-1.5"},
      {0.1, "0.1", "0.1"},
      {100, "100", "100"},
      {123456789.125, "123456789.125", "123456789.125"},
      {1e20, "100000000000000000000", "100000000000000000000"},
      {1e21, "1000000000000000000000", "1e+21"},
      {1e23, "100000000000000000000000", "1e+23"},
      {1.5e300, nullptr, "1.5e+300"},
      {0.0001, "0.0001", "0.0001"},
      {0.00001, "0.00001", "1e-05"},
      {1.25e-7, "0.000000125", "1.25e-07"},
      {5e-324, nullptr, "5e-324"},
      {inf, "+Inf", "+Inf"},
      {-inf, "-Inf", "-Inf"},
      {std::nan(""), "NaN", "NaN"},
      {0.30000000000000004, "0.30000000000000004", "0.30000000000000004"},
      {9007199254740992.0, "9007199254740992", "9007199254740992"},
  };
  for (const auto& t : table) {
    if (t.fixed != nullptr) {
      EXPECT_EQ(fixed(t.value), t.fixed);
    }
    EXPECT_EQ(shortest(t.value), t.shortest);
  }
  EXPECT_EQ(fixed(1.5e300), "15" + std::string(299, '0'));
}

TEST(NumberText, ReadsBackBitForBit) {
  uint64_t bits = 0x123456789abcdef1ULL;
  for (int i = 0; i < 20'000; ++i) {
    bits ^= bits << 13;
    bits ^= bits >> 7;
    bits ^= bits << 17;
    const auto value = std::bit_cast<double>(bits);
    if (!std::isfinite(value))
      continue;
    const auto from_fixed = parse_number(fixed(value));
    const auto from_shortest = parse_number(shortest(value));
    ASSERT_TRUE(from_fixed.ok() && from_shortest.ok()) << value;
    ASSERT_EQ(std::bit_cast<uint64_t>(*from_shortest), bits);
    ASSERT_EQ(std::bit_cast<uint64_t>(*from_fixed), bits);
  }
}

TEST(NumberText, RefusesWhatIsNone) {
  for (const char* text : {"",     "+",  "-",  ".",   "1x",  "0x",    "0xg",  "_1",   "1_", "1__2",
                           "1._5", "e5", "1e", "--1", "+-1", "0x1.5", "infi", "nano", " 1", "1 "})
    EXPECT_FALSE(parse_number(text).ok()) << text;
  EXPECT_EQ(parse_number("-1e400").error().message(),
            "strconv.ParseFloat: parsing \"-1e400\": value out of range");
}

}  // namespace
}  // namespace troupe::query
