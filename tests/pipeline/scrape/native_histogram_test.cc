// Classic histograms of the text formats as native ones with custom buckets.
#include "tests/pipeline/scrape/fixture.h"

#include <gtest/gtest.h>

namespace troupe::scrape {
namespace {

config::scrape_config converting(bool keep = false) {
  auto c = make_config();
  c.convert_classic_histograms_to_nhcb = true;
  c.always_scrape_classic_histograms = keep;
  return c;
}

std::string body(int n, std::string_view more = "") {
  return fmt::format(
      "# TYPE h histogram\n"
      "h_bucket{{x=\"1\",le=\"0.1\"}} {0}\nh_bucket{{x=\"1\",le=\"1\"}} {1}\n"
      "h_bucket{{x=\"1\",le=\"+Inf\"}} {2}\nh_sum{{x=\"1\"}} 7.5\nh_count{{x=\"1\"}} {2}\n"
      "h_bucket{{x=\"2\",le=\"+Inf\"}} 1\nh_sum{{x=\"2\"}} 3\nh_count{{x=\"2\"}} 1\n{3}"
      "# TYPE g gauge\ng 5\n",
      n, n + 1, n + 3, more);
}

strings expected(int n, timestamp_ms ts) {
  return {fmt::format("h{{instance=\"i\", job=\"j\", x=\"1\"}} schema -53 count {} sum 7.5 "
                      "[0:{} 1:1 2:2] @{}",
                      n + 3, n, ts),
          fmt::format("h{{instance=\"i\", job=\"j\", x=\"2\"}} schema -53 count 1 sum 3 [0:1] @{}",
                      ts)};
}

TEST(NativeHistogram, ClassicLinesAreConverted) {
  one_target t(converting());
  for (int round = 1; round <= 3; ++round) {
    const auto r = t.scrape(body(round));
    ASSERT_TRUE(r.error.ok()) << r.error.message();
    EXPECT_EQ(histograms_of(*r.batch), expected(round, round * 10'000));
    EXPECT_EQ(lines_of(*r.batch).size(), 1u);
    EXPECT_EQ(r.counts.scraped, 3u);
    EXPECT_EQ(r.counts.series_added, round == 1 ? 3u : 0u);
    EXPECT_EQ(r.counts.new_lines, round == 1 ? 11u : 0u);
  }
  const auto r = t.scrape("# TYPE g gauge\ng 5\n");
  EXPECT_EQ(lines_of(*r.batch).at(1), "h{instance=\"i\", job=\"j\", x=\"1\"} stale @40000");
}

TEST(NativeHistogram, ClassicLinesMayStayBesideIt) {
  one_target t(converting(true));
  for (int round = 1; round <= 2; ++round) {
    const auto r = t.scrape(body(round));
    EXPECT_EQ(histograms_of(*r.batch), expected(round, round * 10'000));
    EXPECT_EQ(lines_of(*r.batch).size(), 9u);
    EXPECT_EQ(r.counts.scraped, 11u);
  }
}

TEST(NativeHistogram, BucketsComeAndGo) {
  one_target t(converting());
  (void)t.scrape(body(1));
  const std::string third = "h_bucket{x=\"3\",le=\"+Inf\"} 2\nh_count{x=\"3\"} 2\n";
  auto r = t.scrape(body(2, third));
  EXPECT_EQ(histograms_of(*r.batch).size(), 3u);
  EXPECT_EQ(r.counts.series_added, 1u);
  // A bucket more of a histogram that is known.
  r = t.scrape(
      "# TYPE h histogram\nh_bucket{x=\"2\",le=\"1\"} 1\nh_bucket{x=\"2\",le=\"+Inf\"} 1\n"
      "h_sum{x=\"2\"} 3\nh_count{x=\"2\"} 1\n");
  EXPECT_EQ(histograms_of(*r.batch),
            strings{"h{instance=\"i\", job=\"j\", x=\"2\"} schema -53 count 1 sum 3 [0:1] @30000"});
  EXPECT_EQ(r.counts.series_added, 0u);
  r = t.scrape(body(4));
  EXPECT_EQ(histograms_of(*r.batch), expected(4, 40'000));
}

TEST(NativeHistogram, ContradictionsAreLeftOut) {
  one_target t(converting());
  const auto r = t.scrape(
      "# TYPE h histogram\nh_bucket{le=\"1\"} 5\nh_bucket{le=\"+Inf\"} 4\nh_count 4\n"
      "# TYPE other gauge\nother_bucket{le=\"1\"} 5\nh_bucketless 1\n");
  ASSERT_TRUE(r.error.ok());
  EXPECT_TRUE(r.batch->histograms.empty());
  EXPECT_EQ(lines_of(*r.batch).size(), 2u) << "what is not of the histogram stays";
}

TEST(NativeHistogram, AFailedScrapeForgetsItsNewLines) {
  one_target t(converting());
  (void)t.scrape(body(1));
  EXPECT_FALSE(t.scrape(body(2, "h_bucket{x=\"3\",le=\"+Inf\"} 2\nbad line\n")).error.ok());
  const auto r = t.scrape(body(3));
  EXPECT_EQ(histograms_of(*r.batch), expected(3, 30'000));
}

TEST(NativeHistogram, StartTimesAndExemplarsOfOpenMetrics) {
  one_target t(converting());
  for (int round = 1; round <= 2; ++round) {
    const auto r = t.scrape_openmetrics(
        "# TYPE h histogram\n"
        "h_bucket{le=\"1.0\"} 1 # {t=\"a\"} 0.5 7.0\nh_bucket{le=\"+Inf\"} 2 # {t=\"b\"} 2\n"
        "h_sum 3\nh_count 2\nh_created 4\n# EOF\n");
    ASSERT_TRUE(r.error.ok()) << r.error.message();
    ASSERT_EQ(r.batch->histograms.size(), 1u);
    EXPECT_EQ(r.batch->histograms[0].start_ts, 4000);
    ASSERT_EQ(r.batch->exemplars.size(), 1u) << "one without a time is left out";
    EXPECT_EQ(r.batch->exemplars[0].value.ts, 7000);
    EXPECT_EQ(r.batch->exemplars[0].series, r.batch->histograms[0].series);
  }
}

TEST(NativeHistogram, TheSwitchActsAtOnce) {
  EXPECT_FALSE(same_series(converting(), make_config()));
  EXPECT_FALSE(same_series(converting(), converting(true)));
}

}  // namespace
}  // namespace troupe::scrape
