#include "pipeline/notify/notifier.h"

#include "pipeline/http/grant.h"
#include "tests/pipeline/notify/notify_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::notify {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class no_grants final : public http::grant_source {
 public:
  std::string_view name() const override { return "sigv4"; }
  result<http::grant_step> begin(int64_t) const override { return {errc::unavailable, "none"}; }
};

class Notifier : public testing::Test {
 protected:
  void start(notifier_options options = {}) {
    discover::discovery_environment env;
    env.metrics = &metrics_;
    env.endpoints.settings =
        [](const config::http_client_config&) -> result<discover::client_settings_ptr> {
      return discover::client_settings_ptr(std::make_shared<const http::client_settings>());
    };
    env.endpoints.endpoint = [](std::string_view url, discover::client_settings_ptr,
                                http::headers) -> result<http::endpoint_ptr> {
      auto e = std::make_shared<http::endpoint>();
      e->url = url;
      return http::endpoint_ptr(std::move(e));
    };
    env.endpoints.signing = [this](const config::sigv4_config& c) {
      EXPECT_EQ(c.region, "r");
      return signing_;
    };
    notifier_ = std::make_unique<notifier>(options, env);
    apply();
  }
  void apply() { notifier_->apply(std::make_shared<const config::config>(conf_), now_); }
  config::alertmanager_config& add_entry(std::vector<std::string> addresses) {
    config::alertmanager_config c;
    c.discovery.static_groups = {{std::move(addresses), {}}};
    conf_.alerting.alertmanagers.push_back(c);
    return conf_.alerting.alertmanagers.back();
  }
  static config::relabel_config drop(const std::string& label, const std::string& value) {
    config::relabel_config c;
    c.action = config::relabel_action::drop;
    c.source_labels = {label};
    c.regex = value;
    return c;
  }
  static std::vector<std::string> urls(const std::vector<http::fetch_request>& requests) {
    std::vector<std::string> out;
    for (const auto& r : requests)
      out.push_back(r.to->url);
    return out;
  }
  std::vector<http::fetch_request> tick() { return notifier_->tick(now_); }
  double figure(const std::string& name) {
    const auto text = metrics_.render();
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  registry metrics_;
  const http::grant_source_ptr signing_ = std::make_shared<const no_grants>();
  config::config conf_;
  int64_t now_ = 0;
  std::unique_ptr<notifier> notifier_;
};

TEST_F(Notifier, SendsToAll) {
  add_entry({"a:1", "b:1"});
  add_entry({"c:1"}).path_prefix = "/am";
  start();
  EXPECT_TRUE(tick().empty());
  notifier_->send(make_alerts(1));
  const auto requests = tick();
  EXPECT_THAT(urls(requests), ElementsAre("http://a:1/api/v2/alerts", "http://b:1/api/v2/alerts",
                                          "http://c:1/am/api/v2/alerts"));
  EXPECT_EQ(figure("prometheus_notifications_queue_length"), 3);
  EXPECT_EQ(figure("prometheus_notifications_alertmanagers_discovered"), 3);
  for (const auto& r : requests)
    notifier_->on_result(answer(r.token, 200), now_);
  EXPECT_TRUE(notifier_->idle());
  EXPECT_EQ(
      figure("prometheus_notifications_sent_total{alertmanager=\"http://a:1/api/v2/alerts\"}"), 1);
}

TEST_F(Notifier, ASlowOneDelaysNobody) {
  add_entry({"slow:1", "quick:1"});
  start({100, 1, true});
  notifier_->send(make_alerts(3));
  auto requests = tick();
  ASSERT_EQ(requests.size(), 2u);
  for (int i = 0; i < 2; ++i) {
    notifier_->on_result(answer(requests.back().token, 200), now_);
    requests = tick();
    EXPECT_THAT(urls(requests), ElementsAre("http://quick:1/api/v2/alerts"));
  }
  notifier_->on_result(answer(requests.back().token, 200), now_);
  EXPECT_TRUE(tick().empty());
  EXPECT_EQ(notifier_->queued(), 3u);
}

TEST_F(Notifier, AddsExternalLabelsAndRelabels) {
  conf_.global.external_labels = {{"region", "eu"}, {"alertname", "no"}};
  config::relabel_config replica;
  replica.action = config::relabel_action::labeldrop;
  replica.regex = "replica";
  conf_.global.external_labels["replica"] = "1";
  conf_.alerting.alert_relabel_configs = {replica, drop("alertname", "a1")};
  add_entry({"a:1"});
  add_entry({"b:1"}).alert_relabel_configs = {drop("region", "eu")};
  start();
  notifier_->send(make_alerts(2));
  const auto requests = tick();
  ASSERT_THAT(urls(requests), ElementsAre("http://a:1/api/v2/alerts"));
  EXPECT_THAT(requests[0].body, HasSubstr(R"("labels":{"alertname":"a0","region":"eu"})"));
  EXPECT_THAT(requests[0].body, testing::Not(HasSubstr("a1")));
}

TEST_F(Notifier, WithoutAlertmanagersAlertsGoNowhere) {
  start();
  notifier_->send(make_alerts(2));
  EXPECT_TRUE(tick().empty());
  EXPECT_TRUE(notifier_->idle());
}

TEST_F(Notifier, AReloadKeepsWhatWaits) {
  add_entry({"a:1", "gone:1"});
  start();
  notifier_->send(make_alerts(2));
  const auto first = tick();
  ASSERT_EQ(first.size(), 2u);
  conf_.alerting.alertmanagers[0].timeout_ms = 3000;
  conf_.alerting.alertmanagers[0].discovery.static_groups[0].targets = {"a:1", "new:1"};
  apply();
  EXPECT_EQ(figure("troupe_notifications_dropped_total"), 2);
  notifier_->on_result(answer(first[0].token, 200), now_);
  const auto again = tick();
  ASSERT_THAT(urls(again), ElementsAre("http://a:1/api/v2/alerts"));
  EXPECT_EQ(again[0].timeout_ms, 3000);
  // An unchanged entry keeps its request in flight.
  add_entry({"c:1"});
  apply();
  EXPECT_TRUE(tick().empty());
  notifier_->on_result(answer(again[0].token, 200), now_);
  EXPECT_TRUE(notifier_->idle());
}

TEST_F(Notifier, FindsAlertmanagersByHttp) {
  config::alertmanager_config c;
  c.discovery.http = {{"http://sd/", 60'000, {}}};
  conf_.alerting.alertmanagers = {c};
  start();
  const auto asked = tick();
  ASSERT_THAT(urls(asked), ElementsAre("http://sd/"));
  auto found = answer(asked[0].token, 200);
  found.content_type = "application/json";
  found.body = R"([{"targets":["x:1","x:1","y/z"],"labels":{"__scheme__":"https"}}])";
  notifier_->on_result(found, now_);
  notifier_->send(make_alerts(1));
  (void)tick();
  EXPECT_THAT(notifier_->state()->active, ElementsAre("https://x:1/api/v2/alerts"));
  EXPECT_THAT(notifier_->state()->errors, ElementsAre("y/z: \"y/z\" is not a valid hostname"));
  notifier_->send(make_alerts(1));
  EXPECT_THAT(urls(tick()), ElementsAre("https://x:1/api/v2/alerts"));
}

TEST_F(Notifier, ShowsWhatRelabellingDropped) {
  add_entry({"a:1", "b:1"}).relabel_configs = {drop("__address__", "b:1")};
  start();
  EXPECT_THAT(notifier_->state()->active, ElementsAre("http://a:1/api/v2/alerts"));
  EXPECT_THAT(notifier_->state()->dropped, ElementsAre("http://b:1/api/v2/alerts"));
}

TEST_F(Notifier, AnEntryThatCannotWorkSaysWhy) {
  config::relabel_config bad;
  bad.regex = "(";
  add_entry({"a:1"}).alert_relabel_configs = {bad};
  start();
  EXPECT_TRUE(notifier_->state()->active.empty());
  EXPECT_THAT(notifier_->state()->errors, ElementsAre(HasSubstr("missing closing )")));
}

TEST_F(Notifier, RequestsAreSignedWhereAskedFor) {
  add_entry({"a:1"}).sigv4.emplace().region = "r";
  add_entry({"b:1"});
  start();
  notifier_->send(make_alerts(1));
  const auto requests = tick();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].grants, signing_);
  EXPECT_EQ(requests[1].grants, nullptr);
}

TEST_F(Notifier, DrainsAtStop) {
  add_entry({"a:1"});
  start({100, 1, true});
  notifier_->send(make_alerts(2));
  notifier_->stop();
  notifier_->send(make_alerts(5));
  for (int i = 0; i < 2; ++i) {
    const auto requests = tick();
    ASSERT_EQ(requests.size(), 1u);
    EXPECT_FALSE(notifier_->idle());
    notifier_->on_result(answer(requests[0].token, 200), now_);
  }
  EXPECT_TRUE(notifier_->idle());
}

TEST_F(Notifier, GivesUpAtTheDeadlineOrAtOnce) {
  add_entry({"a:1"});
  start({100, 1, true});
  notifier_->send(make_alerts(2));
  (void)tick();
  notifier_->stop();
  notifier_->abandon();
  EXPECT_TRUE(notifier_->idle());
  EXPECT_EQ(figure("troupe_notifications_dropped_total"), 2);

  start({100, 1, false});
  notifier_->send(make_alerts(3));
  notifier_->stop();
  EXPECT_TRUE(notifier_->idle());
  EXPECT_EQ(figure("troupe_notifications_dropped_total"), 5);
}

}  // namespace
}  // namespace troupe::notify
