#include "actors/notify_actor.h"

#include "config/config.h"
#include "pipeline/http/endpoint.h"
#include "tests/support/actor_fixture.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <string>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

// Keeps what it is to fetch until the test answers.
class manual_fetcher final : public http::fetcher {
 public:
  void fetch(std::vector<http::fetch_request> batch, done_fn done) override {
    for (auto& r : batch)
      open.push_back({std::move(r), done});
  }
  void stop() override {}
  void answer(int code) {
    auto first = std::move(open.front());
    open.erase(open.begin());
    http::fetch_result r;
    r.token = first.request.token;
    r.code = code;
    first.done({r});
  }
  struct call {
    http::fetch_request request;
    done_fn done;
  };
  std::vector<call> open;
};

class NotifyActorTest : public actor_test {
 protected:
  void SetUp() override {
    notify_params p;
    p.options.batch_size = 1;
    p.env.metrics = &metrics;
    p.env.endpoints.settings = [](const config::http_client_config& c) {
      return http::make_client_settings(c, {});
    };
    p.env.endpoints.endpoint = [](std::string_view url, discover::client_settings_ptr s,
                                  http::headers h) {
      return http::make_endpoint(url, std::move(s), std::move(h));
    };
    p.fetcher = &fetcher;
    p.clk = &clk;
    p.publish = [this](alertmanagers_state_ptr s) { published = std::move(s); };
    actor_ = sys.spawn(notification, p);
    auto c = std::make_shared<config::config>();
    config::alertmanager_config entry;
    entry.discovery.static_groups = {{{"am:9093"}, {}}};
    c->alerting.alertmanagers = {entry};
    caf::anon_send(actor_, config_atom_v, config_ptr(c));
    run();
  }
  void TearDown() override { kill(actor_); }

  void send_alerts(int count) {
    auto all = std::make_shared<std::vector<std::shared_ptr<const notify::alert>>>();
    for (int i = 0; i < count; ++i) {
      auto a = std::make_shared<notify::alert>();
      a->identity = labels::from({{"alertname", "a" + std::to_string(i)}});
      all->push_back(std::move(a));
    }
    caf::anon_send(actor_, alerts_atom_v, alert_list_ptr(all));
    run();
  }
  void pass(std::chrono::milliseconds time) {
    for (auto t = 0ms; t < time; t += 50ms) {
      clk.advance_ms(50);
      advance(50ms, 50ms);
    }
  }
  // Sends stop and lets `time` pass; was it answered?
  bool stops_within(std::chrono::milliseconds time) {
    self->request(actor_, caf::infinite, stop_atom_v);
    run();
    pass(time);
    return self->has_next_message();
  }

  registry metrics;
  manual_clock clk;
  manual_fetcher fetcher;
  alertmanagers_state_ptr published;
  notify_actor actor_;
};

TEST_F(NotifyActorTest, SendsAtOnceAndGoesOnWithEveryAnswer) {
  ASSERT_TRUE(published);
  EXPECT_EQ(published->active, std::vector<std::string>{"http://am:9093/api/v2/alerts"});
  send_alerts(2);
  ASSERT_EQ(fetcher.open.size(), 1u);
  EXPECT_EQ(fetcher.open[0].request.to->target(), "/api/v2/alerts");
  fetcher.answer(200);
  run();
  ASSERT_EQ(fetcher.open.size(), 1u);
  fetcher.answer(503);
  run();
  EXPECT_TRUE(fetcher.open.empty());
  pass(2s);
  EXPECT_EQ(fetcher.open.size(), 1u) << "repeated after a pause";
}

TEST_F(NotifyActorTest, AnIdleOneStopsAtOnce) {
  EXPECT_TRUE(stops_within(0ms));
}

TEST_F(NotifyActorTest, StopWaitsForWhatIsQueued) {
  send_alerts(2);
  EXPECT_FALSE(stops_within(1s));
  fetcher.answer(200);
  run();
  fetcher.answer(200);
  run();
  EXPECT_TRUE(self->has_next_message());
}

TEST_F(NotifyActorTest, StopWaitsNoLongerThanItsDeadline) {
  send_alerts(2);
  EXPECT_TRUE(stops_within(2100ms));
  EXPECT_EQ(metrics.get_counter("troupe_notifications_dropped_total", "").value(), 2);
}

}  // namespace
}  // namespace troupe::actors
