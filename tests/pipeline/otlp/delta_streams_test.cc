// Sums of deltas. Expectations are those of the collector's deltatocumulative processor.
#include "pipeline/otlp/delta_streams.h"

#include "pipeline/otlp/exponential_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::otlp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

data_point point(uint64_t start, uint64_t time) {
  data_point p;
  p.start_ns = start;
  p.time_ns = time;
  return p;
}
data_point number(uint64_t start, uint64_t time, double value) {
  auto p = point(start, time);
  p.value = value;
  return p;
}
data_point integer(uint64_t start, uint64_t time, int64_t value) {
  auto p = point(start, time);
  p.set_integer(value);
  return p;
}
data_point with_buckets(int32_t scale, int32_t offset, std::vector<uint64_t> counts) {
  data_point p;
  p.scale = scale;
  p.positive = {offset, std::move(counts)};
  return p;
}

class DeltaStreams : public ::testing::Test {
 protected:
  std::string_view add(data_point& p, metric_kind kind = metric_kind::sum, uint64_t stream = 1) {
    return streams.add({stream, 0}, kind, p);
  }
  void pass(int64_t seconds) {
    clk.advance_ms(seconds * 1000);
    streams.expire();
  }

  manual_clock clk;
  uint64_t held = 0;
  memory_budget memory{1 << 20, [this] { return held; }, clk};
  gauge count;
  delta_streams streams{clk, &memory, count};
};

TEST_F(DeltaStreams, NumbersAddUp) {
  auto p = number(10, 20, 1.5);
  EXPECT_EQ(add(p), "");
  EXPECT_EQ(p.value, 1.5);
  p = number(20, 30, 2);
  p.attributes = {{"a", "b"}};
  EXPECT_EQ(add(p), "");
  EXPECT_EQ(p.value, 3.5);
  EXPECT_EQ(p.start_ns, 10u);
  EXPECT_EQ(p.time_ns, 30u);
  EXPECT_EQ(p.attributes.size(), 1u);
  p = number(20, 30, 7);
  EXPECT_EQ(add(p, metric_kind::sum, 2), "");
  EXPECT_EQ(p.value, 7);
}

TEST_F(DeltaStreams, IntegersAreExact) {
  auto p = integer(1, 2, int64_t{1} << 53);
  add(p);
  for (uint64_t t = 3; t < 7; ++t) {
    p = integer(1, t, 1);
    add(p);
  }
  EXPECT_EQ(p.integer, (int64_t{1} << 53) + 4);
  EXPECT_EQ(p.value, 9'007'199'254'740'996.0);
  p = integer(1, 7, std::numeric_limits<int64_t>::max());
  EXPECT_EQ(add(p), "");
  p = number(1, 8, 0.5);
  EXPECT_EQ(add(p), "");
  EXPECT_FALSE(p.integer);
}

TEST_F(DeltaStreams, WhatDoesNotFollowIsLeftOut) {
  auto p = number(10, 20, 1);
  add(p);
  for (const uint64_t time : {20, 19}) {
    p = number(10, time, 1);
    EXPECT_EQ(add(p), "a delta is out of order");
  }
  p = number(9, 30, 1);
  EXPECT_EQ(add(p), "a delta begins before its stream");
  p = number(10, 30, 1);
  EXPECT_EQ(add(p), "");
  EXPECT_EQ(p.value, 2);
}

TEST_F(DeltaStreams, HistogramsAddUpWhileBoundsAreEqual) {
  auto h = point(1, 2);
  h.count = 3;
  h.sum = 1.5;
  h.bounds = {1, 2};
  h.bucket_counts = {1, 0, 2};
  auto p = h;
  add(p, metric_kind::histogram);
  p = h;
  p.time_ns = 3;
  EXPECT_EQ(add(p, metric_kind::histogram), "");
  EXPECT_THAT(p.bucket_counts, ElementsAre(2, 0, 4));
  EXPECT_EQ(p.count, 6u);
  EXPECT_EQ(p.sum, 3);
  p = h;
  p.time_ns = 4;
  p.sum.reset();
  add(p, metric_kind::histogram);
  EXPECT_EQ(p.count, 9u);
  EXPECT_FALSE(p.sum);
  p = h;
  p.start_ns = 4;
  p.time_ns = 5;
  p.bounds = {1, 3};
  EXPECT_EQ(add(p, metric_kind::histogram), "");
  EXPECT_EQ(p.count, 3u);
  EXPECT_EQ(p.start_ns, 4u);
}

TEST_F(DeltaStreams, FiveMinutesWithoutADeltaEndAStream) {
  auto p = number(1, 2, 1);
  add(p);
  add(p = number(1, 2, 1), metric_kind::sum, 2);
  EXPECT_EQ(count.value(), 2);
  pass(299);
  add(p = number(1, 3, 1));
  pass(61);
  EXPECT_EQ(count.value(), 1);
  p = number(1, 4, 1);
  add(p);
  EXPECT_EQ(p.value, 3);
  add(p = number(1, 3, 1), metric_kind::sum, 2);
  EXPECT_EQ(p.value, 1);
}

TEST_F(DeltaStreams, WithoutMemoryThereAreNoNewStreams) {
  auto p = number(1, 2, 1);
  add(p);
  EXPECT_GT(memory.used(), sizeof(data_point));
  held = 1 << 20;
  clk.advance_ms(1000);
  p = number(1, 2, 1);
  EXPECT_EQ(add(p, metric_kind::sum, 2),
            "there is no memory for a new stream of deltas (--storage.memory-limit)");
  p = number(1, 3, 1);
  EXPECT_EQ(add(p), "");
  EXPECT_EQ(p.value, 2);
  held = 0;
  clk.advance_ms(1000);
  pass(400);
  EXPECT_EQ(memory.used(), 0u);
}

// --- exponential histograms ---

TEST(ExponentialSum, OfEqualScale) {
  auto p = with_buckets(2, 3, {1, 2, 3});
  p.zero_count = 1;
  auto in = with_buckets(2, 1, {4, 0, 5, 0, 0});
  in.zero_count = 2;
  in.negative = {-3, {0, 7}};
  add_buckets(p, in);
  EXPECT_EQ(p.positive.offset, 1);
  EXPECT_THAT(p.positive.counts, ElementsAre(4, 0, 6, 2, 3));
  EXPECT_EQ(p.negative.offset, -2);
  EXPECT_THAT(p.negative.counts, ElementsAre(7));
  EXPECT_EQ(p.zero_count, 3u);
}

TEST(ExponentialSum, TheCoarserScaleWins) {
  auto p = with_buckets(3, -3, {1, 2, 3, 4});
  add_buckets(p, with_buckets(1, -1, {10, 20}));
  EXPECT_EQ(p.scale, 1);
  EXPECT_EQ(p.positive.offset, -1);
  EXPECT_THAT(p.positive.counts, ElementsAre(16, 24));
  p = with_buckets(1, -1, {10, 20});
  add_buckets(p, with_buckets(3, -3, {1, 2, 3, 4}));
  EXPECT_EQ(p.scale, 1);
  EXPECT_THAT(p.positive.counts, ElementsAre(16, 24));
}

TEST(ExponentialSum, TooManyBucketsMakeItCoarser) {
  auto p = with_buckets(5, 0, std::vector<uint64_t>(160, 1));
  add_buckets(p, with_buckets(5, 160, {1}));
  EXPECT_EQ(p.scale, 4);
  EXPECT_EQ(p.positive.counts.size(), 81u);
  EXPECT_EQ(p.positive.counts[0], 2u);
  EXPECT_EQ(p.positive.counts[80], 1u);
  // Empty buckets take no room.
  p = with_buckets(5, 0, {1});
  auto wide = std::vector<uint64_t>(1000);
  wide[100] = 1;
  add_buckets(p, with_buckets(5, 0, wide));
  EXPECT_EQ(p.scale, 5);
  EXPECT_EQ(p.positive.counts.size(), 101u);
}

TEST(ExponentialSum, TheWiderZeroBucketWins) {
  // Scale 0: bucket i is (2^i, 2^(i+1)].
  auto p = with_buckets(0, -2, {1, 2, 4, 8});
  auto in = with_buckets(0, 1, {16});
  in.zero_threshold = 1;
  in.zero_count = 32;
  add_buckets(p, in);
  EXPECT_EQ(p.zero_threshold, 1);
  EXPECT_EQ(p.zero_count, 32u + 1 + 2);
  EXPECT_EQ(p.positive.offset, 0);
  EXPECT_THAT(p.positive.counts, ElementsAre(4, 24));
  // In the middle of a bucket: all of it.
  p = with_buckets(0, -2, {1, 2, 4, 8});
  in = with_buckets(0, 1, {16});
  in.zero_threshold = 1.5;
  add_buckets(p, in);
  EXPECT_EQ(p.zero_threshold, 2);
  EXPECT_EQ(p.zero_count, 7u);
}

TEST(ExponentialSum, StaysWithinBoundsWhateverComes) {
  const double odd[] = {0,     -1,           1e-320,
                        1e300, std::nan(""), std::numeric_limits<double>::infinity()};
  for (const int32_t scale : {INT32_MIN, -11, 0, 20, INT32_MAX})
    for (const int32_t offset : {INT32_MIN, -1, INT32_MAX - 3})
      for (const double threshold : odd) {
        auto p = with_buckets(3, 5, {1, 2});
        auto in = with_buckets(scale, offset, {1, 0, 3});
        in.zero_threshold = threshold;
        for (int i = 0; i < 2; ++i)
          add_buckets(p, in);
        EXPECT_LE(p.positive.counts.size(), 160u);
        uint64_t all = p.zero_count;
        for (const auto n : p.positive.counts)
          all += n;
        EXPECT_EQ(all, 3u + 2 * 4);
      }
}

// --- as part of a request ---

class CumulativeSink : public ::testing::Test {
 protected:
  void send(const std::vector<attribute>& resource, const metric& m,
            const std::vector<data_point>& points) {
    sink.begin_resource(resource);
    sink.begin_scope({"scope", "1", "", {}});
    sink.begin_metric(m);
    for (const auto& p : points)
      sink.add(p);
    sink.end_resource();
  }
  static metric delta_of(std::string_view name) {
    return {name, "", "s", metric_kind::sum, temporality::delta, true};
  }
  std::vector<double> values() {
    std::vector<double> out;
    for (const auto& p : got.points)
      out.push_back(p.value);
    got.points.clear();
    return out;
  }

  struct collector : metrics_sink {
    void begin_resource(std::span<const attribute>) override {}
    void begin_scope(const scope&) override {}
    void begin_metric(const metric& m) override { last = m; }
    void add(const data_point& p) override { points.push_back(p); }
    void end_resource() override {}
    bool full() const override { return false; }
    metric last;
    std::vector<data_point> points;
  };
  manual_clock clk;
  gauge count;
  delta_streams streams{clk, nullptr, count};
  collector got;
  std::vector<std::string> refused;
  cumulative_sink sink{streams, got, [this](std::string_view why) { refused.emplace_back(why); }};
};

TEST_F(CumulativeSink, StreamsAreToldApartByAllThatNamesThem) {
  auto p = number(1, 2, 1);
  p.attributes = {{"a", "1"}, {"b", "2"}};
  send({{"r", "1"}}, delta_of("m"), {p});
  EXPECT_EQ(got.last.aggregation, temporality::cumulative);
  p.time_ns = 3;
  std::swap(p.attributes[0], p.attributes[1]);
  send({{"r", "1"}}, delta_of("m"), {p});
  EXPECT_THAT(values(), ElementsAre(1, 2));
  p.attributes.pop_back();
  send({{"r", "1"}}, delta_of("m"), {p});
  send({{"r", "2"}}, delta_of("m"), {p});
  send({{"r", "1"}}, delta_of("n"), {p});
  EXPECT_THAT(values(), ElementsAre(1, 1, 1));
  EXPECT_EQ(count.value(), 4);
  EXPECT_THAT(refused, IsEmpty());
}

TEST_F(CumulativeSink, OthersPassAndWhatIsLeftOutIsTold) {
  auto cumulative = delta_of("c");
  cumulative.aggregation = temporality::cumulative;
  send({}, cumulative, {number(1, 2, 5), number(1, 2, 5)});
  EXPECT_THAT(values(), ElementsAre(5, 5));
  auto ended = number(1, 3, 0);
  ended.no_value = true;
  send({}, delta_of("d"), {number(1, 2, 5), number(1, 2, 5), ended, number(1, 4, 1)});
  EXPECT_THAT(values(), ElementsAre(5, 0, 6));
  EXPECT_THAT(refused, ElementsAre("a delta is out of order"));
}

}  // namespace
}  // namespace troupe::otlp
