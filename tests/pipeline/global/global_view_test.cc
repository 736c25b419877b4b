// The view of series, names and values over this node and its regions, and what happens when one of
// them does not answer.
#include "tests/pipeline/global/global_fixture.h"

namespace troupe::global {
namespace {

const matcher x = matcher::equal("__name__", "x");

class ViewTest : public GlobalViewTest {
 protected:
  std::string select(matchers ms, view_wish wish = {}) {
    wish.cancel = gone.get();
    if (wish.timeout_ms == 0)
      wish.timeout_ms = 10'000;
    auto seen = view->for_query(wish);
    if (!seen.ok())
      return std::string(seen.error().message());
    auto q = (*seen)->open("", 0, 20'000);
    auto set = (*q)->select({0, 20'000, 0, 0, "", 0}, ms);
    if (!set.ok())
      return std::string(to_string(set.error().code())) + ": " + std::string(set.error().message());
    std::string out;
    while ((*set)->next()) {
      storage::sample_columns c;
      EXPECT_TRUE((*set)->read(0, 20'000, c).ok());
      out += (*set)->series().to_string() + " " + std::to_string(c.ts.size()) + ":" +
             std::to_string(static_cast<int>(c.values.empty() ? -1 : c.values[0])) + "\n";
    }
    for (const auto& w : (*q)->warnings())
      out += "warning: " + w + "\n";
    return out;
  }
  static view_wish partly() {
    view_wish out;
    out.partial = true;
    return out;
  }
  static view_wish only(std::vector<std::string> regions) {
    view_wish out;
    out.regions = std::move(regions);
    return out;
  }
};

TEST_F(ViewTest, SeriesOfAllHaveTheirRegion) {
  put(local, {{"__name__", "x"}, {"i", "here"}}, 10);
  put(eu(), {{"__name__", "x"}, {"i", "a"}}, 20);
  put(eu(), {{"__name__", "x"}, {"i", "a"}, {"job", "j"}, {"region", "eu"}}, 21);
  put(us(), {{"__name__", "x"}, {"i", "a"}}, 30);
  use_two_regions();
  EXPECT_EQ(select({x}),
            "x{i=\"a\", job=\"j\", region=\"eu\"} 10:21\n"
            "x{i=\"a\", region=\"eu\"} 10:20\n"
            "x{i=\"a\", region=\"us\"} 10:30\n"
            "x{i=\"here\"} 10:10\n");
  EXPECT_EQ(asked,
            (std::vector<std::string>{"eu-a:9090/api/v1/read?regions=local&external_labels=false",
                                      "us:9090/api/v1/read?regions=local&external_labels=false"}));
  EXPECT_EQ(timeouts, (std::vector<int64_t>{3'750, 7'500})) << "a quarter is the query's own";
  use_two_regions("home");
  EXPECT_NE(select({x}).find("x{i=\"here\", region=\"home\"} 10:10\n"), std::string::npos);
}

TEST_F(ViewTest, NothingIsThereTwice) {
  use_two_regions("home");
  put(eu(), {{"__name__", "x"}}, 20);
  // Taken over from eu, from a region that is not asked, and what eu took over from here.
  put(local, {{"__name__", "x"}, {"region", "eu"}}, 20);
  put(local, {{"__name__", "x"}, {"region", "asia"}}, 40);
  put(local, {{"__name__", "x"}, {"region", "home"}}, 11);
  put(local, {{"__name__", "x"}, {"job", "j"}}, 10);
  put(eu(), {{"__name__", "x"}, {"job", "j"}, {"region", "home"}}, 10);
  put(eu(), {{"__name__", "x"}, {"region", "asia"}}, 40);
  EXPECT_EQ(select({x}),
            "x{job=\"j\", region=\"home\"} 10:10\n"
            "x{region=\"asia\"} 10:40\n"
            "x{region=\"eu\"} 10:20\n"
            "x{region=\"home\"} 10:11\n");
}

TEST_F(ViewTest, MatchersOfTheRegionSayWhoIsAsked) {
  use_two_regions("home");
  put(local, {{"__name__", "x"}}, 10);
  put(eu(), {{"__name__", "x"}}, 20);
  put(us(), {{"__name__", "x"}}, 30);
  const auto hosts = [&](match_op op, const char* value) {
    asked.clear();
    const auto found = select({x, *matcher::make(op, "region", value)});
    std::string out;
    for (const auto& a : asked)
      out += a.substr(0, a.find(':')) + " ";
    return out + found;
  };
  EXPECT_EQ(hosts(match_op::equal, "us"), "us x{region=\"us\"} 10:30\n");
  EXPECT_EQ(hosts(match_op::regex, "us|home"),
            "us x{region=\"home\"} 10:10\nx{region=\"us\"} 10:30\n");
  EXPECT_EQ(hosts(match_op::not_equal, "eu"),
            "us x{region=\"home\"} 10:10\nx{region=\"us\"} 10:30\n");
  EXPECT_EQ(hosts(match_op::equal, ""), "");
  EXPECT_EQ(hosts(match_op::equal, "home"), "x{region=\"home\"} 10:10\n");
}

TEST_F(ViewTest, ExternalLabelsOfARegionStayAway) {
  use_two_regions();
  auto& server = servers["us:9090"];
  server.external_labels = {{"region", "america"}, {"replica", "a"}};
  put(us(), {{"__name__", "x"}}, 30);
  EXPECT_EQ(select({x}), "x{region=\"us\"} 10:30\n");
  EXPECT_EQ(asked.size(), 2u);
  server.is_prometheus = true;
  EXPECT_EQ(select({x}), "x{region=\"us\"} 10:30\n");
  EXPECT_EQ(asked.back(), "us:9090/api/v1/status/config");
  asked.clear();
  EXPECT_EQ(select({x, matcher::equal("replica", "a")}), "") << "as where it is not added";
  EXPECT_EQ(select({x}), "x{region=\"us\"} 10:30\n");
  EXPECT_EQ(asked.size(), 4u) << "they are known for a while";
  clk.advance_ms(300'000);
  server.how = mood::fails;
  server.only = "/api/v1/status/config";
  EXPECT_EQ(select({x}), "x{region=\"us\"} 10:30\n") << "what was known goes on";
  server.how = mood::answers;
  clk.advance_ms(300'000);
  server.external_labels = {{"cluster", "c"}};
  EXPECT_EQ(select({x}), "x{region=\"us\"} 10:30\n");
}

TEST_F(ViewTest, OnlyWhoIsNamed) {
  use_two_regions("home");
  put(local, {{"__name__", "x"}}, 10);
  put(local, {{"__name__", "x"}, {"region", "us"}}, 31);
  put(eu(), {{"__name__", "x"}}, 20);
  EXPECT_EQ(select({x}, only({"eu"})), "x{region=\"eu\"} 10:20\n");
  EXPECT_EQ(select({x}, only({"local", "eu", "eu"})),
            "x{region=\"eu\"} 10:20\nx{region=\"home\"} 10:10\nx{region=\"us\"} 10:31\n");
  asked.clear();
  EXPECT_EQ(select({x}, only({"home"})), "x{region=\"home\"} 10:10\nx{region=\"us\"} 10:31\n");
  EXPECT_TRUE(asked.empty());
  EXPECT_EQ(select({x}, only({"asia"})), "there is no region \"asia\"");
}

TEST_F(ViewTest, ARegionThatDoesNotAnswerIsAnError) {
  use_two_regions();
  put(us(), {{"__name__", "x"}}, 30);
  servers["eu-a:9090"].how = servers["eu-b:9090"].how = mood::refuses;
  EXPECT_EQ(select({x}),
            "unavailable: region \"eu\" did not answer: http://eu-a:9090: connect: Connection "
            "refused; http://eu-b:9090: connect: Connection refused");
  EXPECT_EQ(select({x, matcher::equal("region", "us")}), "x{region=\"us\"} 10:30\n");
  servers["eu-b:9090"].how = mood::answers;
  EXPECT_EQ(select({x}), "x{region=\"us\"} 10:30\n") << "its other node";
  servers["us:9090"].how = mood::fails;
  servers["us:9090"].code = 400;
  EXPECT_EQ(select({x}),
            "unavailable: region \"us\" refused the request: HTTP status 400: no good\n");
}

TEST_F(ViewTest, PartialAnswersSayWhatIsMissing) {
  use_two_regions();
  put(local, {{"__name__", "x"}}, 10);
  put(us(), {{"__name__", "x"}}, 30);
  servers["us:9090"].how = mood::fails;
  EXPECT_EQ(select({x}, partly()),
            "x 10:10\nwarning: region \"us\" did not answer: http://us:9090: HTTP status 500: no "
            "good: its series are missing\n");
}

TEST_F(ViewTest, ReplicasStandInForALostRegion) {
  use_two_regions("home");
  put(us(), {{"__name__", "x"}}, 30);
  put(local, {{"__name__", "x"}, {"region", "us"}}, 31);
  servers["us:9090"].how = mood::refuses;
  const std::string us_is_away =
      "warning: region \"us\" did not answer: http://us:9090: connect: Connection refused: its "
      "replicas here stand in for it, complete until ";
  EXPECT_EQ(select({x}, partly()), "x{region=\"us\"} 10:31\n" + us_is_away + "an unknown time\n");
  watermarks.set_sources("consume", {{"us", labels::from({{"region", "us"}})}}, 0);
  watermarks.note("consume", "us", 1'500'000);
  EXPECT_EQ(select({x}, partly()),
            "x{region=\"us\"} 10:31\n" + us_is_away + "1970-01-01T00:25:00.000Z\n");
}

TEST_F(ViewTest, ALostRegionIsNotAskedAgain) {
  use_two_regions();
  servers["us:9090"].how = mood::hangs;
  auto wish = partly();
  wish.timeout_ms = 10'000;
  auto seen = view->for_query(wish);
  auto q = (*seen)->open("", 0, 20'000);
  ASSERT_TRUE((*q)->select({}, matchers{x}).ok());
  asked.clear();
  ASSERT_TRUE((*q)->select({}, matchers{x}).ok());
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_TRUE(asked[0].starts_with("eu-a"));
}

TEST_F(ViewTest, AHangingRegionCostsItsShareOfTheTime) {
  config::own_config c;
  c.global_view = {block("us", {"http://us:9090"})};
  use(c);
  servers["us:9090"].how = mood::hangs;
  view_wish wish = partly();
  wish.timeout_ms = 5'000;
  EXPECT_NE(select({x}, wish).find("deadline exceeded"), std::string::npos);
  EXPECT_EQ(timeouts.back(), 3'750);
  wish.timeout_ms = 60'000;
  EXPECT_NE(select({x}, wish).find("deadline exceeded"), std::string::npos);
  EXPECT_EQ(timeouts.back(), 55'000);
  c.global_view[0].timeout_ms = 700;
  use(c);
  EXPECT_NE(select({x}, wish).find("deadline exceeded"), std::string::npos);
  EXPECT_EQ(timeouts.back(), 700);
}

TEST_F(ViewTest, WaitingEndsWithTheQueryAndWithItsClient) {
  config::own_config c;
  c.global_view = {block("us", {"http://us:9090"})};
  c.global_view[0].max_concurrent = 1;
  use(c);
  servers["us:9090"].how = mood::is_held;
  on_request = [&] { clk.advance_ms(10'000); };
  EXPECT_EQ(select({x}), "unavailable: region \"us\" did not answer: no answer in time");
  on_request = {};
  // The first one is still under way; the client of the second one goes.
  gone->store(true);
  EXPECT_EQ(select({x}, partly()), "canceled: the client has gone");
  gone->store(false);
  release();
  EXPECT_EQ(view->states()[0].in_flight, 0u);
  EXPECT_EQ(view->states()[0].waiting, 0u);
}

TEST_F(ViewTest, WhatCannotBeReadIsNoAnswer) {
  use_two_regions();
  servers["us:9090"].how = mood::fails;
  servers["us:9090"].code = 200;
  EXPECT_EQ(select({x}),
            "unavailable: region \"us\" gave no usable answer: remote server us answered with the "
            "content type \"\"");
}

TEST_F(ViewTest, OtherTenantsStayHere) {
  use_two_regions();
  auto seen = view->for_query({});
  ASSERT_TRUE((*(*seen)->open("t", 0, 1))->select({}, matchers{x}).ok());
  EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace troupe::global
