#include "storage/base/duration.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(duration, parses_what_prometheus_parses) {
  const std::pair<const char*, int64_t> cases[] = {{"0", 0},
                                                   {"0s", 0},
                                                   {"1ms", 1},
                                                   {"15s", 15'000},
                                                   {"5m", 300'000},
                                                   {"1h30m", 5'400'000},
                                                   {"1d", 86'400'000},
                                                   {"4w", 2'419'200'000},
                                                   {"3y", 94'608'000'000},
                                                   {"1d12h", 129'600'000},
                                                   {"10m30s7ms", 630'007},
                                                   {"90m", 5'400'000}};
  for (const auto& [text, ms] : cases) {
    const auto got = parse_duration(text);
    ASSERT_TRUE(got.ok()) << text;
    EXPECT_EQ(*got, ms) << text;
  }
}

TEST(duration, refuses_the_rest) {
  for (const char* text : {"", "1", "s", "-1s", "1.5h", "1s1m", "1m1m", "1 s", "1S", "01", "00",
                           "1h ", "1mm", "99999999999999999999y", "300000000y"})
    EXPECT_EQ(parse_duration(text).code(), errc::invalid_argument) << text;
}

TEST(duration, formats_the_shortest_form) {
  const std::pair<int64_t, const char*> cases[] = {
      {0, "0s"},          {1, "1ms"},           {1000, "1s"},           {90'000, "1m30s"},
      {86'400'000, "1d"}, {604'800'000, "1w"},  {31'536'000'000, "1y"}, {5'400'000, "1h30m"},
      {-300'000, "-5m"},  {694'800'000, "8d1h"}};
  for (const auto& [ms, text] : cases)
    EXPECT_EQ(format_duration(ms), text);
}

TEST(duration, round_trips) {
  seeded_random random(7);
  for (int i = 0; i < 2000; ++i) {
    const auto ms = static_cast<int64_t>(random.below(1ULL << (1 + random.below(42))));
    const auto back = parse_duration(format_duration(ms));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, ms);
  }
}

}  // namespace
}  // namespace troupe
