// The data object of the Prometheus API, byte for byte.
#include "query/result_json.h"

#include "query/parser/number_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace troupe::query {
namespace {

std::string json(const query_value& v) {
  std::string out;
  append_result_json(out, v);
  return out;
}

std::string value(double v) {
  std::string out;
  append_value_json(out, v);
  return out;
}

std::string time(timestamp_ms ts) {
  std::string out;
  append_timestamp_json(out, ts);
  return out;
}

TEST(ResultJson, Timestamps) {
  EXPECT_EQ(time(0), "0");
  EXPECT_EQ(time(1), "0.001");
  EXPECT_EQ(time(1500), "1.500");
  EXPECT_EQ(time(1435781430781), "1435781430.781");
  EXPECT_EQ(time(1435781430000), "1435781430");
  EXPECT_EQ(time(-1050), "-1.050");
  EXPECT_EQ(time(std::numeric_limits<int64_t>::min()), "-9223372036854775.808");
}

TEST(ResultJson, Values) {
  EXPECT_EQ(value(1), "\"1\"");
  EXPECT_EQ(value(-0.0), "\"-0\"");
  EXPECT_EQ(value(0), "\"0\"");
  EXPECT_EQ(value(-42), "\"-42\"");
  EXPECT_EQ(value(0.1), "\"0.1\"");
  EXPECT_EQ(value(9007199254740993.0), "\"9007199254740992\"");
  EXPECT_EQ(value(1e20), "\"100000000000000000000\"");
  EXPECT_EQ(value(1e21), "\"1e+21\"");
  EXPECT_EQ(value(0.000001), "\"0.000001\"");
  EXPECT_EQ(value(9.5e-7), "\"9.5e-07\"");
  EXPECT_EQ(value(std::numeric_limits<double>::infinity()), "\"+Inf\"");
  EXPECT_EQ(value(-std::numeric_limits<double>::infinity()), "\"-Inf\"");
  EXPECT_EQ(value(stale_nan()), "\"NaN\"");
}

TEST(ResultJson, IntegerPathEqualsTheGeneralOne) {
  for (double v = 1; v < 1e18; v = v * 3 + 1)
    for (const double sign : {1.0, -1.0}) {
      std::string general = "\"";
      append_sample(general, sign * v);
      EXPECT_EQ(value(sign * v), general + "\"");
    }
}

TEST(ResultJson, ScalarAndString) {
  EXPECT_EQ(json(scalar_value{1500, 1e-7}),
            R"({"resultType":"scalar","result":[1.5,"0.0000001"]})");
  EXPECT_EQ(json(scalar_value{1435781430781, 2}),
            R"({"resultType":"scalar","result":[1435781430.781,"2"]})");
  EXPECT_EQ(json(string_value{0, "a\"b"}), R"({"resultType":"string","result":[0,"a\"b"]})");
}

TEST(ResultJson, Vector) {
  const auto up = labels::from({{"__name__", "up"}, {"job", "a\xff"}});
  EXPECT_EQ(json(vector_value{}), R"({"resultType":"vector","result":[]})");
  EXPECT_EQ(json(vector_value{{up, 1500, 1, nullptr}, {labels(), 1500, 0.5, nullptr}}),
            R"({"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\ufffd"},)"
            R"("value":[1.500,"1"]},{"metric":{},"value":[1.500,"0.5"]}]})");
}

TEST(ResultJson, Matrix) {
  const auto a = labels::from({{"a", "b"}});
  EXPECT_EQ(
      json(matrix_value{{a, {{0, 1}, {1000, 2}}, {}}}),
      R"({"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[0,"1"],[1,"2"]]}]})");
  auto h = std::make_shared<histogram>();
  h->count = 3;
  h->sum = 4;
  EXPECT_EQ(json(matrix_value{{a, {{0, 1}}, {{1000, h}}}}),
            R"({"resultType":"matrix","result":[{"metric":{"a":"b"},"values":[[0,"1"]],)"
            R"("histograms":[[1,{"count":"3","sum":"4"}]]}]})");
}

std::string text(const histogram& h) {
  std::string out;
  append_histogram_json(out, h);
  return out;
}

TEST(ResultJson, ExponentialHistogram) {
  histogram h;
  h.schema = 1;
  h.zero_threshold = 0.25;
  h.zero_count = 3;
  h.count = 42;
  h.sum = 34593.34;
  h.positive_spans = {{0, 2}, {1, 1}};
  h.positive_buckets = {12, 0, 6};
  h.negative_spans = {{-1, 2}};
  h.negative_buckets = {1, 2};
  EXPECT_EQ(text(h),
            R"({"count":"42","sum":"34593.34","buckets":[[1,"-1","-0.7071067811865476","2"],)"
            R"([1,"-0.7071067811865476","-0.5","1"],[3,"-0.25","0.25","3"],)"
            R"([0,"0.7071067811865476","1","12"],[0,"2","2.8284271247461903","6"]]})");
  h = {};
  h.schema = -2;
  h.positive_spans = {{1, 1}};
  h.positive_buckets = {5};
  EXPECT_EQ(text(h), R"({"count":"0","sum":"0","buckets":[[0,"1","16","5"]]})");
}

TEST(ResultJson, CustomBuckets) {
  histogram h;
  h.schema = histogram::custom_schema;
  h.custom_bounds = {0.5, 2};
  h.positive_spans = {{0, 3}};
  h.positive_buckets = {1, 2, 3};
  EXPECT_EQ(text(h), R"({"count":"0","sum":"0","buckets":[[3,"-Inf","0.5","1"],)"
                     R"([0,"0.5","2","2"],[0,"2","+Inf","3"]]})");
}

}  // namespace
}  // namespace troupe::query
