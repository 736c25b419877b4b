#include "pipeline/parse/protobuf_parser.h"

#include "tests/pipeline/parse/proto_messages.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>

namespace troupe::parse {
namespace {

using namespace proto;

std::string show(const protobuf_parser& p) {
  const auto& m = p.metric();
  labels_builder b;
  std::string out;
  if (const auto s = p.read_labels(p.family().name, {}, b, nullptr); !s.ok())
    return "bad labels: " + std::string(s.message()) + "\n";
  out = b.build().to_string() + fmt::format(" {}", m.value);
  if (m.ts != 0)
    out += fmt::format(" @{}", m.ts);
  if (m.start != 0)
    out += fmt::format(" since {}", m.start);
  if (m.count != 0 || m.sum != 0)
    out += fmt::format(" count {} sum {}", m.count, m.sum);
  for (const auto& [q, v] : m.quantiles)
    out += fmt::format(" {}:{}", q, v);
  for (const auto& bucket : m.buckets)
    out += fmt::format(" <={}:{}", bucket.le, bucket.count);
  if (!m.exemplars.empty())
    out += fmt::format(" {} exemplars", m.exemplars.size());
  return out + (m.is_native ? " native\n" : "\n");
}

std::string dump(const std::string& body) {
  protobuf_parser p(body);
  std::string out;
  while (true) {
    switch (p.next()) {
      case proto_entry::family:
        out += fmt::format("{} [{}] {} {}\n", p.family().name, p.family().help,
                           to_string(p.family().type), p.family().unit);
        break;
      case proto_entry::metric:
        out += show(p);
        break;
      case proto_entry::end:
        return out + "end";
      case proto_entry::error:
        return out + "error: " + p.error();
    }
  }
}

TEST(ProtobufParser, ReadsEveryType) {
  const std::string body =
      family("a_total", "A.", counters,
             {metric({{"x", "1"}}, counter_value,
                     real(1, 5) + text(2, exemplar_of({{"t", "u"}}, 1, 2000)) +
                         text(3, time_of(1500))),
              metric({}, counter_value, real(1, 6), 777)}) +
      family("b", "", gauges, {metric({{"y", ""}}, gauge_value, real(1, -0.5))}) +
      family("c", "", untyped, {metric({}, untyped_value, real(1, 3))}) +
      family("s", "S.", summaries,
             {metric({}, summary_value,
                     number(1, 9) + real(2, 4.5) + text(3, real(1, 0.5) + real(2, 7)) +
                         text(4, time_of(3000)))}) +
      family("h_seconds", "H.", histograms,
             {metric({}, histogram_value,
                     number(1, 3) + real(2, 1.5) + text(3, bucket(0.1, 1)) +
                         text(3, bucket(INFINITY, 3)))},
             "seconds");
  EXPECT_EQ(dump(body),
            "a_total [A.] counter \n"
            "a_total{x=\"1\"} 5 since 1500 1 exemplars\n"
            "a_total 6 @777\n"
            "b [] gauge \n"
            "b -0.5\n"
            "c [] unknown \n"
            "c 3\n"
            "s [S.] summary \n"
            "s 0 since 3000 count 9 sum 4.5 0.5:7\n"
            "h_seconds [H.] histogram seconds\n"
            "h_seconds 0 count 3 sum 1.5 <=0.1:1 <=inf:3\n"
            "end");
}

TEST(ProtobufParser, ReadsNativeHistograms) {
  const std::string body =
      family("h", "", histograms,
             {metric({}, histogram_value,
                     number(1, 12) + real(2, 20) + zigzag(5, 3) + real(6, 0.001) + number(7, 2) +
                         side(9, {{1, 1}}, {4}) + side(12, {{-2, 1}, {3, 2}}, {1, 2, 3}) +
                         text(15, time_of(1234)) + text(16, exemplar_of({}, 1, 1)))}) +
      family("g", "", gauge_histograms,
             {metric({}, histogram_value,
                     real(4, 2.5) + zigzag(5, -1) + real(8, 0.5) +
                         text(12, zigzag(1, 0) + number(2, 1)) + real(14, 2))});
  protobuf_parser p(body);
  ASSERT_EQ(p.next(), proto_entry::family);
  ASSERT_EQ(p.next(), proto_entry::metric);
  const auto& h = p.metric().native;
  EXPECT_TRUE(p.metric().is_native);
  EXPECT_TRUE(h.validate().ok()) << h.validate().message();
  EXPECT_FALSE(h.is_float);
  EXPECT_EQ(h.schema, 3);
  EXPECT_EQ(h.zero_threshold, 0.001);
  EXPECT_EQ(h.zero_count, 2);
  EXPECT_EQ(h.positive_spans, (std::vector<histogram_span>{{-2, 1}, {3, 2}}));
  EXPECT_EQ(h.positive_buckets, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(h.negative_buckets, std::vector<double>{4});
  EXPECT_EQ(p.metric().start, 1234);
  EXPECT_EQ(p.metric().exemplars.size(), 1u);
  ASSERT_EQ(p.next(), proto_entry::family);
  ASSERT_EQ(p.next(), proto_entry::metric);
  EXPECT_TRUE(h.is_float);
  EXPECT_EQ(h.hint, counter_reset_hint::gauge);
  EXPECT_EQ(h.count, 2.5);
  EXPECT_EQ(h.zero_count, 0.5);
  EXPECT_EQ(h.positive_buckets, std::vector<double>{2});
  EXPECT_TRUE(h.negative_spans.empty());
  EXPECT_EQ(p.next(), proto_entry::end);
}

TEST(ProtobufParser, LabelsAnywhereAndEmptyFamilies) {
  const std::string late = text(2, real(1, 1)) + labels_of({{"z", "1"}});
  EXPECT_EQ(dump(family("none", "", gauges, {}) + family("a", "", gauges, {late, late})),
            "a [] gauge \na{z=\"1\"} 1\na{z=\"1\"} 1\nend");
  EXPECT_EQ(dump(""), "end");
}

TEST(ProtobufParser, SaysWhatIsWrong) {
  const auto one = [](const pairs& labels) { return metric(labels, gauge_value, real(1, 1)); };
  EXPECT_EQ(dump(family("", "", gauges, {one({})})), "error: invalid metric name: \"\"");
  EXPECT_EQ(dump(family("\xff", "", gauges, {one({})})), "error: invalid metric name: \"\\xff\"");
  EXPECT_EQ(dump(family("a", "\xff", gauges, {one({})})), "error: invalid help for metric \"a\"");
  EXPECT_EQ(dump(family("a", "", static_cast<type>(6), {one({})})),
            "error: unknown metric type for metric \"a\": 6");
  EXPECT_EQ(dump(family("a", "", gauges, {one({})}, "s")),
            "error: unit \"s\" not a suffix of metric \"a\"");
  EXPECT_EQ(dump(family("a_s_total", "", counters, {one({})}, "s")),
            "a_s_total [] counter s\na_s_total 0\nend");
  EXPECT_EQ(dump(family("a", "", gauges, {one({{"x", "1"}, {"x", "2"}})})),
            "a [] gauge \nbad labels: label name \"x\" is not unique: invalid sample\nend");
  EXPECT_EQ(dump(family("a", "", gauges, {one({{"", "1"}})})),
            "a [] gauge \nbad labels: invalid label name: \"\"\nend");
  EXPECT_EQ(dump(family("a", "", gauges, {one({{"x", "\xff"}})})),
            "a [] gauge \nbad labels: invalid label value: \"\\xff\"\nend");
}

TEST(ProtobufParser, EveryTruncationIsAnErrorOrEndsBetweenFamilies) {
  const std::string body = family("a", "", gauges, {metric({{"x", "1"}}, gauge_value, real(1, 1))});
  for (size_t n = 1; n < body.size(); ++n)
    EXPECT_TRUE(dump(body.substr(0, n)).starts_with("error: proto: ")) << n;
}

TEST(ProtobufParser, TooManyBucketsDoNotHold) {
  std::string deltas(70'000, '\2');
  const auto body =
      family("h", "", histograms,
             {metric({}, histogram_value, text(12, number(2, 70'000)) + text(13, deltas))});
  protobuf_parser p(body);
  ASSERT_EQ(p.next(), proto_entry::family);
  ASSERT_EQ(p.next(), proto_entry::metric);
  EXPECT_LE(p.metric().native.positive_buckets.size(), 65'537u);
  EXPECT_FALSE(p.metric().native.validate().ok());
}

TEST(ProtobufParser, ExemplarsMayHaveATime) {
  exemplar e;
  bool has_time = true;
  ASSERT_TRUE(read_proto_exemplar(exemplar_of({{"b", "2"}, {"a", "1"}}, 0.5, 0), e, has_time));
  EXPECT_FALSE(has_time);
  EXPECT_EQ(e.lset, labels::from({{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(e.value, 0.5);
  ASSERT_TRUE(read_proto_exemplar(exemplar_of({}, 1, 12'345), e, has_time));
  EXPECT_TRUE(has_time);
  EXPECT_EQ(e.ts, 12'345);
  EXPECT_FALSE(read_proto_exemplar("\x0a\x05", e, has_time));
}

}  // namespace
}  // namespace troupe::parse
