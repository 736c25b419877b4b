// Copies of expressions for other servers: other matchers, nothing left to the server.
#include "query/parser/rewrite.h"

#include "query/parser/parser.h"
#include "query/parser/printer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

namespace troupe::query {
namespace {

expr_ptr parsed(std::string_view text) {
  auto r = parse(text, parse_options::everything());
  EXPECT_TRUE(r.ok()) << text << ": " << r.error().message();
  return r.ok() ? std::move(*r) : nullptr;
}

std::string printed(std::string_view text) {
  const auto r = parse(text, parse_options::everything());
  return r.ok() ? to_string(**r) : std::string(r.error().message());
}

// Matchers on `region` are replaced by region="".
matchers of_no_region(const matchers& all) {
  matchers out;
  std::copy_if(all.begin(), all.end(), std::back_inserter(out),
               [](const matcher& m) { return m.name() != "region"; });
  out.push_back(matcher::equal("region", ""));
  return out;
}

TEST(Rewrite, GivesEverySelectorOtherMatchers) {
  const std::pair<const char*, const char*> table[] = {
      {"up", "up{region=\"\"}"},
      {"up{region=~\"a|b\",job=\"x\"}", "up{job=\"x\",region=\"\"}"},
      {"{region!=\"a\",__name__=~\"u.*\"}", "{__name__=~\"u.*\",region=\"\"}"},
      {"{\"a.b\"}", "{__name__=\"a.b\",region=\"\"}"},
      {"sum by (region) (rate(a[5m] offset 1m)) / on (region) b @ end()",
       "sum by (region) (rate(a{region=\"\"}[5m] offset 1m)) / on (region) b{region=\"\"} @ end()"},
      {"max_over_time((-a)[1h:1m])", "max_over_time((-a{region=\"\"})[1h:1m])"},
      {"info(a, {region=\"x\"})", "info(a{region=\"\"}, {region=\"x\"})"},
      {"time() + 1", "time() + 1"},
  };
  for (const auto& [text, want] : table) {
    const auto e = parsed(text);
    ASSERT_TRUE(e);
    const std::string before = to_string(*e);
    const std::string got = to_string(*with_matchers(*e, of_no_region));
    EXPECT_EQ(got, want) << text;
    EXPECT_EQ(to_string(*e), before) << "the original stays";
    EXPECT_EQ(printed(got), got) << "and it can be parsed";
  }
}

TEST(Rewrite, OfTheNameIsPrinted) {
  const auto e = parsed("up{job=\"x\"}");
  const auto renamed = [](std::string_view name) {
    return [name](const matchers& all) {
      matchers out{matcher::equal(std::string(metric_name_label), std::string(name))};
      std::copy_if(all.begin(), all.end(), std::back_inserter(out),
                   [](const matcher& m) { return m.name() != metric_name_label; });
      return out;
    };
  };
  EXPECT_EQ(to_string(*with_matchers(*e, renamed("down"))), "{__name__=\"down\",job=\"x\"}");
  const auto same = with_matchers(*e, renamed("up"));
  EXPECT_EQ(to_string(*same), "up{job=\"x\"}");
  EXPECT_EQ(as<vector_selector>(*same).match.back().name(), metric_name_label);
}

TEST(Rewrite, LeavesNothingToTheServer) {
  const std::pair<const char*, const char*> table[] = {
      {"a[1h]", "a[1h]"},
      {"max_over_time(a[1h:])", "max_over_time(a[1h:1m30s])"},
      {"max_over_time(a[1h:10s])", "max_over_time(a[1h:10s])"},
      {"max_over_time(min_over_time(a[5m:])[1h:])",
       "max_over_time(min_over_time(a[5m:1m30s])[1h:1m30s])"},
      {"a @ start() + a @ end() offset 5m", "a @ 1.500 + a @ 7200.000 offset 5m"},
      {"rate(a[5m] @ start())", "rate(a[5m] @ 1.500)"},
      {"sum_over_time(a[5m:1m] @ end())", "sum_over_time(a[5m:1m] @ 7200.000)"},
      {"rate(a[step() * 4] offset step())", "rate(a[1m] offset 15s)"},
      {"rate(a[range()])", "rate(a[1h59m58s500ms])"},
      {"avg_over_time(a[range():step()])", "avg_over_time(a[1h59m58s500ms:15s])"},
  };
  constexpr timestamp_ms start = 1'500;
  constexpr timestamp_ms end = 7'200'000;
  for (const auto& [text, want] : table) {
    const auto e = parsed(text);
    ASSERT_TRUE(e && resolve_durations(*e, 15'000, end - start).ok());
    const std::string got = to_string(*self_contained(*e, {start, end, 90'000}));
    EXPECT_EQ(got, want) << text;
    EXPECT_EQ(printed(got), got) << "and it can be parsed";
  }
}

}  // namespace
}  // namespace troupe::query
