// Canonical text: what it looks like, and that it parses to the same text again.
#include "query/parser/parser.h"
#include "query/parser/printer.h"

#include <gtest/gtest.h>

namespace troupe::query {
namespace {

std::string printed(std::string_view text) {
  const auto r = parse(text, parse_options::everything());
  return r.ok() ? to_string(**r) : std::string(r.error().message());
}

TEST(Print, Canonical) {
  const std::pair<const char*, const char*> table[] = {
      {"sum(x)by(a,b)", "sum by (a, b) (x)"},
      {"sum(x)by()", "sum(x)"},
      {"sum without()(x)", "sum without () (x)"},
      {"sum by(\"a.b\",c)(x)", "sum by (\"a.b\", c) (x)"},
      {"topk(3,x)", "topk(3, x)"},
      {"count_values('l',x)", "count_values(\"l\", x)"},
      {"a{b='c',a!=\"d\"}", "a{a!=\"d\",b=\"c\"}"},
      {"a{}", "a"},
      {"{__name__='a',b='c'}", "{__name__=\"a\",b=\"c\"}"},
      {"{\"a.b\",\"l.x\"='v'}", "{\"l.x\"=\"v\",__name__=\"a.b\"}"},
      {"a and on()b", "a and on () b"},
      {"a+ignoring()b", "a + b"},
      {"a/on(x)group_left(y)b", "a / on (x) group_left (y) b"},
      {"a/ignoring(x)group_right b", "a / ignoring (x) group_right () b"},
      {"a>=bool 1", "a >= bool 1"},
      {"a+fill(0)b", "a + fill (0) b"},
      {"a+fill_left(1.5)fill_right(NaN)b", "a + fill_left (1.5) fill_right (NaN) b"},
      {"a+fill_left(1)fill_right(1)b", "a + fill (1) b"},
      {"sum by(a:b)(x)", "sum by (\"a:b\") (x)"},
      {"a offset --5m", "a offset 5m"},
      {"a offset --step()", "a offset --step()"},
      {"a[300]", "a[5m]"},
      {"a[1h30m]offset -90s", "a[1h30m] offset -1m30s"},
      {"a offset 5m@1.5", "a @ 1.500 offset 5m"},
      {"a @ -0.05", "a @ -0.050"},
      {"a[5m]@start()offset 1s", "a[5m] @ start() offset 1s"},
      {"a[5m]anchored", "a[5m] anchored"},
      {"a smoothed@end()", "a @ end() smoothed"},
      {"a[5m:]", "a[5m:]"},
      {"a[1h:30]@3 offset 1d", "a[1h:30s] @ 3.000 offset 1d"},
      {"a[5m+1m*2]", "a[5m + 1m * 2]"},
      {"a[(5m)]", "a[(5m)]"},
      {"a[-(1-3)]", "a[-(1 - 3)]"},
      {"a[STEP()*2:max_of(range(),1m)]offset -min_of(step(),1s)",
       "a[step() * 2:max_of(range(), 1m)] offset -min_of(step(), 1s)"},
      {"1h30m+0x10", "1h30m + 16"},
      {"-5m", "-5m"},
      {"1e21+1e-7", "1000000000000000000000 + 0.0000001"},
      {"Inf+-inf+nan", "+Inf + -Inf + NaN"},
      {"-(a)", "-(a)"},
      {"+a", "+a"},
      {"rate(a[5m])", "rate(a[5m])"},
      {"label_replace(a,'b','$1','c','(.*)\\n')",
       "label_replace(a, \"b\", \"$1\", \"c\", \"(.*)\\n\")"},
      {"time()", "time()"},
      {"info(a,{})", "info(a, {})"},
      {"'a\\x00\"'", "\"a\\x00\\\"\""},
      {"a</1>/2", "a </ 1 >/ 2"},
      {"a atan2 b", "a atan2 b"},
  };
  for (const auto& [text, want] : table) {
    EXPECT_EQ(printed(text), want) << text;
    EXPECT_EQ(printed(want), want) << text;
  }
}

}  // namespace
}  // namespace troupe::query
