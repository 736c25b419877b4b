// Scripts as commands.
#include "query/promqltest/script.h"

#include <gtest/gtest.h>

namespace troupe::query {
namespace {

script parsed(std::string_view text) {
  auto r = parse_script("x.test", text);
  EXPECT_TRUE(r.ok()) << r.error().message();
  return r.ok() ? std::move(*r) : script{};
}

TEST(Script, LoadClearEval) {
  const auto s = parsed(R"(
# comment
load 5m
  b{x="1"} 0+10x2 _ 5
  a 1

clear

eval instant at 10m sum(a) by (x)
  {x="1"} 20
  # an inner comment ends the block

eval range from 0 to 20m step 5m a
  a 1 _ 3
)");
  ASSERT_EQ(s.commands.size(), 4U);
  EXPECT_EQ(s.commands[0].line, 3U);
  const auto& load = std::get<load_command>(s.commands[0].what);
  ASSERT_EQ(load.series.size(), 2U);
  EXPECT_EQ(load.series[0].series.to_string(), "a");
  ASSERT_EQ(load.series[1].samples.size(), 4U);
  EXPECT_EQ(load.series[1].samples[3].ts, 4 * 300'000);
  EXPECT_EQ(load.series[1].samples[3].value, 5);
  EXPECT_TRUE(std::holds_alternative<clear_command>(s.commands[1].what));
  const auto& instant = std::get<eval_command>(s.commands[2].what);
  EXPECT_EQ(instant.expr, "sum(a) by (x)");
  EXPECT_EQ(instant.at, 600'000);
  ASSERT_EQ(instant.series.size(), 1U);
  EXPECT_EQ(instant.series[0].values[0].value, 20);
  const auto& range = std::get<eval_command>(s.commands[3].what);
  EXPECT_TRUE(range.is_range);
  EXPECT_EQ(range.end, 1'200'000);
  EXPECT_EQ(range.step_ms, 300'000);
  EXPECT_EQ(range.series[0].values.size(), 3U);
}

TEST(Script, Expectations) {
  const auto s = parsed(R"(
eval instant at 0 a
  expect fail msg: something bad

eval instant at 0 a
  expect warn
  expect warn regex: some.*
  expect no_info
  expect ordered

eval instant at 0 "x"
  expect string "a\"b"

eval instant at 1m a[1m]
  expect range vector from 10s to 1m step 10s
  a 1 2 3

eval instant at 0 1 + 1
  2

eval_fail instant at 0 b
  expected_fail_regexp (x|y)

eval_ordered instant at 0 b

eval_warn range from 0 to 1s step 1s b

eval_info instant at 0 b

eval instant at 0 h
  {} {{count:1}}
)");
  const auto eval = [&](size_t i) { return std::get<eval_command>(s.commands[i].what); };
  ASSERT_EQ(s.commands.size(), 10U);
  EXPECT_TRUE(eval(0).fail);
  EXPECT_TRUE(eval(0).fail_match.matches("something bad"));
  EXPECT_FALSE(eval(0).fail_match.matches("something bad, really"));
  ASSERT_EQ(eval(1).warn.size(), 2U);
  EXPECT_TRUE(eval(1).warn[0].matches("anything"));
  EXPECT_TRUE(eval(1).warn[1].matches("what some person"));
  EXPECT_FALSE(eval(1).warn[1].matches("none"));
  EXPECT_TRUE(eval(1).no_info && eval(1).ordered && !eval(1).no_warn);
  EXPECT_EQ(eval(2).text, "a\"b");
  EXPECT_TRUE(eval(3).range_vector);
  EXPECT_EQ(eval(3).at, 60'000);
  EXPECT_EQ(eval(3).start, 10'000);
  EXPECT_EQ(eval(4).scalar, 2);
  EXPECT_TRUE(eval(5).fail_match.matches("a y b"));
  EXPECT_FALSE(eval(5).fail_match.matches("z"));
  EXPECT_TRUE(eval(6).ordered);
  EXPECT_EQ(eval(7).warn.size(), 1U);
  EXPECT_EQ(eval(8).info.size(), 1U);
  EXPECT_TRUE(eval(9).expects_histograms());
}

TEST(Script, StartTimestamps) {
  const auto s = parsed(R"(
load 1m
  a@st _ -30s -1s
  a    1 2    3
  b    1 2
)");
  const auto& load = std::get<load_command>(s.commands[0].what);
  const auto& a = load.series[0].samples;
  EXPECT_EQ(a[0].start_ts, no_start_timestamp);
  EXPECT_EQ(a[1].start_ts, 30'000);
  EXPECT_EQ(a[2].start_ts, 119'000);
  EXPECT_EQ(load.series[1].samples[1].start_ts, no_start_timestamp);
  const auto cycled = parsed("load 1m\n  @st -1s _\n  c 1 2 3\n");
  const auto& c = std::get<load_command>(cycled.commands[0].what).series[0].samples;
  EXPECT_EQ(c[1].start_ts, no_start_timestamp);
  EXPECT_EQ(c[2].start_ts, 119'000);
}

TEST(Script, Histograms) {
  const auto s = parsed(R"(
load 1m
  h{a="b"} {{count:1}} {{count:2}} {{count:1}} 5 {{count:1}} {{count:9 counter_reset_hint:gauge}}
  f 1

load_with_nhcb 1m
  c_bucket{le="1",a="b"} 1 2
  c_bucket{le="+Inf",a="b"} 3 4
  c_sum{a="b"} 2 2
  d 3
)");
  const auto& native = std::get<load_command>(s.commands[0].what);
  EXPECT_EQ(native.series.size(), 1U);
  ASSERT_EQ(native.histogram_series.size(), 1U);
  EXPECT_EQ(native.histogram_series[0].series.to_string(), "h{a=\"b\"}");
  const auto& h = native.histogram_series[0].samples;
  ASSERT_EQ(h.size(), 6U);
  EXPECT_EQ(h[0].histogram->hint, counter_reset_hint::unknown);
  EXPECT_EQ(h[1].histogram->hint, counter_reset_hint::not_reset);
  EXPECT_EQ(h[2].histogram->hint, counter_reset_hint::unknown) << "a reset";
  EXPECT_EQ(h[3].value, 5);
  EXPECT_EQ(h[4].histogram->hint, counter_reset_hint::unknown);
  EXPECT_EQ(h[5].histogram->hint, counter_reset_hint::gauge);
  const auto& made = std::get<load_command>(s.commands[1].what);
  EXPECT_EQ(made.series.size(), 4U);
  ASSERT_EQ(made.histogram_series.size(), 1U);
  EXPECT_EQ(made.histogram_series[0].series.to_string(), "c{a=\"b\"}");
  ASSERT_EQ(made.histogram_series[0].samples.size(), 2U);
  EXPECT_EQ(made.histogram_series[0].samples[1].ts, 60'000);
  EXPECT_EQ(made.histogram_series[0].samples[1].histogram->positive_buckets,
            (std::vector<double>{2, 2}));
}

TEST(Script, ErrorsHaveALine) {
  const std::pair<const char*, const char*> table[] = {
      {"\n\nboo", "x.test:3: invalid command \"boo\""},
      {"load", "x.test:1: empty duration string"},
      {"load x", "x.test:1: not a valid duration string: \"x\""},
      {"load 1m\n a 1\n b oops",
       "x.test:3: bad series value \"oops\": number or \"stale\" expected"},
      {"load 1m\n a@st 1m", "x.test:2: @st line has no following sample line"},
      {"load 1m\n a@st 1m\n b 1",
       "x.test:3: @st metric does not match the following sample line "
       "metric"},
      {"load 1m\n a@st 1m\n a 1 2", "x.test:3: @st line has 1 values but sample line has 2"},
      {"eval now a", "x.test:1: invalid evaluation command: \"instant\" or \"range\" expected"},
      {"eval_x instant at 0 a", "x.test:1: invalid evaluation command \"eval_x\""},
      {"eval instant at 0", "x.test:1: the expression is missing"},
      {"eval range from 0 to 5s a", "x.test:1: \"step\" expected"},
      {"eval range from 5m to 0 step 1m a", "x.test:1: end timestamp is before start timestamp"},
      {"eval instant at 0 a\n  expect happy",
       "x.test:2: invalid expected error/annotation type "
       "\"happy\""},
      {"eval instant at 0 a\n  expect fail\n  expect fail",
       "x.test:3: invalid expect lines, multiple expect fail lines are not allowed"},
      {"eval instant at 0 a\n  expect warn\n  expect no_warn",
       "x.test:3: invalid expect lines, something is both expected and excluded"},
      {"eval instant at 0 a\n  a 1 2",
       "x.test:2: several values for an instant query; see \"expect range vector\""},
      {"eval instant at 0 a\n  a 1\n  a 2", "x.test:3: the series a is expected twice"},
  };
  for (const auto& [text, want] : table) {
    const auto r = parse_script("x.test", text);
    ASSERT_FALSE(r.ok()) << text;
    EXPECT_EQ(r.error().message(), want) << text;
  }
}

}  // namespace
}  // namespace troupe::query
