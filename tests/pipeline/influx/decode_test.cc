#include "pipeline/influx/decode.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace troupe::influx {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class InfluxDecode : public ::testing::Test {
 protected:
  std::vector<std::string> samples(std::string_view lines) {
    of.lines = lines;
    auto got = decode(of, rules, known);
    EXPECT_TRUE(got.ok()) << got.error().message();
    result = got.ok() ? std::move(*got) : remote::decoded_write();
    std::vector<std::string> out;
    for (const auto& b : result.batches)
      for (const auto& f : b->floats)
        out.push_back(
            fmt::format("{} {}@{}", b->table->series.at(f.series).to_string(), f.value, f.ts));
    std::sort(out.begin(), out.end());
    return out;
  }
  timestamp_ms time_of(std::string_view precision, const std::string& time) {
    of.precision = precision;
    const auto text = samples("m f=1 " + time).at(0);
    return std::stoll(text.substr(text.find('@') + 1));
  }

  manual_clock clk;
  remote::series_cache known{{}, clk};
  settings rules;
  request of{.lines = "", .db = "", .precision = "", .extra_labels = {}, .now = 1'700'000'123'456};
  remote::decoded_write result;
};

TEST_F(InfluxDecode, EachFieldIsASeries) {
  EXPECT_THAT(
      samples("cpu,host=a usage=1.5,idle=2 1700000000000000000\n"
              "# comment\n\n"
              "mem,host=a free=3i 1700000001000000000\r\n"),
      ElementsAre("cpu_idle{host=\"a\"} 2@1700000000000", "cpu_usage{host=\"a\"} 1.5@1700000000000",
                  "mem_free{host=\"a\"} 3@1700000001000"));
}

TEST_F(InfluxDecode, NamesByTheRules) {
  rules.separator = ".";
  EXPECT_THAT(samples("cpu a=1 1"), ElementsAre("{\"cpu.a\"} 1@1000"));
  rules.skip_single_field = true;
  EXPECT_THAT(
      samples("cpu a=1 1\nmem a=1,b=2 1\n,t=v c=3 1"),
      ElementsAre("cpu 1@1000", "c{t=\"v\"} 3@1000", "{\"mem.a\"} 1@1000", "{\"mem.b\"} 2@1000"));
  rules = {};
  rules.skip_measurement = true;
  EXPECT_THAT(samples("cpu a=1 1"), ElementsAre("a 1@1000"));
}

TEST_F(InfluxDecode, LabelsOfTheRequest) {
  of.db = "telegraf";
  of.extra_labels = {{"dc", "eu"}, {"host", "forced"}};
  EXPECT_THAT(samples("cpu,host=a a=1 1\ncpu,db=own a=2 1"),
              ElementsAre("cpu_a{db=\"own\", dc=\"eu\", host=\"forced\"} 2@1000",
                          "cpu_a{db=\"telegraf\", dc=\"eu\", host=\"forced\"} 1@1000"));
  rules.db_label = "database";
  of.extra_labels.clear();
  EXPECT_THAT(samples("cpu a=1 1"), ElementsAre("cpu_a{database=\"telegraf\"} 1@1000"));
}

TEST_F(InfluxDecode, TimesByPrecision) {
  EXPECT_EQ(time_of("ns", "1700000000123456789"), 1700000000123);
  EXPECT_EQ(time_of("n", "1700000000123456789"), 1700000000123);
  EXPECT_EQ(time_of("us", "1700000000123456"), 1700000000123);
  EXPECT_EQ(time_of("\u00b5", "1700000000123456"), 1700000000123);
  EXPECT_EQ(time_of("ms", "1700000000123"), 1700000000123);
  EXPECT_EQ(time_of("s", "1700000000"), 1700000000000);
  EXPECT_EQ(time_of("m", "28333333"), 1699999980000);
  EXPECT_EQ(time_of("h", "472222"), 1699999200000);
  // Without one the size tells.
  EXPECT_EQ(time_of("", "1700000000123456789"), 1700000000123);
  EXPECT_EQ(time_of("", "1700000000123456"), 1700000000123);
  EXPECT_EQ(time_of("", "1700000000123"), 1700000000123);
  EXPECT_EQ(time_of("", "1700000000"), 1700000000000);
  // Without a time it is now, as coarse as the precision.
  EXPECT_EQ(time_of("", ""), 1'700'000'123'456);
  EXPECT_EQ(time_of("s", "0"), 1'700'000'123'000);
  EXPECT_EQ(time_of("m", ""), 1'700'000'100'000);
  EXPECT_EQ(time_of("h", "9223372036854775807"), max_time);
  EXPECT_EQ(time_of("h", "-9223372036854775807"), min_time);
  of.precision = "d";
  const auto got = decode(of, rules, known);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().message(),
            "unknown precision \"d\", supported: n, ns, u, us, \u00b5, ms, s, m, h");
}

TEST_F(InfluxDecode, ALineThatIsNotValidIsRefusedAlone) {
  EXPECT_THAT(samples("a b=1 1\nbad\n\na c=2 1\nworse x\nm,t=1,t=2 f=1 1"),
              ElementsAre("a_b 1@1000", "a_c 2@1000"));
  EXPECT_EQ(result.refused_series.count, 3u);
  EXPECT_EQ(result.refused_series.why, "line 2: no fields in \"bad\"");
  EXPECT_THAT(samples(""), IsEmpty());
}

TEST_F(InfluxDecode, TagsAreNotRepeatedForEver) {
  std::string line = "m,t=" + std::string(50'000, 'x') + " ";
  for (int i = 0; i < 20'000; ++i)
    line += fmt::format("{}f{}=1", i == 0 ? "" : ",", i);
  of.lines = line;
  const auto got = decode(of, rules, known);
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), errc::out_of_bounds);
}

}  // namespace
}  // namespace troupe::influx
