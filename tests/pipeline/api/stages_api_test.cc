// Pauses of stages over HTTP: what may be asked, what is told, and that the flag guards it.
#include "config/config.h"
#include "pipeline/api/api.h"
#include "pipeline/stages/stage_switches.h"

#include <gtest/gtest.h>

namespace troupe::api {
namespace {

using stages::stage;

class StagesApiTest : public ::testing::Test {
 protected:
  StagesApiTest() {
    auto c = std::make_shared<config::config>();
    for (const char* name : {"main", "spare"}) {
      auto& b = c->own.publish.emplace_back();
      b.name = name;
      b.topic = std::string("t.") + name;
    }
    c->own.federation.emplace_back();
    c->own.federation.back().name = "west";
    c->own.federation.back().url = "http://u:secret@west:9090";
    all.config = [c] { return c; };
    all.clk = &clk;
    all.enable_admin = true;
    all.switches = &switches;
  }

  http::response call(std::string method, std::string path, http::params query = {}) {
    const api the_api(all);
    http::request r;
    r.method = std::move(method);
    r.path = std::move(path);
    r.query = std::move(query);
    const auto m = the_api.find(r);
    return m.to ? std::get<http::response>(the_api.handle(*m.to, r, {})) : m.refusal;
  }
  http::response pause(http::params query) {
    return call("POST", "/api/v1/admin/stages/pause", std::move(query));
  }
  bool is_paused(stage at, const std::string& name) {
    return switches.is_paused(at, name, clk.monotonic_ns());
  }
  std::string status() { return call("GET", "/api/v1/status/stages").body; }

  manual_clock clk{60'000};
  registry metrics;
  stages::stage_switches switches{metrics};
  services all;
};

TEST_F(StagesApiTest, PauseOfOneThatEndsByItself) {
  EXPECT_EQ(
      pause({{"stage", "publish"}, {"name", "main"}, {"for", "1m"}, {"reason", "drill"}}).body,
      R"({"status":"success","data":[{"stage":"publish","name":"main",)"
      R"("pausedUntil":"1970-01-01T00:02:00.000Z"}]})");
  EXPECT_TRUE(is_paused(stage::publish, "main"));
  EXPECT_FALSE(is_paused(stage::publish, "spare"));
  EXPECT_EQ(status(), R"({"status":"success","data":[)"
                      R"({"stage":"publish","name":"main","topic":"t.main",)"
                      R"("pausedUntil":"1970-01-01T00:02:00.000Z","reason":"drill"},)"
                      R"({"stage":"publish","name":"spare","topic":"t.spare","pausedUntil":null},)"
                      R"({"stage":"federate","name":"west","url":"http://xxxxx:xxxxx@west:9090",)"
                      R"("pausedUntil":null}]})");
  clk.advance_ms(60'000);
  EXPECT_EQ(status().find("1970"), std::string::npos);
}

TEST_F(StagesApiTest, AllOfAStageArePausedAndResumed) {
  EXPECT_EQ(pause({{"stage", "publish"}, {"for", "60"}}).status, 200);
  EXPECT_TRUE(is_paused(stage::publish, "main") && is_paused(stage::publish, "spare"));
  EXPECT_FALSE(is_paused(stage::federate, "west"));
  EXPECT_EQ(
      call("POST", "/api/v1/admin/stages/resume", {{"stage", "publish"}, {"name", "main"}}).body,
      R"({"status":"success","data":[{"stage":"publish","name":"main"}]})");
  EXPECT_TRUE(is_paused(stage::publish, "spare"));
  EXPECT_EQ(call("POST", "/api/v1/admin/stages/resume", {{"stage", "publish"}}).body,
            R"({"status":"success","data":[{"stage":"publish","name":"spare"}]})");
  EXPECT_EQ(call("POST", "/api/v1/admin/stages/resume", {{"stage", "publish"}}).body,
            R"({"status":"success","data":[]})");
}

TEST_F(StagesApiTest, WhatMakesNoSenseIsRefusedAndPausesNothing) {
  const http::params bad[] = {
      {{"for", "1m"}},
      {{"stage", "scrape"}, {"for", "1m"}},
      {{"stage", "publish"}, {"name", "other"}, {"for", "1m"}},
      {{"stage", "consume"}, {"for", "1m"}},  // there are none
      {{"stage", "publish"}},
      {{"stage", "publish"}, {"for", ""}},
      {{"stage", "publish"}, {"for", "soon"}},
      {{"stage", "publish"}, {"for", "0"}},
      {{"stage", "publish"}, {"for", "-5s"}},
      {{"stage", "publish"}, {"for", "nan"}},
      {{"stage", "publish"}, {"for", "1h1ms"}},
  };
  for (const auto& query : bad)
    EXPECT_EQ(pause(query).status, 400) << testing::PrintToString(query);
  EXPECT_TRUE(switches.list(clk.monotonic_ns()).empty());
  EXPECT_EQ(pause({{"stage", "publish"}, {"for", "1h"}}).status, 200);
  EXPECT_EQ(call("GET", "/api/v1/admin/stages/pause").status, 405);
  EXPECT_EQ(call("POST", "/api/v1/admin/stages/resume", {{"stage", "x"}}).status, 400);
}

TEST_F(StagesApiTest, OnlyWithTheAdminApi) {
  all.enable_admin = false;
  EXPECT_EQ(pause({{"stage", "publish"}, {"for", "1m"}}).status, 503);
  EXPECT_EQ(call("POST", "/api/v1/admin/stages/resume", {{"stage", "publish"}}).status, 503);
  EXPECT_TRUE(switches.list(clk.monotonic_ns()).empty());
  EXPECT_NE(status().find("t.main"), std::string::npos);
}

TEST_F(StagesApiTest, ANodeWithoutSwitchesSaysSo) {
  all.switches = nullptr;
  EXPECT_EQ(pause({{"stage", "publish"}, {"for", "1m"}}).status, 503);
  EXPECT_NE(status().find("t.main"), std::string::npos);
}

}  // namespace
}  // namespace troupe::api
