// Answers of the query API: every float and time as it was, errors, limits, and what is no answer.
#include "pipeline/client/api_answer.h"

#include "query/result_json.h"
#include "storage/base/random.h"
#include "storage/model/histogram.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace troupe::client {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

std::string success(std::string_view type, std::string_view result) {
  return R"({"status":"success","data":{"resultType":")" + std::string(type) + R"(","result":)" +
         std::string(result) + "}}";
}
std::string points(std::string_view values) {
  return success("matrix", R"([{"metric":{"a":"b"},"values":[)" + std::string(values) + "]}]");
}
std::string refusal(std::string_view body) {
  const auto r = parse_query_answer(body);
  return r.ok() ? "taken" : r.error().to_string();
}

TEST(ApiAnswer, OfAMatrix) {
  const auto got = parse_query_answer(
      success("matrix", R"([{"metric":{"__name__":"up","job":"a","none":""},)"
                        R"("values":[[1435781430.781,"1"],[1435781445.781,"2.5"]]},)"
                        R"({"metric":{},"values":[]}])"));
  ASSERT_TRUE(got.ok()) << got.error().message();
  EXPECT_FALSE(got->failed);
  EXPECT_FALSE(got->has_histograms);
  ASSERT_EQ(got->series.size(), 2U);
  EXPECT_EQ(got->series[0].metric.to_string(), "up{job=\"a\"}");
  ASSERT_EQ(got->series[0].floats.size(), 2U);
  EXPECT_EQ(got->series[0].floats[0].ts, 1435781430781);
  EXPECT_EQ(got->series[0].floats[0].value, 1);
  EXPECT_EQ(got->series[0].floats[1].ts, 1435781445781);
  EXPECT_EQ(got->series[0].floats[1].value, 2.5);
  EXPECT_TRUE(got->series[1].metric.empty());
}

TEST(ApiAnswer, OfAVectorHasAPointEach) {
  const auto got = parse_query_answer(
      R"({"status":"success","data":{"resultType":"vector","result":[)"
      R"({"metric":{"a":"x"},"value":[1.5,"2"]},{"metric":{"a":"w"},"value":[1.5,"NaN"]}],)"
      R"("stats":{"samples":{"perStep":[[1,2]]}}},"warnings":["w1","w2"],"infos":["i"]})");
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->series.size(), 2U) << "in the server's order";
  EXPECT_EQ(got->series[0].metric.get("a"), "x");
  EXPECT_EQ(got->series[0].floats[0].ts, 1500);
  EXPECT_TRUE(std::isnan(got->series[1].floats.at(0).value));
  EXPECT_EQ(got->warnings, (std::vector<std::string>{"w1", "w2"}));
  EXPECT_EQ(got->infos, std::vector<std::string>{"i"});
}

TEST(ApiAnswer, OfAFailedQuery) {
  const auto got = parse_query_answer(
      R"({"status":"error","errorType":"execution","error":"no \"way\"","warnings":["w"]})");
  ASSERT_TRUE(got.ok());
  EXPECT_TRUE(got->failed);
  EXPECT_EQ(got->error_type, "execution");
  EXPECT_EQ(got->error, "no \"way\"");
  EXPECT_EQ(got->warnings, std::vector<std::string>{"w"});
}

TEST(ApiAnswer, WithHistogramsIsNotConverted) {
  const std::string_view histogram =
      R"([2.5,{"count":"3","sum":"4.5","buckets":[[0,"1","2","3"]]}])";
  for (const std::string& body :
       {success("matrix", R"([{"metric":{"a":"b"},"values":[[1,"2"]],"histograms":[)" +
                              std::string(histogram) + "]}]"),
        success("vector",
                R"([{"metric":{"a":"c"},"value":[2.5,"1"]},{"metric":{"a":"b"},"histogram":)" +
                    std::string(histogram) + "}]")}) {
    const auto got = parse_query_answer(body);
    ASSERT_TRUE(got.ok()) << got.error().message();
    EXPECT_TRUE(got->has_histograms) << body;
    EXPECT_TRUE(got->series.empty()) << body;
  }
}

TEST(ApiAnswer, MatrixOfRawSamplesHasCountAndSumOfHistograms) {
  const auto got = parse_matrix(
      success("matrix", R"([{"metric":{"__name__":"h"},"values":[[1,"2"],[2,"3"]],)"
                        R"("histograms":[[3.0005,{"count":"4","sum":"5.5","buckets":[]}]]}])"));
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->size(), 1U);
  EXPECT_EQ((*got)[0].samples.size(), 2U);
  ASSERT_EQ((*got)[0].histograms.size(), 1U);
  EXPECT_EQ((*got)[0].histograms[0].ts, 3001) << "rounded";
  EXPECT_EQ((*got)[0].histograms[0].value, 4);
  EXPECT_EQ((*got)[0].sums, std::vector<double>{5.5});
  EXPECT_EQ(
      parse_matrix(R"({"status":"error","errorType":"bad_data","error":"why"})").error().message(),
      "why");
  EXPECT_FALSE(parse_matrix(success("vector", "[]")).ok());
  EXPECT_FALSE(parse_matrix(success("scalar", R"([1,"2"])")).ok());
}

TEST(ApiAnswer, TimesAreExact) {
  const std::pair<const char*, timestamp_ms> table[] = {
      {"0", 0},
      {"-0", 0},
      {"0.001", 1},
      {"1.5", 1500},
      {"1.50", 1500},
      {"-1.5", -1500},
      {"-0.050", -50},
      {"1700000000.123", 1700000000123},
      {"9007199254740.993", 9007199254740993},
      {"9223372036854775.807", std::numeric_limits<int64_t>::max()},
      {"-9223372036854775.808", std::numeric_limits<int64_t>::min()},
      {"1.7e9", 1700000000000},
      {"1.2346", 1235},
  };
  for (const auto& [text, want] : table) {
    const auto got = parse_query_answer(points("[" + std::string(text) + ",\"1\"]"));
    ASSERT_TRUE(got.ok()) << text << ": " << got.error().message();
    EXPECT_EQ(got->series.at(0).floats.at(0).ts, want) << text;
  }
  for (const std::string text : {"9223372036854775.808", "-9223372036854775.809", "1e300",
                                 "99999999999999999999", "\"1\"", "true"})
    EXPECT_FALSE(parse_query_answer(points("[" + text + ",\"1\"]")).ok()) << text;
}

// What result_json writes is read as it was, bit by bit.
TEST(ApiAnswer, KeepsTheBitsOfWhatWasWritten) {
  seeded_random random(7);
  query::matrix_value all(3);
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].metric = labels::from({{"n", std::to_string(i)}, {"text", "\"\\\n\x01 \xc3\xb6"}});
    for (const double v : {0.0, -0.0, 0.1, 1e21, 1e-7, inf, -inf, 9007199254740993.0,
                           std::numeric_limits<double>::denorm_min(),
                           std::numeric_limits<double>::max(), normal_nan()})
      all[i].floats.push_back({static_cast<timestamp_ms>(all[i].floats.size()), v});
    for (int k = 0; k < 5000; ++k) {
      const auto v = std::bit_cast<double>(random.next());
      const auto ts = static_cast<timestamp_ms>(random.next());
      all[i].floats.push_back({ts, std::isnan(v) ? normal_nan() : v});
    }
  }
  std::string body = R"({"status":"success","data":)";
  query::append_result_json(body, query::query_value(all));
  const auto got = parse_query_answer(body + "}");
  ASSERT_TRUE(got.ok()) << got.error().message();
  ASSERT_EQ(got->series.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(got->series[i].metric, all[i].metric);
    ASSERT_EQ(got->series[i].floats.size(), all[i].floats.size());
    for (size_t k = 0; k < all[i].floats.size(); ++k) {
      EXPECT_EQ(got->series[i].floats[k].ts, all[i].floats[k].ts);
      EXPECT_EQ(std::bit_cast<uint64_t>(got->series[i].floats[k].value),
                std::bit_cast<uint64_t>(all[i].floats[k].value));
    }
  }
}

TEST(ApiAnswer, HasALimitOfPoints) {
  const std::string body = points("[1,\"1\"],[2,\"1\"],[3,\"1\"]");
  EXPECT_TRUE(parse_query_answer(body, {.max_points = 3}).ok());
  EXPECT_EQ(parse_query_answer(body, {.max_points = 2}).code(), errc::resource_exhausted);
}

TEST(ApiAnswer, RefusesWhatIsNone) {
  for (const std::string& body :
       {std::string(),
        std::string("[]"),
        std::string("{}"),
        std::string("\"success\""),
        std::string("<html>"),
        std::string(R"({"status":"maybe"})"),
        points("[1,\"1\"]") + "}",
        points("[1,\"1\"]").substr(0, 60),
        points("[1]"),
        points("[]"),
        points("[1,2]"),
        points("[1,\"1\",2]"),
        points("[1,\"x\"]"),
        points("[1,\"1e999\"]"),
        points("[1,null]"),
        points("1"),
        points("\"1\""),
        points("{}"),
        points("[[1],\"1\"]"),
        points("[1,{}]"),
        success("matrix", "[1]"),
        success("matrix", "[[]]"),
        success("vector", R"([{"value":[1,"1"]}])"),
        success("vector", R"([{"metric":{"":"a"}}])"),
        success("vector", R"([{"metric":{"a":1}}])"),
        success("vector", R"([{"metric":{"a":{}}}])"),
        success("scalar", R"([1,"1"])"),
        success("string", R"([1,"1"])"),
        success("matrix", "[{\"metric\":{\"a\":\"\xff\"}}]"),
        success("matrix", R"([{"metric":{},"histograms":[[1,"2"]]}])"),
        success("matrix", R"([{"metric":{},"histograms":[[1,{"count":"x"}]]}])"),
        std::string(R"({"status":"success","warnings":[1]})"),
        std::string(100, '[')}) {
    EXPECT_EQ(refusal(body).substr(0, 17), "invalid argument:") << body << "\n" << refusal(body);
  }
}

}  // namespace
}  // namespace troupe::client
