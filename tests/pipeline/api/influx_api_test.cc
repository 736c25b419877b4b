// InfluxDB's write API: what it takes and what it answers.
#include "pipeline/http/gzip_encoder.h"
#include "tests/pipeline/api/door_fixture.h"

#include <gmock/gmock.h>

namespace troupe::api {
namespace {

using ::testing::HasSubstr;

class InfluxApiTest : public DoorTest {
 protected:
  InfluxApiTest() {
    base.enable_import = true;
    base.influx_databases = {"telegraf", "a\"b"};
    remake();
  }
  http::response write(std::string body, http::params query = {}, http::headers fields = {},
                       const std::string& path = "/write") {
    return send_to(path, std::move(body), std::move(fields), std::move(query));
  }
  std::string first_series() const {
    return stored.empty() ? "" : stored[0]->table->series.at(0).to_string();
  }
};

TEST_F(InfluxApiTest, AllPathsLeadToStorage) {
  for (const char* path : {"/write", "/influx/write", "/api/v2/write", "/influx/api/v2/write"}) {
    const auto r = write("cpu,host=a usage=1 1700000000000000000\n", {}, {}, path);
    EXPECT_EQ(r.status, 204) << path << r.body;
    EXPECT_EQ(r.body, "");
    EXPECT_EQ(first_series(), "cpu_usage{host=\"a\"}");
    EXPECT_EQ(stored.at(0)->floats.at(0).ts, 1'700'000'000'000);
  }
  base.enable_import = false;
  remake();
  EXPECT_EQ(write("m a=1").status, 404);
  EXPECT_THAT(write("m a=1").body, HasSubstr("--troupe.web.enable-import"));
  EXPECT_EQ(write("", {}, {}, "/query").status, 404);
}

TEST_F(InfluxApiTest, ParametersNameDatabasePrecisionAndLabels) {
  auto r =
      write("m a=1 1700000000",
            {{"db", "d"}, {"precision", "s"}, {"extra_label", "dc=eu"}, {"extra_label", "x=y=z"}});
  EXPECT_EQ(r.status, 204) << r.body;
  EXPECT_EQ(stored.at(0)->floats.at(0).ts, 1'700'000'000'000);
  const auto& series = stored.at(0)->table->series.at(stored.at(0)->floats.at(0).series);
  EXPECT_EQ(series.to_string(), "m_a{db=\"d\", dc=\"eu\", x=\"y=z\"}");
  r = write("m a=1", {{"precision", "d"}});
  EXPECT_EQ(r.status, 400);
  EXPECT_THAT(r.body, HasSubstr("unknown precision \"d\""));
  r = write("m a=1", {{"extra_label", "dc"}});
  EXPECT_EQ(r.status, 400);
  EXPECT_THAT(r.body, HasSubstr("extra_label"));
}

TEST_F(InfluxApiTest, BodiesMayBeCompressed) {
  EXPECT_EQ(write(http::gzip("m a=1 1"), {}, {{"Content-Encoding", "gzip"}}).status, 204);
  EXPECT_EQ(first_series(), "m_a");
  EXPECT_EQ(write("m a=1 1", {}, {{"Content-Encoding", "gzip"}}).status, 400);
  EXPECT_EQ(write("m a=1 1", {}, {{"Content-Encoding", "br"}}).status, 415);
  EXPECT_EQ(
      write(http::gzip(std::string(64u << 20, '\n')), {}, {{"Content-Encoding", "gzip"}}).status,
      413);
  EXPECT_EQ(budget->used(), 0u);
}

TEST_F(InfluxApiTest, WhatIsRefusedIsNamed) {
  const auto r = write("m a=1 1\nbad\n");
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(r.body,
            "the valid part is stored; 1 series (1 samples) are invalid: line 2: no fields in "
            "\"bad\"\n");
  EXPECT_EQ(stored.size(), 1u);
  const std::string exposed = metrics.render();
  for (const char* line : {"troupe_influx_requests_total{protocol=\"line\"} 1\n",
                           "troupe_influx_refused_total{kind=\"series\"} 1\n"})
    EXPECT_THAT(exposed, HasSubstr(line));
}

TEST_F(InfluxApiTest, AgentsAskForDatabasesAndHealth) {
  for (const char* path : {"/query", "/influx/query"}) {
    const auto r = write("", {{"q", "SHOW DATABASES"}}, {}, path);
    EXPECT_EQ(r.status, 200);
    EXPECT_EQ(r.content_type, "application/json");
    EXPECT_EQ(r.body, R"({"results":[{"statement_id":0,"series":[{"name":"databases",)"
                      R"("columns":["name"],"values":[["telegraf"],["a\"b"]]}]}]})");
  }
}

}  // namespace
}  // namespace troupe::api
