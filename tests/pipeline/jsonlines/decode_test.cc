#include "pipeline/jsonlines/decode.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace troupe::jsonlines {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JsonLinesDecode : public ::testing::Test {
 protected:
  std::vector<std::string> samples(std::string_view lines) {
    of.lines = lines;
    auto got = decode(of, known);
    EXPECT_TRUE(got.ok()) << got.error().message();
    result = got.ok() ? std::move(*got) : remote::decoded_write();
    std::vector<std::string> out;
    for (const auto& b : result.batches)
      for (const auto& f : b->floats)
        out.push_back(fmt::format("{} {}@{}", b->table->series.at(f.series).to_string(),
                                  is_stale(f.value) ? "stale" : fmt::format("{}", f.value), f.ts));
    std::sort(out.begin(), out.end());
    return out;
  }
  std::string refusal(std::string_view line) {
    EXPECT_THAT(samples(line), IsEmpty()) << line;
    EXPECT_EQ(result.refused_series.count, 1u) << line;
    return result.refused_series.why;
  }

  manual_clock clk;
  remote::series_cache known{{}, clk};
  request of;
  remote::decoded_write result;
};

TEST_F(JsonLinesDecode, ASeriesALine) {
  EXPECT_THAT(
      samples(R"({"metric":{"__name__":"m","a":"b"},"values":[1,2.5],"timestamps":[10,20]})"
              "\r\n\n"
              R"( {"timestamps":[30],"other":[{}],"values":[-1e3],"metric":{"__name__":"n"}} )"),
      ElementsAre("m{a=\"b\"} 1@10", "m{a=\"b\"} 2.5@20", "n -1000@30"));
  EXPECT_THAT(samples(""), IsEmpty());
}

TEST_F(JsonLinesDecode, SpecialValues) {
  EXPECT_THAT(samples(R"({"metric":{"__name__":"m"},)"
                      R"("values":[null,"NaN","Infinity","-Inf",0.1],"timestamps":[1,2,3,4,5]})"),
              ElementsAre("m -inf@4", "m 0.1@5", "m inf@3", "m nan@2", "m stale@1"));
}

TEST_F(JsonLinesDecode, ExtraLabelsWin) {
  of.extra_labels = {{"a", "x"}, {"c", "d"}};
  EXPECT_THAT(samples(R"({"metric":{"__name__":"m","a":"b"},"values":[1],"timestamps":[1]})"),
              ElementsAre("m{a=\"x\", c=\"d\"} 1@1"));
}

TEST_F(JsonLinesDecode, ALineThatIsNotValidIsRefusedAlone) {
  EXPECT_THAT(samples("x\n"
                      R"({"metric":{"__name__":"m"},"values":[1],"timestamps":[1]})"),
              ElementsAre("m 1@1"));
  EXPECT_EQ(result.refused_series.why, "line 1: malformed JSON at byte 0: expected an object");
  const std::pair<const char*, const char*> cases[] = {
      {R"({"values":[1],"timestamps":[1]})", "line 1: missing `metric` object"},
      {R"({"metric":{},"values":[1],"timestamps":[1]})", "line 1: missing `metric` object"},
      {R"({"metric":{"a":"b"},"values":[1],"timestamps":[1]})", "series without a metric name"},
      {R"({"metric":{"__name__":"m"},"values":[1,2],"timestamps":[1]})",
       "line 1: `timestamps` array size must match `values` array size; got 1; want 2"},
      {R"({"metric":{"__name__":"m"},"values":[],"timestamps":[]})",
       "line 1: `timestamps` array size must match `values` array size; got 0; want 0"},
      {R"({"metric":{"__name__":"m"},"values":["1"],"timestamps":[1]})",
       "line 1: malformed JSON at byte 40: a value that is no number"},
      {R"({"metric":{"__name__":"m"},"values":[1e999],"timestamps":[1]})",
       "line 1: malformed JSON at byte 42: a value beyond the largest number"},
      {R"({"metric":{"__name__":"m"},"values":[1],"timestamps":[1.5]})",
       "line 1: malformed JSON at byte 57: a timestamp that is no integer"},
      {R"({"metric":{"__name__":"m","a":1},"values":[1],"timestamps":[1]})",
       "line 1: malformed JSON at byte 30: expected a string"},
      {R"({"metric":{"__name__":"m","a":"1","a":"2"},"values":[1],"timestamps":[1]})",
       "duplicate label name \"a\""},
      {R"({"metric":{"__name__":"m"},"values":[1],"timestamps":[1]} x)",
       "line 1: malformed JSON at byte 58: text behind the value"},
  };
  for (const auto& [line, why] : cases)
    EXPECT_EQ(refusal(line), why) << line;
}

}  // namespace
}  // namespace troupe::jsonlines
