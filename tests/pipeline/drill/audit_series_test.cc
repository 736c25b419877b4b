#include "pipeline/drill/audit_series.h"

#include "pipeline/topics/record_reader.h"

#include <gtest/gtest.h>

namespace troupe::drill {
namespace {

constexpr timestamp_ms begin = 1'700'000'000'000;

class AuditSeries : public testing::Test {
 protected:
  /// As a node has samples 1 to `last` of all series.
  std::vector<client::stored_series> all(uint64_t last) {
    std::vector<client::stored_series> out;
    for (uint32_t i = 0; i < series.count(); ++i) {
      auto& s = out.emplace_back();
      s.series = labels::from(
          {{"__name__", "troupe_drill"}, {"drill", "d"}, {"series", std::to_string(i)}});
      for (uint64_t n = 1; n <= last; ++n)
        s.samples.push_back({series.time_of(n), static_cast<double>(n)});
    }
    return out;
  }

  const audit_series series{"d", 3, 200, begin};
};

TEST_F(AuditSeries, SamplesAreDueAtTheirTimes) {
  EXPECT_EQ(series.due(begin - 1), 0u);
  EXPECT_EQ(series.due(begin), 1u);
  EXPECT_EQ(series.due(begin + 199), 1u);
  EXPECT_EQ(series.due(begin + 200), 2u);
  for (const uint64_t n : {1u, 2u, 1000u})
    EXPECT_EQ(series.due(series.time_of(n)), n);
}

TEST_F(AuditSeries, ABodyHasTheSamplesOfAll) {
  topics::record_reader reader({});
  const auto read = reader.read(series.body(4, 6), 0);
  ASSERT_TRUE(read.ok());
  size_t samples = 0;
  for (const auto& b : read->batches)
    for (const auto& f : b->floats) {
      ++samples;
      EXPECT_EQ(f.ts, series.time_of(static_cast<uint64_t>(f.value)));
      EXPECT_LT(series.number_of(b->table->series[f.series]), 3u);
    }
  EXPECT_EQ(samples, 9u);
}

TEST_F(AuditSeries, Selectors) {
  EXPECT_EQ(series.selector(), R"(troupe_drill{drill="d"})");
  EXPECT_EQ(series.selector(2), R"(troupe_drill{drill="d",series="2"})");
  for (const char* other : {"", "3", "x", "1x", "-1", "99999999999999999999"})
    EXPECT_EQ(series.number_of(labels::from({{"series", other}})), 3u) << other;
}

TEST_F(AuditSeries, AllIsThere) {
  const auto found = series.compare(all(10), 10, 10);
  EXPECT_TRUE(found.is_clean());
  EXPECT_EQ(found.expected, 30u);
  EXPECT_TRUE(series.compare({}, 0, 0).is_clean());
}

TEST_F(AuditSeries, WhatWasOnItsWayMayBeThereOrNot) {
  EXPECT_TRUE(series.compare(all(10), 8, 10).is_clean());
  EXPECT_TRUE(series.compare(all(8), 8, 10).is_clean());
  EXPECT_EQ(series.compare(all(11), 8, 10).different, 3u) << "these were never written";
}

TEST_F(AuditSeries, EveryFaultCounts) {
  auto got = all(10);
  got[0].samples.erase(got[0].samples.begin() + 4);
  got[1].samples.pop_back();
  EXPECT_EQ(series.compare(got, 10, 10).missing, 2u);
  got = all(10);
  got[2].samples[3].value = 5;
  EXPECT_EQ(series.compare(got, 10, 10).different, 1u);
  EXPECT_EQ(series.compare(got, 10, 10).missing, 0u);
  got = all(10);
  got[2].samples[3].ts += 1;
  EXPECT_EQ(series.compare(got, 10, 10).different, 1u);
  EXPECT_EQ(series.compare(got, 10, 10).missing, 1u);
  got[2].samples[3].ts = begin - 200;
  EXPECT_EQ(series.compare(got, 10, 10).different, 1u);
  got = all(10);
  got.push_back(got[1]);
  EXPECT_EQ(series.compare(got, 10, 10).doubled, 10u);
  got = all(10);
  got.erase(got.begin());
  EXPECT_EQ(series.compare(got, 10, 10).missing, 10u);
}

}  // namespace
}  // namespace troupe::drill
