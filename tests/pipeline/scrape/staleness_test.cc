#include "tests/pipeline/scrape/fixture.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::scrape {
namespace {

std::string s(const std::string& name) {
  return name + "{instance=\"i\", job=\"j\"}";
}

TEST(Staleness, AVanishedSeriesGetsOneMarker) {
  one_target t;
  EXPECT_EQ(t.lines("a 1\nb 2\n"), (strings{s("a") + " 1 @10000", s("b") + " 2 @10000"}));
  EXPECT_EQ(t.lines("b 2\n"), (strings{s("a") + " stale @20000", s("b") + " 2 @20000"}));
  EXPECT_EQ(t.lines("b 2\n"), strings{s("b") + " 2 @30000"});
  EXPECT_EQ(t.lines("a 3\nb 2\n"), (strings{s("a") + " 3 @40000", s("b") + " 2 @40000"}));
  EXPECT_EQ(t.lines("a 3\n"), (strings{s("a") + " 3 @50000", s("b") + " stale @50000"}))
      << "the last line is gone";
}

TEST(Staleness, AFailedScrapeMarksEverythingOnce) {
  one_target t;
  t.scrape("a 1\nb 2\n");
  EXPECT_EQ(t.lines("a 1\n7&-\n"), (strings{s("a") + " stale @20000", s("b") + " stale @20000"}))
      << "also what stood in front of the broken line";
  EXPECT_EQ(t.lines("a 1\n7&-\n"), strings{});
  const auto back = t.scrape("a 1\nb 2\n");
  EXPECT_EQ(lines_of(*back.batch), (strings{s("a") + " 1 @40000", s("b") + " 2 @40000"}));
  EXPECT_EQ(back.counts.series_added, 0u) << "they were known all the time";
  http::fetch_result failed;
  failed.error = status(errc::timeout, "timed out");
  EXPECT_EQ(lines_of(*t.take(failed).batch),
            (strings{s("a") + " stale @50000", s("b") + " stale @50000"}));
}

TEST(Staleness, SeriesWithTheirOwnTimeAreExempt) {
  one_target t;
  t.scrape("a 1 500\nb 2\n");
  EXPECT_EQ(t.lines(""), strings{s("b") + " stale @20000"});
  t.scrape("a 1\n");
  EXPECT_EQ(t.lines("a 1 600\n"), (strings{s("a") + " 1 @600", s("a") + " stale @40000"}))
      << "it stopped being a series of the scrape's time";
  EXPECT_EQ(t.lines("x 1\n"), strings{s("x") + " 1 @50000"});
}

TEST(Staleness, UnlessTheJobTracksThem) {
  auto c = make_config();
  c.track_timestamps_staleness = true;
  one_target t(c);
  t.scrape("a 1 500\n");
  EXPECT_EQ(t.lines("a 1 600\n"), strings{s("a") + " 1 @600"});
  EXPECT_EQ(t.lines("x 1\n"), (strings{s("a") + " stale @30000", s("x") + " 1 @30000"}));
}

TEST(Staleness, IgnoredTimestampsCountAsNone) {
  auto c = make_config();
  c.honor_timestamps = false;
  one_target t(c);
  t.scrape("a 1 500\n");
  EXPECT_EQ(t.lines("x 1\n"), (strings{s("a") + " stale @20000", s("x") + " 1 @20000"}));
}

TEST(Staleness, AnotherSpellingIsTheSameSeries) {
  one_target t;
  t.scrape("a{x=\"1\",y=\"2\"} 1\n");
  const auto r = t.scrape("a{y=\"2\",x=\"1\"} 1\n");
  EXPECT_EQ(lines_of(*r.batch).size(), 1u);
  EXPECT_EQ(r.counts.series_added, 1u) << "as Prometheus counts a text it has not seen";
}

TEST(Staleness, TheMarkerIsPrometheusStaleNan) {
  one_target t;
  t.scrape("a NaN\n");
  const auto r = t.scrape("x 1\n");
  size_t stale = 0;
  for (const auto& f : r.batch->floats)
    stale += std::bit_cast<uint64_t>(f.value) == 0x7ff0000000000002ULL;
  EXPECT_EQ(stale, 1u);
}

TEST(Staleness, EndOfTargetMarksSeriesAndAutomaticOnes) {
  one_target t;
  t.scrape("a 1\nb 2\nc 3 500\n");
  t.scrape("a 1\n");
  const auto end = end_of_target({"", false}, t.target, 99'000, bitmap(), t.memory);
  ASSERT_NE(end, nullptr);
  EXPECT_EQ(lines_of(*end, true),
            (strings{s("a") + " stale @99000", s("scrape_duration_seconds") + " stale @99000",
                     s("scrape_samples_post_metric_relabeling") + " stale @99000",
                     s("scrape_samples_scraped") + " stale @99000",
                     s("scrape_series_added") + " stale @99000", s("up") + " stale @99000"}));
  bitmap all;
  for (uint32_t i = 0; i < t.memory.series.size(); ++i)
    all.set(i);
  EXPECT_EQ(end_of_target({"", false}, t.target, 99'000, all, t.memory), nullptr);
}

}  // namespace
}  // namespace troupe::scrape
