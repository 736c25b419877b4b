// Native histograms in scripts.
#include "query/promqltest/histogram_notation.h"

#include "query/promqltest/series_notation.h"

#include <gtest/gtest.h>

#include <limits>

namespace troupe::query {
namespace {

histogram parsed(std::string_view text) {
  const auto r = parse_histogram(text);
  EXPECT_TRUE(r.ok()) << r.error().message();
  return r.ok() ? r->value : histogram{};
}

TEST(HistogramNotation, AllFields) {
  const auto r = parse_histogram(
      "{{schema:1 sum:-0.3 count:3.1 z_bucket:7.1 z_bucket_w:0.05 buckets:[5.1 10 7] offset:-3 "
      "n_buckets:[4.1 5] n_offset:-5 counter_reset_hint:gauge}}x3");
  ASSERT_TRUE(r.ok()) << r.error().message();
  EXPECT_TRUE(r->hint_set);
  EXPECT_EQ(r->consumed, 144U);
  const auto& h = r->value;
  EXPECT_TRUE(h.is_float);
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.sum, -0.3);
  EXPECT_EQ(h.count, 3.1);
  EXPECT_EQ(h.zero_count, 7.1);
  EXPECT_EQ(h.zero_threshold, 0.05);
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{5.1, 10, 7}));
  EXPECT_EQ(h.positive_spans, (std::vector<histogram_span>{{-3, 3}}));
  EXPECT_EQ(h.negative_buckets, (std::vector<double>{4.1, 5}));
  EXPECT_EQ(h.negative_spans, (std::vector<histogram_span>{{-5, 2}}));
  EXPECT_EQ(h.hint, counter_reset_hint::gauge);
}

TEST(HistogramNotation, EmptyAndCustom) {
  EXPECT_EQ(parsed("{{}}").count, 0);
  EXPECT_EQ(parsed("{{ }}").positive_spans.size(), 0U);
  const auto h = parsed("{{ schema:-53 custom_values:[-1 .5 Inf] buckets:[1 2 ] sum:NaN }}");
  EXPECT_EQ(h.schema, histogram::custom_schema);
  EXPECT_EQ(h.custom_bounds,
            (std::vector<double>{-1, 0.5, std::numeric_limits<double>::infinity()}));
}

TEST(HistogramNotation, Refuses) {
  for (const char* text :
       {"", "{", "{{", "{{sum:1", "{{sum:1}", "{{sum}}", "{{sum:x}}", "{{sum:1 sum:2}}",
        "{{what:1}}", "{{schema:1.5}}", "{{schema:1e9}}", "{{buckets:1}}", "{{buckets:[1 x]}}",
        "{{buckets:[1}}", "{{counter_reset_hint:maybe}}", "{{sum:1count:2}}", "{{sum:1,count:2}}"})
    EXPECT_FALSE(parse_histogram(text).ok()) << text;
}

TEST(HistogramNotation, AlmostEqualLeavesOutEmptyBuckets) {
  const auto a = parsed("{{count:3 sum:2 buckets:[1 0 2]}}");
  auto b = parsed("{{count:3 sum:2.0000001 offset:-1 buckets:[0 1 0 2 0]}}");
  EXPECT_TRUE(almost_equal(a, b, false));
  b.hint = counter_reset_hint::reset;
  EXPECT_TRUE(almost_equal(a, b, false));
  EXPECT_FALSE(almost_equal(a, b, true));
  EXPECT_FALSE(almost_equal(a, parsed("{{count:3 sum:2 buckets:[1 2]}}"), false));
  EXPECT_FALSE(almost_equal(a, parsed("{{count:3 sum:2 buckets:[1 0 2] schema:1}}"), false));
  EXPECT_FALSE(almost_equal(a, parsed("{{count:3 sum:2 buckets:[1 0 2] z_bucket:1}}"), false));
}

TEST(HistogramNotation, Sequences) {
  const auto r = parse_series_line(
      "h {{count:1 sum:2}}+{{count:1 sum:3}}x2 5 {{count:9}}x1 _ {{count:4}}-{{count:1}}x1");
  ASSERT_TRUE(r.ok()) << r.error().message();
  ASSERT_EQ(r->values.size(), 9U);
  EXPECT_EQ(r->values[2].histogram->count, 3);
  EXPECT_EQ(r->values[2].histogram->sum, 8);
  EXPECT_EQ(r->values[3].value, 5);
  EXPECT_EQ(r->values[5].histogram->count, 9);
  EXPECT_TRUE(r->values[6].gap);
  EXPECT_EQ(r->values[8].histogram->count, 3);
  for (const char* line :
       {"h {{count:1}}+{{count:1}}", "h {{count:1}}y", "h {{count:1}}{{count:1}}",
        "h {{schema:1 buckets:[1]}}+{{schema:0 buckets:[1]}}x2", "h {{schema:-53}}+{{schema:0}}x2",
        "h{{count:1}}"})
    EXPECT_FALSE(parse_series_line(line).ok()) << line;
}

TEST(HistogramNotation, CustomBucketsFromClassicOnes) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto h = with_custom_buckets({{{inf, 6}, {1, 2}, {5, 2}}, true, 6, 11});
  ASSERT_TRUE(h.ok());
  EXPECT_EQ(h->custom_bounds, (std::vector<double>{1, 5}));
  EXPECT_EQ(h->positive_buckets, (std::vector<double>{2, 0, 4}));
  EXPECT_EQ(h->count, 6);
  EXPECT_EQ(h->sum, 11);
  // Without the bucket of +Inf, without a count.
  EXPECT_EQ(with_custom_buckets({{{1, 2}}, true, 3, 0})->positive_buckets,
            (std::vector<double>{2, 1}));
  EXPECT_EQ(with_custom_buckets({{{1, 2}}, false, 0, 0})->count, 2);
  EXPECT_FALSE(with_custom_buckets({{{1, 2}, {2, 1}, {inf, 3}}, true, 3, 0}).ok());
  EXPECT_FALSE(with_custom_buckets({{{1, 2}, {inf, 3}}, true, 4, 0}).ok());
}

}  // namespace
}  // namespace troupe::query
