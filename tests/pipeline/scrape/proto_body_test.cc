#include "tests/pipeline/parse/proto_messages.h"
#include "tests/pipeline/scrape/fixture.h"

#include <gtest/gtest.h>

#include <cmath>

namespace troupe::scrape {
namespace {

using namespace parse::proto;

config::scrape_config native_config() {
  auto c = make_config();
  c.scrape_native_histograms = true;
  return c;
}

std::string simple_body(int n) {
  return family("a_total", "A.", counters,
                {metric({{"x", "1"}}, counter_value, real(1, n)),
                 metric({{"x", "2"}}, counter_value, real(1, n + 1), 777)}) +
         family("s", "S.", summaries,
                {metric({}, summary_value,
                        number(1, n) + real(2, n * 0.5) + text(3, real(1, 0.5) + real(2, n)) +
                            text(3, real(1, 1) + real(2, n + 2)))});
}

std::string histogram_fields(int n, bool with_classic = true) {
  std::string out = number(1, n + 3) + real(2, n * 2.5) + zigzag(5, 2) + real(6, 0.001) +
                    number(7, 1) + side(12, {{0, 1}, {1, 1}, {0, 1}}, {n, 0, 2});
  if (with_classic)
    out += text(3, bucket(1, static_cast<uint64_t>(n))) +
           text(3, bucket(10, static_cast<uint64_t>(n + 2)));
  return out;
}

std::string histogram_body(const std::string& fields, type t = histograms) {
  return family("h", "H.", t, {metric({{"x", "1"}}, histogram_value, fields)});
}

TEST(ProtoBody, CountersAndSummaries) {
  one_target t;
  for (int round = 1; round <= 3; ++round) {
    const auto r = t.scrape_protobuf(simple_body(round));
    ASSERT_TRUE(r.error.ok()) << r.error.message();
    const int now = round * 10'000;
    EXPECT_EQ(
        lines_of(*r.batch),
        (strings{fmt::format("a_total{{instance=\"i\", job=\"j\", x=\"1\"}} {} @{}", round, now),
                 fmt::format("a_total{{instance=\"i\", job=\"j\", x=\"2\"}} {} @777", round + 1),
                 fmt::format("s_count{{instance=\"i\", job=\"j\"}} {} @{}", round, now),
                 fmt::format("s_sum{{instance=\"i\", job=\"j\"}} {} @{}", round * 0.5, now),
                 fmt::format("s{{instance=\"i\", job=\"j\", quantile=\"0.5\"}} {} @{}", round, now),
                 fmt::format("s{{instance=\"i\", job=\"j\", quantile=\"1.0\"}} {} @{}", round + 2,
                             now)}));
    EXPECT_EQ(r.counts.scraped, 6u);
    EXPECT_EQ(r.counts.series_added, round == 1 ? 6u : 0u);
    EXPECT_EQ(r.counts.known_lines, round == 1 ? 0u : 6u);
    EXPECT_EQ(r.batch->metadata.size(), round == 1 ? 2u : 0u);
  }
}

TEST(ProtoBody, ClassicHistogramsAreAsInText) {
  one_target proto, text_format;
  const auto a = proto.scrape_protobuf(histogram_body(histogram_fields(4)));
  const auto b = text_format.scrape(
      "# HELP h H.\n# TYPE h histogram\nh_count{x=\"1\"} 7\nh_sum{x=\"1\"} 10\n"
      "h_bucket{x=\"1\",le=\"1\"} 4\nh_bucket{x=\"1\",le=\"10\"} 6\nh_bucket{x=\"1\",le=\"+Inf\"} "
      "7\n");
  ASSERT_TRUE(a.error.ok());
  EXPECT_EQ(lines_of(*a.batch, true), lines_of(*b.batch, true))
      << "native histograms are not asked for";
  ASSERT_EQ(a.batch->metadata.size(), 1u);
  EXPECT_EQ(a.batch->metadata[0].value, b.batch->metadata[0].value);
}

TEST(ProtoBody, SwitchingFormatsKeepsTheSeries) {
  one_target t;
  (void)t.scrape_protobuf(histogram_body(histogram_fields(4)));
  const auto r = t.scrape("# TYPE h histogram\nh_count{x=\"1\"} 7\nh_sum{x=\"1\"} 10\n");
  EXPECT_EQ(lines_of(*r.batch),
            (strings{"h_bucket{instance=\"i\", job=\"j\", le=\"+Inf\", x=\"1\"} stale @20000",
                     "h_bucket{instance=\"i\", job=\"j\", le=\"1.0\", x=\"1\"} stale @20000",
                     "h_bucket{instance=\"i\", job=\"j\", le=\"10.0\", x=\"1\"} stale @20000",
                     "h_count{instance=\"i\", job=\"j\", x=\"1\"} 7 @20000",
                     "h_sum{instance=\"i\", job=\"j\", x=\"1\"} 10 @20000"}));
  const auto again = t.scrape_protobuf(histogram_body(histogram_fields(4)));
  EXPECT_EQ(again.batch->table->series.size(), r.batch->table->series.size());
}

TEST(ProtoBody, NativeHistograms) {
  one_target t(native_config());
  for (int round = 1; round <= 2; ++round) {
    const auto r = t.scrape_protobuf(histogram_body(histogram_fields(round)));
    ASSERT_TRUE(r.error.ok()) << r.error.message();
    EXPECT_EQ(
        histograms_of(*r.batch),
        strings{fmt::format("h{{instance=\"i\", job=\"j\", x=\"1\"}} schema 2 count {} sum {} "
                            "[0:{} 3:2] @{}",
                            round + 3, round * 2.5, round, round * 10'000)});
    EXPECT_TRUE(lines_of(*r.batch).empty());
    EXPECT_EQ(r.counts.scraped, 1u);
  }
  const auto gone = t.scrape_protobuf(simple_body(1));
  EXPECT_EQ(lines_of(*gone.batch).at(2), "h{instance=\"i\", job=\"j\", x=\"1\"} stale @30000");
}

TEST(ProtoBody, ClassicBesideNative) {
  auto c = native_config();
  c.always_scrape_classic_histograms = true;
  one_target t(c);
  const auto r = t.scrape_protobuf(
      histogram_body(histogram_fields(1)) +
      family("only", "", histograms, {metric({}, histogram_value, histogram_fields(1, false))}));
  EXPECT_EQ(histograms_of(*r.batch).size(), 2u);
  EXPECT_EQ(lines_of(*r.batch),
            (strings{"h_bucket{instance=\"i\", job=\"j\", le=\"+Inf\", x=\"1\"} 4 @10000",
                     "h_bucket{instance=\"i\", job=\"j\", le=\"1.0\", x=\"1\"} 1 @10000",
                     "h_bucket{instance=\"i\", job=\"j\", le=\"10.0\", x=\"1\"} 3 @10000",
                     "h_count{instance=\"i\", job=\"j\", x=\"1\"} 4 @10000",
                     "h_sum{instance=\"i\", job=\"j\", x=\"1\"} 2.5 @10000"}))
      << "one without classic buckets has none";
}

TEST(ProtoBody, ClassicBecomesOneOfCustomBuckets) {
  const std::string classic = number(1, 9) + real(2, 7.5) + text(15, time_of(4000)) +
                              text(3, bucket(0.1, 2)) +
                              text(3, bucket(1, 5, exemplar_of({{"t", "1"}}, 0.5, 5000)));
  auto c = native_config();
  c.convert_classic_histograms_to_nhcb = true;
  one_target t(c);
  const auto r = t.scrape_protobuf(
      histogram_body(classic) +
      family("n", "", histograms, {metric({}, histogram_value, histogram_fields(1))}));
  EXPECT_EQ(histograms_of(*r.batch),
            (strings{"h{instance=\"i\", job=\"j\", x=\"1\"} schema -53 count 9 sum 7.5 "
                     "[0:2 1:3 2:4] @10000",
                     "n{instance=\"i\", job=\"j\"} schema 2 count 4 sum 2.5 [0:1 3:2] @10000"}));
  EXPECT_TRUE(lines_of(*r.batch).empty());
  EXPECT_EQ(r.batch->histograms[0].start_ts, 4000);
  ASSERT_EQ(r.batch->exemplars.size(), 1u);
  EXPECT_EQ(r.batch->exemplars[0].series, r.batch->histograms[0].series);
  c.always_scrape_classic_histograms = true;
  one_target both(c);
  const auto kept = both.scrape_protobuf(histogram_body(classic));
  EXPECT_EQ(histograms_of(*kept.batch).size(), 1u);
  EXPECT_EQ(lines_of(*kept.batch).size(), 5u);
}

TEST(ProtoBody, StartTimesAndZeros) {
  const std::string body =
      family("a_total", "", counters,
             {metric({}, counter_value, real(1, 5) + text(3, time_of(4000)))}) +
      histogram_body(histogram_fields(1) + text(15, time_of(5000)));
  one_target t(native_config());
  auto r = t.scrape_protobuf(body);
  ASSERT_EQ(r.batch->starts.size(), 1u);
  EXPECT_EQ(r.batch->starts[0].start_ts, 4000);
  EXPECT_EQ(r.batch->histograms.at(0).start_ts, 5000);
  one_target zeros(native_config());
  zeros.zero_at_start = true;
  r = zeros.scrape_protobuf(body);
  EXPECT_EQ(lines_of(*r.batch).size(), 2u);
  EXPECT_EQ(histograms_of(*r.batch).at(0),
            "h{instance=\"i\", job=\"j\", x=\"1\"} schema 2 count 0 sum 0 [] @5000");
  EXPECT_EQ(r.batch->histograms.at(0).value->hint, counter_reset_hint::reset);
  r = zeros.scrape_protobuf(body);
  EXPECT_EQ(histograms_of(*r.batch).size(), 1u) << "only once";
}

TEST(ProtoBody, ExemplarsOfHistogramsNeedATime) {
  const std::string with = text(16, exemplar_of({{"t", "2"}}, 1, 2000)) +
                           text(16, exemplar_of({{"t", "1"}}, 1, 1000)) +
                           text(16, exemplar_of({{"t", "0"}}, 1, 0));
  one_target t(native_config());
  const auto r = t.scrape_protobuf(
      histogram_body(histogram_fields(1) + with) +
      family("a_total", "", counters,
             {metric({}, counter_value, real(1, 5) + text(2, exemplar_of({{"t", "c"}}, 3, 0)))}));
  ASSERT_EQ(r.batch->exemplars.size(), 3u);
  EXPECT_EQ(r.batch->exemplars[0].value.ts, 1000);
  EXPECT_EQ(r.batch->exemplars[1].value.ts, 2000);
  EXPECT_EQ(r.batch->exemplars[2].value.ts, 10'000) << "that of its sample";
}

TEST(ProtoBody, LimitsOfBuckets) {
  auto c = native_config();
  c.native_histogram_min_bucket_factor = 2;
  one_target coarse(c);
  auto r = coarse.scrape_protobuf(histogram_body(histogram_fields(1)));
  EXPECT_EQ(histograms_of(*r.batch).at(0),
            "h{instance=\"i\", job=\"j\", x=\"1\"} schema 0 count 4 sum 2.5 [0:1 1:2] @10000");
  c = native_config();
  c.native_histogram_bucket_limit = 1;
  one_target few(c);
  r = few.scrape_protobuf(histogram_body(number(1, 3) + zigzag(5, 2) + side(12, {{1, 2}}, {1, 2})));
  EXPECT_EQ(histograms_of(*r.batch).at(0),
            "h{instance=\"i\", job=\"j\", x=\"1\"} schema 1 count 3 sum 0 [1:3] @10000");
  r = few.scrape_protobuf(
      histogram_body(number(1, 3) + zigzag(5, 0) + side(12, {{-100, 1}, {200, 1}}, {1, 2})));
  EXPECT_EQ(r.error.message(), "histogram bucket limit exceeded");
  EXPECT_TRUE(r.counts.bucket_limit_hit);
  EXPECT_EQ(r.counts.scraped, 1u);
}

TEST(ProtoBody, SampleLimitCountsAHistogramOnce) {
  auto c = native_config();
  c.limits.samples = 1;
  one_target t(c);
  EXPECT_TRUE(t.scrape_protobuf(histogram_body(histogram_fields(1))).error.ok());
  c.scrape_native_histograms = false;
  one_target classic(c);
  EXPECT_EQ(classic.scrape_protobuf(histogram_body(histogram_fields(1))).error.message(),
            "sample limit exceeded");
}

TEST(ProtoBody, WhatDoesNotHoldFailsTheScrape) {
  one_target t(native_config());
  auto r =
      t.scrape_protobuf(histogram_body(number(1, 3) + zigzag(5, 2) + side(12, {{1, 3}}, {1, 2})));
  EXPECT_EQ(r.error.message(),
            "invalid native histogram of metric h: spans need 3 buckets, have 2");
  r = t.scrape_protobuf(simple_body(1).substr(0, 20));
  EXPECT_TRUE(r.error.message().starts_with("proto: ")) << r.error.message();
  EXPECT_EQ(report_of(*r.batch, "up"), 0);
  EXPECT_TRUE(t.scrape_protobuf(simple_body(1)).error.ok());
}

TEST(ProtoBody, LabelsThatStandOnceForManySeriesAreBounded) {
  const pairs wide = {{"w", std::string(1 << 20, 'w')}};
  std::string buckets;
  for (int i = 0; i < 200; ++i)
    buckets += text(3, bucket(i, static_cast<uint64_t>(i)));
  one_target t;
  const auto r =
      t.scrape_protobuf(family("h", "", histograms, {metric(wide, histogram_value, buckets)}));
  EXPECT_EQ(r.error.message(), "the labels of all series take too much memory");
}

TEST(ProtoBody, NewAndMovedMetricsAmongKnownOnes) {
  one_target t;
  const auto gauge_of = [](int i) {
    return metric({{"i", std::to_string(i)}}, gauge_value, real(1, i));
  };
  (void)t.scrape_protobuf(family("g", "", gauges, {gauge_of(1), gauge_of(2), gauge_of(3)}));
  auto r = t.scrape_protobuf(
      family("g", "", gauges, {gauge_of(3), gauge_of(4), gauge_of(2), gauge_of(1)}));
  EXPECT_EQ(r.counts.known_lines, 3u);
  EXPECT_EQ(r.counts.series_added, 1u);
  EXPECT_EQ(lines_of(*r.batch).size(), 4u);
  r = t.scrape_protobuf(family("g", "", gauges, {gauge_of(3), gauge_of(1)}));
  EXPECT_EQ(r.counts.new_lines, 0u);
  EXPECT_EQ(lines_of(*r.batch), (strings{"g{i=\"1\", instance=\"i\", job=\"j\"} 1 @30000",
                                         "g{i=\"2\", instance=\"i\", job=\"j\"} stale @30000",
                                         "g{i=\"3\", instance=\"i\", job=\"j\"} 3 @30000",
                                         "g{i=\"4\", instance=\"i\", job=\"j\"} stale @30000"}));
}

}  // namespace
}  // namespace troupe::scrape
