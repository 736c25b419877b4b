#include "pipeline/api/api.h"
#include "pipeline/rules/rule_board.h"

#include <gtest/gtest.h>

namespace troupe::api {
namespace {

rules::group_view_ptr group(const std::string& file, const std::string& name) {
  auto d = std::make_shared<rules::group_definition>();
  d->file = file;
  d->name = name;
  d->interval_ms = 15'000;
  d->limit = 5;
  rules::rule_definition record, alert;
  record.name = "a:b";
  record.expr = "x + 1";
  record.labels = {{"l", "v"}};
  alert.name = "High";
  alert.alerting = true;
  alert.expr = "x > 1";
  alert.for_ms = 90'000;
  alert.keep_firing_for_ms = 1'500;
  alert.labels = {{"severity", "page"}};
  alert.annotations = {{"e", ""}, {"s", "\"{{ $value }}\""}};
  d->rules.push_back(std::move(record));
  d->rules.push_back(std::move(alert));
  auto out = std::make_shared<rules::group_view>();
  out->definition = d;
  out->duration_ns = 2'500'000;
  out->last_evaluation = 1'000;
  rules::rule_view failed{{rules::rule_health::bad, "it \"broke\"", 1'000'000, 1'000},
                          rules::alert_state::inactive,
                          {}};
  rules::alert a;
  a.lset = labels::from({{"alertname", "High"}, {"i", "1"}});
  a.annotations = {{"s", "7"}};
  a.state = rules::alert_state::firing;
  a.value = 17;
  a.active_at = 60'123;
  a.keep_firing_since = 90'000;
  out->rules = {failed, {{rules::rule_health::good, "", 500, 1'000}, a.state, {a}}};
  return out;
}

class rules_api_test : public ::testing::Test {
 protected:
  rules_api_test() {
    services s;
    s.rules = &board;
    api_ = std::make_unique<api>(std::move(s));
    board.publish(group("b.yml", "z"));
    board.publish(group("a.yml", "y"));
    board.publish(group("b.yml", "x"));
  }
  http::response get(const std::string& path, http::params query = {}) {
    http::request r;
    r.method = "GET";
    r.path = path;
    r.query = std::move(query);
    return std::get<http::response>(api_->handle(*api_->find(r).to, r, {}));
  }
  /// Names of the groups, in order.
  std::string groups(http::params query = {}) {
    const auto body = get("/api/v1/rules", std::move(query)).body;
    std::string out;
    for (size_t at = 0; (at = body.find("{\"name\":\"", at)) != std::string::npos; ++at)
      if (body.compare(at + 10, 8, "\",\"file\"") == 0)
        out += body[at + 9];
    return out;
  }
  int code(http::params query) { return get("/api/v1/rules", std::move(query)).status; }

  rules::rule_board board;
  std::unique_ptr<api> api_;
};

constexpr std::string_view alert_json =
    R"({"labels":{"alertname":"High","i":"1"},"annotations":{"s":"7"},"state":"firing",)"
    R"("activeAt":"1970-01-01T00:01:00.123Z","keepFiringSince":"1970-01-01T00:01:30.000Z",)"
    R"("value":"1.7e+01"})";

TEST_F(rules_api_test, a_group) {
  const std::string expected =
      R"({"status":"success","data":{"groups":[{"name":"y","file":"a.yml","rules":[)"
      R"({"name":"a:b","query":"x + 1","labels":{"l":"v"},"health":"err",)"
      R"("lastError":"it \"broke\"","evaluationTime":0.001,)"
      R"("lastEvaluation":"1970-01-01T00:00:01.000Z","type":"recording"},)"
      R"({"state":"firing","name":"High","query":"x > 1","duration":90,"keepFiringFor":1.5,)"
      R"("labels":{"severity":"page"},"annotations":{"e":"","s":"\"{{ $value }}\""},"alerts":[)" +
      std::string(alert_json) +
      R"(],"health":"ok","evaluationTime":5e-07,)"
      R"("lastEvaluation":"1970-01-01T00:00:01.000Z","type":"alerting"}],)"
      R"("interval":15,"limit":5,"evaluationTime":0.0025,)"
      R"("lastEvaluation":"1970-01-01T00:00:01.000Z"}]}})";
  EXPECT_EQ(get("/api/v1/rules", {{"rule_group[]", "y"}}).body, expected);
}

TEST_F(rules_api_test, a_group_that_was_evaluated_without_all_of_its_data) {
  auto g = std::make_shared<rules::group_view>(*group("a.yml", "y"));
  g->incomplete = {3, 60'000, {{"consume \"east\"", 30'000}, {"federation \"south\"", min_time}}};
  board.publish(g);
  const auto body = get("/api/v1/rules", {{"rule_group[]", "y"}}).body;
  EXPECT_NE(
      body.find(R"("lastEvaluation":"1970-01-01T00:00:01.000Z","incomplete":{"evaluations":3,)"
                R"("lastTimestamp":"1970-01-01T00:01:00.000Z","sources":[)"
                R"({"name":"consume \"east\"","completeUntil":"1970-01-01T00:00:30.000Z"},)"
                R"({"name":"federation \"south\"","completeUntil":null}]}}]}})"),
      std::string::npos)
      << body;
}

TEST_F(rules_api_test, filters) {
  EXPECT_EQ(groups(), "yxz") << "by file, then name";
  EXPECT_EQ(groups({{"file[]", "b.yml"}}), "xz");
  EXPECT_EQ(groups({{"rule_group[]", "z"}, {"rule_group[]", "y"}}), "yz");
  EXPECT_EQ(groups({{"rule_name[]", "nobody"}}), "");
  EXPECT_EQ(groups({{"rule_name[]", "High"}, {"file[]", "a.yml"}}), "y");
  EXPECT_EQ(groups({{"match[]", "{severity=\"page\"}"}}), "yxz");
  EXPECT_EQ(groups({{"match[]", "{severity=\"ticket\"}"}}), "");
  const auto records = get("/api/v1/rules", {{"type", "Record"}}).body;
  EXPECT_EQ(records.find("alerting"), std::string::npos);
  const auto alerts = get("/api/v1/rules", {{"type", "alert"}, {"exclude_alerts", "TRUE"}}).body;
  EXPECT_EQ(alerts.find("recording"), std::string::npos);
  EXPECT_NE(alerts.find("\"alerts\":null,"), std::string::npos);
}

TEST_F(rules_api_test, pages) {
  std::string seen, token;
  for (int page = 0; page < 3; ++page) {
    http::params query{{"group_limit", "1"}};
    if (!token.empty())
      query.push_back({"group_next_token", token});
    seen += groups(query);
    const auto body = get("/api/v1/rules", query).body;
    const std::string_view key = "\"groupNextToken\":\"";
    const auto at = body.find(key);
    EXPECT_EQ(at == std::string::npos, page == 2);
    token = at == std::string::npos ? "" : body.substr(at + key.size(), 32);
  }
  EXPECT_EQ(seen, "yxz");
}

TEST_F(rules_api_test, wrong_parameters) {
  EXPECT_EQ(code({{"type", "x"}}), 400);
  EXPECT_EQ(code({{"exclude_alerts", "maybe"}}), 400);
  EXPECT_EQ(code({{"group_limit", "0"}}), 400);
  EXPECT_EQ(code({{"group_limit", "1x"}}), 400);
  EXPECT_EQ(code({{"group_limit", "9999999999"}}), 400);
  EXPECT_EQ(code({{"group_next_token", "a"}}), 400);
  EXPECT_EQ(code({{"group_limit", "1"}, {"group_next_token", "a"}}), 400);
  EXPECT_EQ(code({{"match[]", "{"}}), 400);
}

TEST_F(rules_api_test, alerts_of_all_groups) {
  const std::string one(alert_json);
  EXPECT_EQ(get("/api/v1/alerts").body,
            R"({"status":"success","data":{"alerts":[)" + one + "," + one + "," + one + "]}}");
}

TEST_F(rules_api_test, a_removed_group_is_not_shown) {
  board.remove(*group("a.yml", "y")->definition);
  EXPECT_EQ(groups(), "xz");
}

}  // namespace
}  // namespace troupe::api
