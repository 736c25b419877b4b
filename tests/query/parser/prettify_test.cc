// The pretty form of /api/v1/format_query.
#include "query/parser/parser.h"
#include "query/parser/printer.h"

#include <gtest/gtest.h>

namespace troupe::query {
namespace {

std::string pretty(std::string_view text) {
  const auto r = parse(text, parse_options::everything());
  return r.ok() ? prettify(**r) : std::string(r.error().message());
}

constexpr std::string_view long_a =
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{lllllllllllll=\"vvvvvvvvvvvvvvvv\"}";
constexpr std::string_view long_b =
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb{lllllllllllll=\"vvvvvvvvvvvvvvvv\"}";

std::string fill(std::string text) {
  for (const auto& [mark, with] : {std::pair{"@A", long_a}, std::pair{"@B", long_b}})
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at))
      text.replace(at, 2, with);
  return text;
}

TEST(Prettify, ShortStaysOnOneLine) {
  EXPECT_EQ(pretty("sum(  rate(x[5m]) )by( job )"), "sum by (job) (rate(x[5m]))");
}

TEST(Prettify, LongIsSplit) {
  const std::pair<const char*, const char*> table[] = {
      {"@A+@B", "  @A\n+\n  @B"},
      {"@A == bool on(x) group_left(y) @B", "  @A\n== bool on (x) group_left (y)\n  @B"},
      {"sum by (x) (@A + @B)", "sum by (x) (\n    @A\n  +\n    @B\n)"},
      {"topk(5, @A or @B)", "topk(\n  5,\n    @A\n  or\n    @B\n)"},
      {"label_replace(@A, \"a\", \"b\", \"c\", \"d\")",
       "label_replace(\n  @A,\n  \"a\",\n  \"b\",\n  \"c\",\n  \"d\"\n)"},
      {"(@A - @B) * 2", "  (\n      @A\n    -\n      @B\n  )\n*\n  2"},
      {"-(@A - @B)", "-(\n    @A\n  -\n    @B\n)"},
      {"(@A - @B)[5m:1m] offset 1m", "(\n    @A\n  -\n    @B\n)[5m:1m] offset 1m"},
      {"a + b + (c * d) + @A", "  a + b + (c * d)\n+\n  @A"},
  };
  for (const auto& [text, want] : table) {
    const auto query = fill(text);
    EXPECT_EQ(pretty(query), fill(want)) << text;
    const auto once = parse(query);
    const auto again = parse(pretty(query));
    ASSERT_TRUE(once.ok() && again.ok()) << text;
    EXPECT_EQ(to_string(**again), to_string(**once)) << text;
  }
}

TEST(Prettify, ExactlyHundredColumnsFit) {
  const std::string name(96, 'a');
  EXPECT_EQ(pretty(name + "+b"), name + " + b");
  EXPECT_EQ(pretty(name + "a+b"), "  " + name + "a\n+\n  b");
}

}  // namespace
}  // namespace troupe::query
