// The routes of the API over the view: as a server that has everything answers.
#include "tests/pipeline/global/global_fixture.h"

namespace troupe::global {
namespace {

class ViewApiTest : public GlobalViewTest {
 protected:
  /// The same series here, in a region, and in one server that has all.
  void fill() {
    int n = 0;
    for (const std::string region : {"home", "eu", "us"})
      for (const std::string job : {"a", "b"})
        for (const std::string le : {"1", "5", "+Inf"}) {
          auto& to = region == "home" ? local : region == "eu" ? eu() : us();
          const double first = n += 7;
          put(to, {{"__name__", "h_bucket"}, {"job", job}, {"le", le}}, first);
          put(all, {{"__name__", "h_bucket"}, {"job", job}, {"le", le}, {"region", region}}, first);
        }
    put(us(), {{"__name__", "only_us"}, {"zone", "z"}}, 3);
    put(all, {{"__name__", "only_us"}, {"zone", "z"}, {"region", "us"}}, 3);
    put(local, {{"__name__", "h_bucket"}, {"job", "x"}, {"region", "us"}}, 99);
    use_two_regions("home");
  }
  void expect_same(const std::string& path, const http::params& params) {
    EXPECT_EQ(body(path, params), body_over(all, path, params)) << path << " " << params[0].second;
  }

  memory_queryable all;
};

TEST_F(ViewApiTest, QueriesAreThoseOfOneServer) {
  fill();
  for (const std::string query :
       {"h_bucket",
        "h_bucket{region=\"us\"}",
        "h_bucket{region!~\"us|eu\"}",
        "sum(h_bucket)",
        "sum by (region) (rate(h_bucket[4s]))",
        "count by (job) (h_bucket)",
        "avg(h_bucket) by (le)",
        "max without (region) (h_bucket)",
        "topk(2, h_bucket)",
        "histogram_quantile(0.5, sum by (le) (rate(h_bucket[4s])))",
        "histogram_quantile(0.5, rate(h_bucket[4s]))",
        "sum(h_bucket{region=\"us\"}) / on () sum(h_bucket)",
        "h_bucket / ignoring (le) group_left () sum without (le) (h_bucket)",
        "max_over_time(sum(h_bucket)[5s:1s])",
        "count(only_us or h_bucket{job=\"a\"})",
        "sum(h_bucket offset 2s)",
        "sum(h_bucket @ 3)",
        "absent(h_bucket)",
        "absent(nothing)",
        "count_values(\"v\", only_us)",
        "stddev(h_bucket)",
        "quantile(0.3, h_bucket)"}) {
    expect_same("/api/v1/query", {{"query", query}, {"time", "9"}});
    expect_same("/api/v1/query_range",
                {{"query", query}, {"start", "1"}, {"end", "9"}, {"step", "2"}});
  }
}

TEST_F(ViewApiTest, NamesValuesAndSeriesAreThoseOfOneServer) {
  fill();
  for (const std::string path :
       {"/api/v1/labels", "/api/v1/label/job/values", "/api/v1/label/region/values",
        "/api/v1/label/zone/values", "/api/v1/label/__name__/values"}) {
    expect_same(path, {{"start", "1"}});
    for (const std::string match : {"h_bucket", "{region=\"us\"}", "{region=~\"home|eu\"}",
                                    "{zone!=\"\"}", "nothing", "{job=\"a\",region!=\"eu\"}"})
      expect_same(path, {{"match[]", match}, {"end", "20"}});
    expect_same(path, {{"match[]", "h_bucket"}, {"match[]", "only_us"}});
    expect_same(path, {{"limit", "1"}});
  }
  for (const std::string match :
       {"h_bucket", "{region=\"us\"}", "only_us", "{job=\"b\",region!=\"eu\"}"})
    expect_same("/api/v1/series", {{"match[]", match}, {"start", "1"}, {"end", "8"}});
  expect_same("/api/v1/series", {{"match[]", "h_bucket"}, {"limit", "3"}});
}

TEST_F(ViewApiTest, RegionsAndPartsAreParameters) {
  fill();
  servers["us:9090"].how = mood::refuses;
  EXPECT_EQ(call("/api/v1/query", {{"query", "sum(h_bucket)"}}).status, 503);
  const auto failed = at("sum(h_bucket)");
  EXPECT_NE(failed.find("\"errorType\":\"unavailable\""), std::string::npos) << failed;
  EXPECT_NE(failed.find("region \\\"us\\\" did not answer: http://us:9090: connect"),
            std::string::npos)
      << failed;
  EXPECT_EQ(call("/api/v1/labels", {}).status, 503);
  EXPECT_EQ(call("/api/v1/label/job/values", {}).status, 503);
  EXPECT_EQ(call("/api/v1/series", {{"match[]", "h_bucket"}}).status, 503);
  const auto partly = at("count(h_bucket)", {{"partial_response", "true"}});
  EXPECT_NE(partly.find("\"13\""), std::string::npos) << "six, six, and a replica: " << partly;
  EXPECT_NE(partly.find("\"warnings\":[\"region \\\"us\\\" did not answer"), std::string::npos);
  const auto names = body("/api/v1/label/region/values", {{"partial_response", "1"}});
  EXPECT_NE(names.find("[\"eu\",\"home\",\"us\"]"), std::string::npos) << names;
  EXPECT_NE(names.find("stand in"), std::string::npos) << names;
  EXPECT_NE(at("count(h_bucket)", {{"regions", "eu,local"}}).find("\"13\""), std::string::npos);
  EXPECT_NE(at("count(h_bucket)", {{"regions", "eu"}}).find("\"6\""), std::string::npos);
  EXPECT_EQ(call("/api/v1/query", {{"query", "x"}, {"regions", "nowhere"}}).status, 400);
  EXPECT_EQ(call("/api/v1/query", {{"query", "x"}, {"partial_response", "maybe"}}).status, 400);
}

TEST_F(ViewApiTest, PartsAreEvaluatedByTheRegions) {
  fill();
  const auto parts = [&] {
    return metrics.get_counter("troupe_global_view_parts_pushed_total", "").value();
  };
  at("count by (job) (rate(h_bucket[4s]))", {{"timeout", "5s"}});
  EXPECT_EQ(parts(), 1);
  ASSERT_EQ(asked.size(), 2u);
  const auto form = http::parse_form(asked[1].substr(asked[1].find('?') + 1));
  EXPECT_EQ(*form, (http::params{{"regions", "local"},
                                 {"query", "count by (job) (rate(h_bucket{region=~\"|us\"}[4s]))"},
                                 {"lookback_delta", "300000ms"},
                                 {"timeout", "3750ms"},
                                 {"time", "9.000"}}));
  EXPECT_TRUE(asked[1].starts_with("us:9090/api/v1/query?"));
  asked.clear();
  body("/api/v1/query_range",
       {{"query", "max(h_bucket{region=\"us\"})"}, {"start", "1"}, {"end", "9"}, {"step", "2"}});
  ASSERT_EQ(asked.size(), 1u) << "who is not meant is not asked";
  EXPECT_NE(asked[0].find("&start=1.000&end=9.000&step=2000ms"), std::string::npos) << asked[0];
  at("count(h_bucket)", {{"regions", "local"}});
  EXPECT_EQ(asked.size(), 1u);
}

TEST_F(ViewApiTest, APartThatARegionRefusesIsEvaluatedHere) {
  fill();
  auto& server = servers["us:9090"];
  server.how = mood::fails;
  server.only = "/api/v1/query";
  for (const int code : {400, 422}) {
    server.code = code;
    asked.clear();
    expect_same("/api/v1/query", {{"query", "count by (job) (h_bucket)"}, {"time", "9"}});
    EXPECT_TRUE(asked.back().starts_with("us:9090/api/v1/read")) << asked.back();
  }
  server.code = 503;
  EXPECT_EQ(call("/api/v1/query", {{"query", "count(h_bucket)"}, {"time", "9"}}).status, 503);
}

TEST_F(ViewApiTest, NativeHistogramsAreReadAsTheyAre) {
  fill();
  auto h = std::make_shared<histogram>();
  h->schema = 1;
  h->count = 3;
  h->sum = 4.5;
  h->zero_count = 3;
  us().append(labels::from({{"__name__", "native"}}), 8'000, histogram_ptr(h));
  all.append(labels::from({{"__name__", "native"}, {"region", "us"}}), 8'000, histogram_ptr(h));
  for (const std::string query : {"native", "count(native)", "histogram_count(native)"})
    expect_same("/api/v1/query", {{"query", query}, {"time", "9"}});
}

TEST_F(ViewApiTest, TheUsersErrorsStay) {
  fill();
  for (const std::string query : {"sum(", "h_bucket / on (job) h_bucket", "rate(h_bucket)"})
    expect_same("/api/v1/query", {{"query", query}, {"time", "9"}});
}

TEST_F(ViewApiTest, WarningsOfARegionComeWithItsName) {
  fill();
  us().warnings = {"a block is damaged"};
  const auto got = body("/api/v1/labels", {});
  EXPECT_NE(got.find("\"warnings\":[\"us: a block is damaged\"]"), std::string::npos) << got;
}

TEST_F(ViewApiTest, SourcesThatAreBehindMatterIfTheyAreRead) {
  fill();
  watermarks.set_sources("consume", {{"us", labels::from({{"region", "us"}})}}, 0);
  watermarks.note("consume", "us", 1'000);
  clk.step_wall_ms(-clk.now_ms() + 400'000);
  const auto query = [&](const std::string& regions) {
    return body("/api/v1/query", {{"query", "h_bucket"}, {"time", "400"}, {"regions", regions}});
  };
  EXPECT_EQ(query("").find("behind"), std::string::npos);
  EXPECT_NE(query("local").find("consume \\\"us\\\" is 6m39s behind"), std::string::npos);
}

TEST_F(ViewApiTest, TheStateOfTheRegionsIsShown) {
  fill();
  EXPECT_EQ(body("/api/v1/status/global_view", {}),
            "{\"status\":\"success\",\"data\":["
            "{\"name\":\"eu\",\"urls\":[\"http://eu-a:9090\",\"http://eu-b:9090\"],\"state\":"
            "\"unknown\",\"lastAnswer\":null,\"inFlight\":0,\"waiting\":0,\"lastError\":\"\","
            "\"lastErrorTime\":null},"
            "{\"name\":\"us\",\"urls\":[\"http://us:9090\"],\"state\":\"unknown\",\"lastAnswer\":"
            "null,\"inFlight\":0,\"waiting\":0,\"lastError\":\"\",\"lastErrorTime\":null}]}");
  servers["us:9090"].how = mood::refuses;
  at("h_bucket");
  const auto after = body("/api/v1/status/global_view", {});
  EXPECT_NE(after.find("\"state\":\"up\""), std::string::npos);
  EXPECT_NE(after.find("\"state\":\"down\""), std::string::npos);
  EXPECT_NE(after.find("\"lastError\":\"http://us:9090: connect: Connection refused\""),
            std::string::npos);
}

}  // namespace
}  // namespace troupe::global
