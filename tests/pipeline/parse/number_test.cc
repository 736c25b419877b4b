#include "pipeline/parse/number.h"

#include "storage/base/random.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

namespace troupe::parse {
namespace {

TEST(Number, AcceptsWhatGoAccepts) {
  const std::vector<std::pair<std::string, double>> good = {
      {"0", 0},
      {"-0", -0.0},
      {"1", 1},
      {"+1", 1},
      {"-1.5", -1.5},
      {".5", 0.5},
      {"5.", 5},
      {"1e3", 1000},
      {"1E+3", 1000},
      {"1e-3", 0.001},
      {"Inf", HUGE_VAL},
      {"+inf", HUGE_VAL},
      {"-INF", -HUGE_VAL},
      {"infinity", HUGE_VAL},
      {"-Infinity", -HUGE_VAL},
      {"1e-400", 0},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"5e-324", 5e-324},
      {"00012", 12},
      {"12345678901234567890123", 12345678901234567890123.0}};
  for (const auto& [text, want] : good) {
    double got = 99;
    EXPECT_EQ(parse_float(text, got), number_error::none) << text;
    EXPECT_EQ(std::bit_cast<uint64_t>(got), std::bit_cast<uint64_t>(want)) << text;
    double scanned = 99;
    const std::string with_tail = text + " 1";
    EXPECT_EQ(scan_float(with_tail.data(), with_tail.data() + with_tail.size(), scanned),
              with_tail.data() + text.size())
        << text;
    EXPECT_EQ(std::bit_cast<uint64_t>(scanned), std::bit_cast<uint64_t>(want)) << text;
  }
}

TEST(Number, NanIsCanonical) {
  for (const std::string text : {"NaN", "nan", "NAN"}) {
    double got = 0;
    ASSERT_EQ(parse_float(text, got), number_error::none);
    EXPECT_EQ(std::bit_cast<uint64_t>(got), normal_nan_bits);
  }
}

TEST(Number, RefusesTheRest) {
  for (const std::string text :
       {"",     "-",      "+",     ".",   "e5",  "1e",  "1e+", "0x10",  "0x1p4", "1_000", "+nan",
        "-nan", "nan(1)", "infin", "1,5", "--1", "+-1", "-+1", "1.2.3", "1e5e5", "abc",   "1a"}) {
    double got = 0;
    EXPECT_EQ(parse_float(text, got), number_error::syntax) << text;
    EXPECT_EQ(scan_float(text.data(), text.data() + text.size(), got), nullptr) << text;
  }
  double got = 0;
  EXPECT_EQ(parse_float("1e309", got), number_error::range);
  EXPECT_EQ(parse_float("-1e999999", got), number_error::range);
}

TEST(Number, FastPathIsBitExact) {
  seeded_random random(7);
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random.below(2) ? "-" : "";
    for (uint64_t n = 1 + random.below(20); n > 0; --n)
      text += static_cast<char>('0' + random.below(10));
    if (random.below(2)) {
      text += '.';
      for (uint64_t n = 1 + random.below(12); n > 0; --n)
        text += static_cast<char>('0' + random.below(10));
    }
    if (random.below(3) == 0)
      text += "e" + std::to_string(static_cast<int>(random.below(60)) - 30);
    double got = 0;
    ASSERT_NE(scan_float(text.data(), text.data() + text.size(), got), nullptr) << text;
    ASSERT_EQ(std::bit_cast<uint64_t>(got),
              std::bit_cast<uint64_t>(std::strtod(text.c_str(), nullptr)))
        << text;
  }
}

TEST(Number, NormalizesLabelValues) {
  const std::vector<std::pair<std::string, std::string>> cases = {{"0", "0.0"},
                                                                  {"-0", "0.0"},
                                                                  {"1", "1.0"},
                                                                  {"-1", "-1.0"},
                                                                  {"1.0", "1.0"},
                                                                  {"0.5", "0.5"},
                                                                  {".5", "0.5"},
                                                                  {"1e3", "1000.0"},
                                                                  {"999999", "999999.0"},
                                                                  {"1000000", "1e+06"},
                                                                  {"1234567.5", "1.2345675e+06"},
                                                                  {"0.0001", "0.0001"},
                                                                  {"0.00001", "1e-05"},
                                                                  {"+Inf", "+Inf"},
                                                                  {"inf", "+Inf"},
                                                                  {"-Inf", "-Inf"},
                                                                  {"NaN", "NaN"},
                                                                  {"abc", "abc"},
                                                                  {"", ""},
                                                                  {"1e-7", "1e-07"},
                                                                  {"1e100", "1e+100"},
                                                                  {"100", "100.0"},
                                                                  {"0.25", "0.25"}};
  for (const auto& [in, want] : cases)
    EXPECT_EQ(normalize_float_label(in), want) << in;
}

}  // namespace
}  // namespace troupe::parse
