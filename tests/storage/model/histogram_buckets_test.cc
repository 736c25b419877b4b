#include "storage/model/histogram_buckets.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using spans = std::vector<histogram_span>;
using counts = std::vector<double>;

histogram with(spans s, counts c) {
  histogram h;
  h.schema = 2;
  h.positive_spans = std::move(s);
  h.positive_buckets = std::move(c);
  return h;
}

TEST(HistogramBuckets, EmptyOnesAreLeftOut) {
  auto h = with({{-3, 4}, {0, 0}, {2, 3}}, {0, 1, 0, 2, 0, 0, 5});
  h.negative_spans = {{1, 0}};
  compact(h);
  EXPECT_EQ(h.positive_spans, (spans{{-2, 1}, {1, 1}, {4, 1}}));
  EXPECT_EQ(h.positive_buckets, (counts{1, 2, 5}));
  EXPECT_TRUE(h.negative_spans.empty());
}

TEST(HistogramBuckets, SmallGapsAreFilled) {
  auto h = with({{0, 2}, {1, 1}, {3, 2}}, {0, 1, 2, 3, 0});
  compact(h, 2);
  EXPECT_EQ(h.positive_spans, (spans{{1, 3}, {3, 1}}));
  EXPECT_EQ(h.positive_buckets, (counts{1, 0, 2, 3}));
}

TEST(HistogramBuckets, AdjacentSpansBecomeOne) {
  auto h = with({{5, 1}, {0, 2}}, {1, 2, 3});
  compact(h);
  EXPECT_EQ(h.positive_spans, (spans{{5, 3}}));
}

TEST(HistogramBuckets, LowerResolutionMergesPairs) {
  // Buckets -1 to 4 of schema 2 lie in 0, 0, 1, 1, 2, 2 of schema 1.
  auto h = with({{-1, 6}}, {1, 2, 4, 8, 16, 32});
  h.negative_spans = {{1, 1}, {4, 1}};
  h.negative_buckets = {1, 2};
  reduce_resolution(h, 1);
  EXPECT_EQ(h.schema, 1);
  EXPECT_EQ(h.positive_spans, (spans{{0, 3}}));
  EXPECT_EQ(h.positive_buckets, (counts{3, 12, 48}));
  EXPECT_EQ(h.negative_spans, (spans{{1, 1}, {1, 1}}));
  EXPECT_EQ(h.negative_buckets, (counts{1, 2}));
  reduce_resolution(h, 5);
  EXPECT_EQ(h.schema, 1);
}

}  // namespace
}  // namespace troupe
