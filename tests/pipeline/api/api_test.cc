#include "pipeline/api/api.h"

#include "config/config.h"
#include "pipeline/api/event_lines.h"
#include "pipeline/api/params.h"
#include "pipeline/discover/target_set.h"
#include "pipeline/ingest/watermarks.h"
#include "pipeline/scrape/scrape_pool.h"
#include "pipeline/topics/topic_board.h"
#include "query/engine/engine.h"
#include "tests/support/memory_queryable.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace troupe::api {
namespace {

namespace json = boost::json;

class ApiTest : public ::testing::Test {
 protected:
  ApiTest() {
    for (int i = 0; i < 10; ++i) {
      data.append(labels::from({{"__name__", "up"}, {"job", "a"}}), i * 15'000, 1);
      data.append(labels::from({{"__name__", "up"}, {"job", "b"}}), i * 15'000, i % 2);
      data.append(labels::from({{"__name__", "http.requests"}, {"job", "b"}, {"l.x", "v"}}),
                  i * 15'000, i * 2.5);
    }
    data.set_metadata("up", {metric_type::gauge, "", "Is it \"up\"?"});
    data.append(labels::from({{"__name__", "up"}, {"job", "a"}}),
                {labels::from({{"trace_id", "t"}}), 0.25, 30'000});
    services s;
    s.data = s.local = &data;
    s.engine = &engine;
    s.clk = &clk;
    s.metrics = &metrics;
    s.budget = std::make_shared<http::byte_budget>(64u << 20);
    s.build = {"3.5.0", "0.1.0", "", "", "", "", "g++"};
    s.hostname = "this-machine";
    s.external_url = "https://this-machine:443/a/";
    s.listen_port = "9090";
    s.page_title = "A & B <script>'\"</script>";
    s.flags = {{"config.file", "x.yml"}, {"query.timeout", "2m"}};
    s.admin.tsdb = [](size_t) { return tsdb_state{3, 4, 5, 6, 7, {{"up", 2}}, {}, {}, {}}; };
    s.admin.cardinality = [](size_t limit) {
      growth_window w;
      w.span_ms = 10'000;
      w.created = 100;
      w.metrics = {{{labels::from({{"__name__", "m"}}), 90, 95}}, limit};
      w.labels_of_metrics = {{"m", "user_id", "u1", 88, 90}};
      w.label_names = {{"", "user_id", "u1", 89, 91}};
      return cardinality_state{
          1000,
          {w},
          {{"tenants", {"tenant"}, 7, 2, 5, {{"", labels::from({{"tenant", "a"}}), 7, 5}}}}};
    };
    s.admin.blocks = [] { return std::vector<block_state>{{"01A", 0, 10, 1, 2, 3, 1, false, ""}}; };
    s.admin.replay = [] { return replay_state{1, 3, 2, false}; };
    s.admin.damage = [] {
      return damage_report{
          {{"data/quarantine/01B", "it \"broke\"", 17, 60'000}, {"data/blocks/01C", "", 0, 0}},
          {{"wal_bad_frames", 2}, {"block_chunks", 0}},
          {{"data/wal/x", "bad_frame", 7, 9}}};
    };
    s.admin.delete_series = [this](timestamp_ms a, timestamp_ms b,
                                   const std::vector<matchers>& ms) {
      deleted = std::to_string(a) + ".." + std::to_string(b) + " " + std::to_string(ms.size());
      return status();
    };
    s.admin.snapshot = [](bool skip) { return result<std::string>(skip ? "without" : "with"); };
    s.admin.clean_tombstones = [] { return status(errc::no_space, "disk is full"); };
    s.admin.flush = [this] { ++flushed; };
    s.not_ready = [this] { return not_ready; };
    s.last_reload = [] { return std::pair(true, timestamp_ms(0)); };
    s.enable_admin = s.enable_lifecycle = s.enable_write_receiver = true;
    all = s;
    the_api = std::make_unique<api>(s);
  }

  http::response call(std::string method, std::string path, http::params query = {},
                      std::string body = {}, http::headers headers = {}) {
    http::request r;
    r.method = std::move(method);
    r.path = std::move(path);
    r.query = std::move(query);
    r.body = std::move(body);
    r.header_fields = std::move(headers);
    auto m = the_api->find(r);
    if (!m.to)
      return m.refusal;
    answer a = the_api->handle(*m.to, r, gathered);
    auto out = std::get<http::response>(a);
    while (out.stream) {
      if (!out.stream(out.body))
        out.stream = nullptr;
    }
    return out;
  }
  json::value get(std::string path, http::params query = {}) {
    auto r = call("GET", std::move(path), std::move(query));
    EXPECT_EQ(r.status, 200) << r.body;
    EXPECT_EQ(r.content_type, "application/json");
    return json::parse(r.body).at("data");
  }
  std::string text(std::string path, http::params query = {}) {
    return json::serialize(get(path, query));
  }
  std::string error_of(const http::response& r) {
    auto v = json::parse(r.body);
    EXPECT_EQ(v.at("status").as_string(), "error");
    return std::to_string(r.status) + " " + std::string(v.at("errorType").as_string()) + ": " +
           std::string(v.at("error").as_string());
  }

  memory_queryable data;
  manual_clock clk{135'000};
  query::engine engine{query::engine_options::everything(), clk};
  registry metrics;
  services all;
  std::unique_ptr<api> the_api;
  inputs gathered;
  std::string deleted, not_ready;
  int flushed = 0;
};

TEST_F(ApiTest, InstantQuery) {
  EXPECT_EQ(
      text("/api/v1/query", {{"query", "up{job=\"b\"}"}, {"time", "135"}}),
      R"({"resultType":"vector","result":[{"metric":{"__name__":"up","job":"b"},"value":[135,"1"]}]})");
  EXPECT_EQ(text("/api/v1/query", {{"query", "1+1"}, {"time", "4"}}),
            R"({"resultType":"scalar","result":[4,"2"]})");
  EXPECT_EQ(text("/api/v1/query", {{"query", "1"}, {"time", "1970-01-01T00:02:03.5Z"}}),
            R"({"resultType":"scalar","result":[1.235E2,"1"]})");
}

TEST_F(ApiTest, QueryLimitWarns) {
  auto r = call("POST", "/api/v1/query", {{"query", "up"}, {"limit", "1"}});
  auto v = json::parse(r.body);
  EXPECT_EQ(v.at("data").at("result").as_array().size(), 1u);
  EXPECT_EQ(json::serialize(v.at("warnings")), R"(["results truncated due to limit"])");
}

TEST_F(ApiTest, RangeQuery) {
  EXPECT_EQ(
      text("/api/v1/query_range",
           {{"query", "sum(up)"}, {"start", "0"}, {"end", "30"}, {"step", "15s"}}),
      R"({"resultType":"matrix","result":[{"metric":{},"values":[[0,"1"],[15,"2"],[30,"1"]]}]})");
}

TEST_F(ApiTest, QueryErrorsHavePrometheusShapes) {
  EXPECT_EQ(
      error_of(call("GET", "/api/v1/query", {{"query", "sum("}})),
      "400 bad_data: invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis");
  EXPECT_EQ(
      error_of(call("GET", "/api/v1/query_range",
                    {{"query", "up[5m]"}, {"start", "1"}, {"end", "9"}, {"step", "1"}})),
      "400 bad_data: invalid parameter \"query\": invalid expression type \"range vector\" for "
      "range query, must be Scalar or instant Vector");
  EXPECT_EQ(
      error_of(call("GET", "/api/v1/query", {{"query", "up"}, {"time", "x"}})),
      "400 bad_data: invalid parameter \"time\": invalid time value for 'time': cannot parse \"x\" "
      "to a valid timestamp");
  EXPECT_EQ(error_of(call("GET", "/api/v1/query_range",
                          {{"query", "up"}, {"start", "9"}, {"end", "1"}, {"step", "1"}})),
            "400 bad_data: invalid parameter \"end\": end timestamp must not be before start time");
  EXPECT_TRUE(
      error_of(call("GET", "/api/v1/query_range",
                    {{"query", "up"}, {"start", "0"}, {"end", "20000"}, {"step", "1"}}))
          .starts_with(
              "400 bad_data: exceeded maximum resolution of 11,000 points per timeseries."));
  EXPECT_TRUE(error_of(call("GET", "/api/v1/query",
                            {{"query", "up + on(job) group_left up"}, {"time", "nan"}}))
                  .starts_with("400 bad_data"));
  EXPECT_TRUE(error_of(call("GET", "/api/v1/query",
                            {{"query", "label_replace(up, \"job\", \"\", \"\", \"\") "}}))
                  .starts_with("422 execution: "));
}

TEST_F(ApiTest, MetadataRoutes) {
  EXPECT_EQ(text("/api/v1/labels"), R"(["__name__","job","l.x"])");
  EXPECT_EQ(text("/api/v1/label/job/values", {{"match[]", "up"}}), R"(["a","b"])");
  EXPECT_EQ(text("/api/v1/label/U__l_2e_x/values"), R"(["v"])");
  EXPECT_TRUE(error_of(call("GET", "/api/v1/label/\xff/values"))
                  .starts_with("400 bad_data: invalid label name: "));
  EXPECT_EQ(text("/api/v1/series", {{"match[]", "{job=\"a\"}"}}),
            R"([{"__name__":"up","job":"a"}])");
  EXPECT_EQ(text("/api/v1/metadata"),
            R"({"up":[{"type":"gauge","help":"Is it \"up\"?","unit":""}]})");
  EXPECT_EQ(text("/api/v1/metadata", {{"limit", "0"}}), "{}");
  EXPECT_EQ(error_of(call("GET", "/api/v1/metadata", {{"limit", "x"}})),
            "400 bad_data: limit must be a number");
  EXPECT_EQ(error_of(call("GET", "/api/v1/series")), "400 bad_data: no match[] parameter provided");
  EXPECT_EQ(text("/api/v1/query_exemplars", {{"query", "up"}, {"start", "0"}, {"end", "100"}}),
            R"([{"seriesLabels":{"__name__":"up","job":"a"},"exemplars":[)"
            R"({"labels":{"trace_id":"t"},"value":"0.25","timestamp":30}]}])");
}

TEST_F(ApiTest, ParseAndFormat) {
  EXPECT_EQ(text("/api/v1/format_query", {{"query", "sum(up)by(job)"}}), "\"sum by (job) (up)\"");
  EXPECT_EQ(get("/api/v1/parse_query", {{"query", "up"}}).at("type").as_string(), "vectorSelector");
}

TEST_F(ApiTest, Cardinality) {
  EXPECT_EQ(text("/api/v1/status/cardinality"),
            R"({"series":1000,"growth":[{"window":"10s","created":100,"metrics":{"top":[{"labels":)"
            R"({"__name__":"m"},"created":90,"active":95}],"uncertainty":10},)"
            R"("jobs":{"top":[],"uncertainty":0},"targets":{"top":[],"uncertainty":0},)"
            R"("labelValuePairs":{"top":[],"uncertainty":0},)"
            R"("labelsOfMetrics":[{"metric":"m","label":"user_id","values":88,"created":90,)"
            R"("example":"u1"}],)"
            R"("labelNames":[{"label":"user_id","values":89,"created":91,"example":"u1"}]}],)"
            R"("budgets":[{"name":"tenants","by":["tenant"],"limit":7,"groupCount":2,"refused":5,)"
            R"("groups":[{"labels":{"tenant":"a"},"series":7,"refused":5}]}]})");
  EXPECT_EQ(get("/api/v1/status/cardinality", {{"limit", "3"}})
                .at("growth")
                .at(0)
                .at("metrics")
                .at("uncertainty")
                .as_int64(),
            3);
  EXPECT_EQ(call("GET", "/api/v1/status/cardinality", {{"limit", "x"}}).status, 400);
}

TEST_F(ApiTest, Watermarks) {
  EXPECT_EQ(text("/api/v1/status/watermarks"), "[]");
  ingest::watermarks w;
  w.set_sources("federation", {{"east", labels::from({{"region", "east"}})}, {"west", labels()}},
                0);
  w.note("federation", "east", clk.now_ms() - 90'000);
  all.watermarks = &w;
  the_api = std::make_unique<api>(all);
  const auto got = get("/api/v1/status/watermarks");
  EXPECT_EQ(json::serialize(got.at(1)),
            R"({"stage":"federation","name":"west","labels":{},"completeUntil":null,)"
            R"("lagSeconds":null})");
  EXPECT_EQ(got.at(0).at("lagSeconds").to_number<double>(), 90);
  const std::string now = std::to_string(clk.now_ms() / 1000);
  const auto told = [&](std::string path, http::params query) {
    return call("GET", std::move(path), std::move(query)).body.find("1m30s behind") !=
           std::string::npos;
  };
  EXPECT_TRUE(told("/api/v1/query", {{"query", "sum(up)"}, {"time", now}}));
  EXPECT_FALSE(told("/api/v1/query", {{"query", "up{region=\"west\"}"}, {"time", now}}));
  EXPECT_FALSE(told("/api/v1/query", {{"query", "1"}, {"time", now}}));
  EXPECT_TRUE(
      told("/api/v1/query_range", {{"query", "up"}, {"start", now}, {"end", now}, {"step", "1"}}));
}

TEST_F(ApiTest, TopicsOfKafka) {
  EXPECT_EQ(text("/api/v1/status/kafka"), R"({"publish":[],"consume":[]})");
  topics::topic_board board;
  board.set({topics::publication_state{"out", "t", true, 1500, 7, 2, "it \"broke\"", true, 5'000}});
  topics::consumption_state c;
  c.name = "in";
  c.kafka = "main";
  c.topic = "u";
  c.stretches = {{3, 10, 12, true}};
  c.lag = {2500, 2};
  c.watermark = 1'000;
  c.totals.gaps = 1;
  c.writers = {{7, 2'000, min_time}, {255, 1'000, 3'000}};
  board.set({c});
  all.topics = &board;
  the_api = std::make_unique<api>(all);
  EXPECT_EQ(
      text("/api/v1/status/kafka"),
      R"({"publish":[{"name":"out","topic":"t","up":true,"paused":true,)"
      R"("downSince":"1970-01-01T00:00:05.000Z","lastError":"it \"broke\"",)"
      R"("lagSeconds":1.5E0,"lagBytes":7,"droppedSamples":2}],"consume":[{"name":"in",)"
      R"("cluster":"main","topic":"u","up":false,"paused":false,"downSince":null,"lastError":"",)"
      R"("completeUntil":"1970-01-01T00:00:01.000Z","lagSeconds":2.5E0,"lagRecords":2,"gaps":1,)"
      R"("gapRecords":0,"poisoned":0,"resets":0,"lostSamples":0,"writers":[)"
      R"({"node":"0000000000000007","asOf":"1970-01-01T00:00:02.000Z","heard":null},)"
      R"({"node":"00000000000000ff","asOf":"1970-01-01T00:00:01.000Z",)"
      R"("heard":"1970-01-01T00:00:03.000Z"}],"partitions":[{"partition":3,)"
      R"("backlog":true,"nextOffset":10,"endOffset":12}]}]})");
}

TEST_F(ApiTest, ReadySaysHowTheBufferOfKafkaIs) {
  const std::string ready = "Prometheus Server is Ready.\n";
  const auto header = [](const http::response& r) {
    return std::string(http::find_header(r.header_fields, "X-Troupe-Buffer"));
  };
  auto r = call("GET", "/-/ready", {{"verbose", ""}});
  EXPECT_EQ(r.body, ready);
  EXPECT_EQ(header(r), "") << "there is no buffer";
  topics::topic_board board;
  all.topics = &board;
  the_api = std::make_unique<api>(all);
  topics::publication_state p;
  p.name = "out";
  p.up = true;
  topics::consumption_state c;
  c.name = "in";
  c.up = true;
  board.set({p});
  board.set({c});
  EXPECT_EQ(header(call("GET", "/-/ready")), "ok");
  EXPECT_EQ(call("GET", "/-/ready", {{"verbose", ""}}).body,
            ready + "publish \"out\": ok\nconsume \"in\": ok\n");
  p.up = false;
  p.down_since = 60'000;
  p.lag_bytes = 1234;
  auto late = p;
  late.up = true;
  late.lag_ms = 90'500;
  auto wrong = late;
  wrong.up = false;
  wrong.down_since.reset();
  wrong.last_error = "no such setting";
  board.set({late, p, wrong});
  c.lag = {61'000, 5};
  c.totals.gaps = 1;
  c.totals.gap_records = 10;
  auto away = c;
  away.up = false;
  away.down_since = 1'000;
  away.totals = {};
  board.set({c, away});
  r = call("GET", "/-/ready", {{"verbose", "1"}});
  EXPECT_EQ(r.status, 200) << "it goes on taking samples";
  EXPECT_EQ(header(r), "failed, spooling, draining, away, behind, gaps");
  EXPECT_EQ(r.body, ready +
                        "publish \"out\": draining 1m30s behind, 1234 bytes of the log wait\n"
                        "publish \"out\": spooling since 1970-01-01T00:01:00.000Z, 1234 bytes of "
                        "the log wait\n"
                        "publish \"out\": failed no such setting\n"
                        "consume \"in\": behind by 1m1s, 5 records\n"
                        "consume \"in\": gaps 1 of 10 records\n"
                        "consume \"in\": away since 1970-01-01T00:00:01.000Z\n");
  EXPECT_EQ(call("GET", "/-/ready").body, ready) << "as Prometheus has it";
}

TEST_F(ApiTest, StatusRoutes) {
  gathered.config_yaml = "global: {}\n";
  EXPECT_EQ(text("/api/v1/status/config"), R"({"yaml":"global: {}\n"})");
  EXPECT_EQ(text("/api/v1/status/flags"), R"({"config.file":"x.yml","query.timeout":"2m"})");
  EXPECT_EQ(get("/api/v1/status/buildinfo").at("version").as_string(), "3.5.0");
  EXPECT_EQ(get("/api/v1/status/tsdb").at("headStats").at("numSeries").as_int64(), 3);
  EXPECT_EQ(get("/api/v1/status/walreplay").at("state").as_string(), "in progress");
  EXPECT_EQ(
      json::serialize(get("/api/v1/status/damage")),
      R"({"quarantined":[{"path":"data/quarantine/01B","reason":"it \"broke\"","bytes":17,)"
      R"("time":"1970-01-01T00:01:00.000Z"},{"path":"data/blocks/01C","reason":"","bytes":0}],)"
      R"("counts":{"wal_bad_frames":2,"block_chunks":0},)"
      R"("places":[{"file":"data/wal/x","reason":"bad_frame","offset":7,"bytes":9}]})");
  EXPECT_EQ(get("/api/v1/status/runtimeinfo").at("startTime").as_string(),
            "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(text("/api/v1/rules"), R"({"groups":[]})");
  EXPECT_EQ(text("/api/v1/alerts"), R"({"alerts":[]})");
}

TEST_F(ApiTest, AdminRoutes) {
  EXPECT_EQ(call("POST", "/api/v1/admin/tsdb/delete_series",
                 {{"match[]", "up"}, {"start", "1"}, {"end", "2"}})
                .status,
            204);
  EXPECT_EQ(deleted, "1000..2000 1");
  EXPECT_EQ(call("POST", "/api/v1/admin/tsdb/snapshot", {{"skip_head", "true"}}).body,
            R"({"status":"success","data":{"name":"without"}})");
  EXPECT_EQ(call("POST", "/api/v1/admin/tsdb/flush").status, 204);
  EXPECT_EQ(flushed, 1);
  auto full = call("POST", "/api/v1/admin/tsdb/clean_tombstones");
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(http::find_header(full.header_fields, "Retry-After"), "5");
  EXPECT_EQ(call("GET", "/api/v1/admin/tsdb/snapshot").status, 405);
}

TEST_F(ApiTest, GroupsAreOffByDefault) {
  services s = all;
  s.enable_admin = s.enable_lifecycle = s.enable_write_receiver = false;
  the_api = std::make_unique<api>(s);
  EXPECT_EQ(call("POST", "/api/v1/admin/tsdb/snapshot").status, 503);
  EXPECT_EQ(call("POST", "/-/reload").status, 403);
  EXPECT_EQ(call("POST", "/-/quit").status, 403);
  EXPECT_EQ(call("POST", "/api/v1/write").status, 404);
}

TEST_F(ApiTest, Federate) {
  auto c = std::make_shared<config::config>();
  c->global.external_labels = {{"region", "x"}, {"job", "never"}};
  gathered.config = c;
  data.append(labels::from({{"job", "nameless"}}), 135'000, 1);
  http::params all_of{{"match[]", "{__name__=~\".+\"}"}, {"match[]", "{job=\"nameless\"}"}};
  auto r = call("GET", "/federate", all_of);
  EXPECT_EQ(r.content_type, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores");
  EXPECT_EQ(r.body,
            "# TYPE http_requests untyped\n"
            "http_requests{job=\"b\",l_x=\"v\",region=\"x\",instance=\"\"} 22.5 135000\n"
            "# TYPE up gauge\n"
            "up{job=\"a\",region=\"x\",instance=\"\"} 1 135000\n"
            "up{job=\"b\",region=\"x\",instance=\"\"} 1 135000\n");
  r = call("GET", "/federate", all_of, "",
           {{"Accept", "text/plain;version=0.0.4;escaping=allow-utf-8"}});
  EXPECT_EQ(r.content_type, "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8");
  EXPECT_EQ(r.body,
            "# TYPE \"http.requests\" untyped\n"
            "{\"http.requests\",job=\"b\",\"l.x\"=\"v\",region=\"x\",instance=\"\"} 22.5 135000\n"
            "# TYPE up gauge\n"
            "up{job=\"a\",region=\"x\",instance=\"\"} 1 135000\n"
            "up{job=\"b\",region=\"x\",instance=\"\"} 1 135000\n");
  EXPECT_EQ(call("GET", "/federate", {{"match[]", "{"}}).status, 400);
}

TEST_F(ApiTest, Targets) {
  auto t = std::make_shared<discover::target>();
  t->public_labels = labels::from({{"instance", "h:1"}, {"job", "j"}});
  t->discovered = labels::from({{"__address__", "h:1"}});
  t->url = "http://h:1/metrics";
  t->interval_ms = 15'000;
  t->timeout_ms = 10'000;
  auto states = std::make_shared<scrape::pool_states>();
  states->targets.push_back(
      {"j", t, scrape::target_health::down, "connection refused", 60'000, 2'000'000});
  gathered.pools = {states, nullptr};
  auto found = std::make_shared<discover::discovery_state>();
  discover::pool_state pool;
  pool.name = "j";
  pool.dropped_count = 1;
  pool.dropped = {labels::from({{"__address__", "d:1"}})};
  found->pools = {pool};
  gathered.discovery = found;
  auto v = get("/api/v1/targets");
  const auto& a = v.at("activeTargets").at(0);
  EXPECT_EQ(a.at("health").as_string(), "down");
  EXPECT_EQ(a.at("globalUrl").as_string(), "http://h:1/metrics");
  EXPECT_EQ(a.at("lastError").as_string(), "connection refused");
  EXPECT_EQ(a.at("lastScrape").as_string(), "1970-01-01T00:01:00.000Z");
  EXPECT_EQ(a.at("scrapeInterval").as_string(), "15s");
  EXPECT_EQ(v.at("droppedTargetCounts").at("j").as_int64(), 1);
  EXPECT_EQ(get("/api/v1/targets", {{"state", "active"}}).at("droppedTargets").as_array().size(),
            0u);
  EXPECT_EQ(get("/api/v1/targets", {{"scrapePool", "other"}}).at("activeTargets").as_array().size(),
            0u);
  EXPECT_EQ(text("/api/v1/targets", {{"state", "other"}}),
            R"({"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":null})");
  EXPECT_EQ(
      get("/api/v1/targets", {{"state", "ANY"}, {"scrapePool", "other"}}).at("droppedTargetCounts"),
      json::parse(R"({"j":1})"));
  const auto global = [&](std::string url) {
    t->url = std::move(url);
    auto shown = get("/api/v1/targets").at("activeTargets").at(0).at("globalUrl");
    return std::string(shown.as_string());
  };
  EXPECT_EQ(global("http://127.0.0.1:9/metrics"), "http://this-machine:9/metrics");
  EXPECT_EQ(global("http://[::1]:9/metrics"), "http://this-machine:9/metrics");
  EXPECT_EQ(global("http://localhost:9090/metrics?a=b"), "https://this-machine:443/metrics?a=b");
  EXPECT_EQ(global("http://localhost/metrics"), "http://localhost/metrics");
  EXPECT_EQ(global("http://localhost.x:9/metrics"), "http://localhost.x:9/metrics");
  all.external_url = "https://outside/a";
  the_api = std::make_unique<api>(all);
  EXPECT_EQ(global("http://localhost:9090/metrics"), "https://outside/metrics");
  EXPECT_EQ(global("http://localhost:9/metrics"), "http://localhost:9/metrics");
  EXPECT_EQ(text("/api/v1/scrape_pools"), R"({"scrapePools":["j"]})");
}

TEST_F(ApiTest, RoutingAndMethods) {
  EXPECT_EQ(call("GET", "/nothing").status, 404);
  EXPECT_EQ(call("GET", "/api/v1/label/a/b/values").status, 404);
  auto r = call("DELETE", "/api/v1/query");
  EXPECT_EQ(r.status, 405);
  EXPECT_EQ(http::find_header(r.header_fields, "Allow"), "GET, POST, OPTIONS");
  EXPECT_EQ(call("OPTIONS", "/api/v1/query").status, 204);
  EXPECT_EQ(call("GET", "/-/healthy").status, 200);
  EXPECT_EQ(call("GET", "/-/ready").status, 200);
  not_ready = "replaying";
  EXPECT_EQ(call("GET", "/-/ready").status, 503);
  metrics.get_counter("troupe_x_total", "X.").add(2);
  EXPECT_NE(call("GET", "/metrics").body.find("troupe_x_total 2"), std::string::npos);
  r = call("GET", "/");
  EXPECT_EQ(r.status, 200);
  EXPECT_NE(r.body.find("<title>A &amp; B &lt;script&gt;&#39;&#34;&lt;/script&gt;</title>"),
            std::string::npos)
      << r.body;
  EXPECT_EQ(call("GET", "/page.js").content_type, "text/javascript; charset=utf-8");
}

TEST_F(ApiTest, QueriesGoToTheQueryLogOnce) {
  std::vector<std::pair<std::string, std::string>> lines;
  all.log_line = [&](const std::string& path, std::string line) {
    lines.emplace_back(path, std::move(line));
  };
  all.route_prefix = "/p";
  the_api = std::make_unique<api>(all);
  call("GET", "/api/v1/query", {{"query", "up"}});
  EXPECT_TRUE(lines.empty()) << "no configuration yet";
  auto c = std::make_shared<config::config>();
  c->global.query_log_file = "/q.log";
  gathered.config = c;
  call("GET", "/api/v1/query", {{"query", "up{job=\"a\"}"}, {"time", "135"}});
  call("POST", "/api/v1/query_range",
       {{"query", "up"}, {"start", "100"}, {"end", "130.25"}, {"step", "15.9"}});
  call("GET", "/api/v1/query", {{"query", "up("}});
  call("GET", "/api/v1/query", {{"query", "up + on() up"}, {"time", "135"}});
  call("GET", "/api/v1/series", {{"match[]", "up"}});
  ASSERT_EQ(lines.size(), 3u) << "what does not parse is not run";
  EXPECT_EQ(lines[0].first, "/q.log");
  auto v = json::parse(lines[0].second);
  EXPECT_EQ(v.at("time"), "1970-01-01T00:02:15.000Z");
  EXPECT_EQ(v.at("level"), "INFO");
  EXPECT_EQ(v.at("msg"), "promql query logged");
  EXPECT_EQ(json::serialize(v.at("params")),
            R"({"end":"1970-01-01T00:02:15.000Z","query":"up{job=\"a\"}",)"
            R"("start":"1970-01-01T00:02:15.000Z","step":0})");
  EXPECT_EQ(v.at("stats").at("samples").at("totalQueryableSamples"), 1);
  EXPECT_EQ(json::serialize(v.at("httpRequest")),
            R"({"clientIP":"","method":"GET","path":"/p/api/v1/query"})");
  EXPECT_FALSE(v.as_object().contains("error"));
  v = json::parse(lines[1].second);
  EXPECT_EQ(v.at("params").at("end"), "1970-01-01T00:02:10.250Z");
  EXPECT_EQ(v.at("params").at("step"), 15);
  v = json::parse(lines[2].second);
  EXPECT_NE(v.at("error").as_string().find("many-to-many"), json::string::npos) << lines[2].second;
}

TEST(EventLines, FailedScrapesAndClients) {
  EXPECT_EQ(scrape_failure_line(1500, "j", "http://a/\"", "no\nroute"),
            R"({"time":"1970-01-01T00:00:01.500Z","level":"ERROR","msg":"no\nroute",)"
            R"("job_name":"j","target":"http://a/\""})");
  const auto client = [](std::string_view address) {
    query_event e;
    e.remote_address = address;
    return std::string(json::parse(query_line(e)).at("httpRequest").at("clientIP").as_string());
  };
  EXPECT_EQ(client("1.2.3.4:567"), "1.2.3.4");
  EXPECT_EQ(client("1.2.3.4"), "1.2.3.4");
  EXPECT_EQ(client("[fe80::1]:567"), "fe80::1");
  EXPECT_EQ(client("fe80::1"), "fe80::1");
  EXPECT_EQ(client("[fe80"), "[fe80");
  EXPECT_EQ(client(""), "");
}

TEST_F(ApiTest, StatsPerStepOnlyWhenAsked) {
  const http::params range = {
      {"query", "up"}, {"start", "100"}, {"end", "130"}, {"step", "15"}, {"stats", "all"}};
  auto all_stats = get("/api/v1/query_range", range).at("stats").at("samples");
  EXPECT_EQ(json::serialize(all_stats.at("totalQueryableSamplesPerStep")),
            "[[100,2],[115,2],[130,2]]");
  EXPECT_EQ(all_stats.at("totalQueryableSamples"), 6);
  auto some = range;
  some.back().second = "true";
  EXPECT_EQ(get("/api/v1/query_range", some)
                .at("stats")
                .at("samples")
                .as_object()
                .count("totalQueryableSamplesPerStep"),
            0u);
}

TEST(ApiParams, Times) {
  EXPECT_EQ(*parse_time("1.5"), 1500);
  EXPECT_EQ(*parse_time("1e3"), 1'000'000);
  EXPECT_EQ(*parse_time("2015-07-01T20:10:51.781Z"), 1'435'781'451'781);
  EXPECT_EQ(*parse_time("2015-07-01T22:10:51.781+02:00"), 1'435'781'451'781);
  for (const char* bad :
       {"", "x", "2015-13-01T00:00:00Z", "2015-07-01", "1e300", "NaN", "2015-07-01T20:10:51"})
    EXPECT_FALSE(parse_time(bad).ok()) << bad;
  EXPECT_EQ(*parse_duration_param("15"), 15'000);
  EXPECT_EQ(*parse_duration_param("1h30m"), 5'400'000);
  EXPECT_FALSE(parse_duration_param("1x").ok());
  EXPECT_EQ(unescape_label_name("U__a_2e_b__c"), "a.b_c");
  EXPECT_EQ(unescape_label_name("plain_name"), "plain_name");
  EXPECT_EQ(unescape_label_name("U__bad_zz_"), "U__bad_zz_");
}

}  // namespace
}  // namespace troupe::api
