#include "actors/send_actor.h"

#include "config/config.h"
#include "pipeline/http/endpoint.h"
#include "storage/wal/wal_door.h"
#include "tests/storage/wal/wal_kit.h"
#include "tests/support/actor_fixture.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <utility>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

class kept_fetches final : public http::fetcher {
 public:
  void fetch(std::vector<http::fetch_request> batch, done_fn done) override {
    for (auto& r : batch)
      open.emplace_back(std::move(r), done);
  }
  void stop() override {}
  void answer(int code) {
    auto [request, done] = std::move(open.front());
    open.erase(open.begin());
    http::fetch_result r;
    r.token = request.token;
    r.code = code;
    done({r});
  }
  std::vector<std::pair<http::fetch_request, done_fn>> open;
};

class SendActorTest : public actor_test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log.start().ok());
    door = std::make_unique<storage::wal_door>(*log.dir);
    send_params p;
    p.env.log = door.get();
    p.env.files = &log.fs;
    p.env.metrics = &metrics;
    p.env.endpoints.settings = [](const config::http_client_config& c) {
      return http::make_client_settings(c, {});
    };
    p.env.endpoints.endpoint = [](std::string_view url, discover::client_settings_ptr s,
                                  http::headers h) {
      return http::make_endpoint(url, std::move(s), std::move(h));
    };
    p.env.described = [] { return std::vector<std::pair<std::string, metadata>>(); };
    p.env.folder = "data/remote_write";
    p.fetcher = &fetcher;
    p.clk = &log.clk;
    actor_ = sys.spawn(sending, p);
    auto c = std::make_shared<config::config>();
    c->remote_write.emplace_back().url = "http://receiver/api/v1/write";
    c->remote_write[0].queue.batch_send_deadline_ms = 100;
    caf::anon_send(actor_, config_atom_v, config_ptr(c));
    run();
  }
  void TearDown() override { kill(actor_); }

  void write() {
    const auto table = storage::table_of({labels::from({{"__name__", "m"}})});
    ASSERT_TRUE(log.writer->append(storage::simple_batch(table, ++ts_, {1})).ok());
    ASSERT_TRUE(log.writer->commit().ok());
  }
  void pass(std::chrono::milliseconds time) {
    for (auto t = 0ms; t < time; t += 50ms) {
      log.clk.advance_ms(50);
      advance(50ms, 50ms);
    }
  }

  storage::log_fixture log{1};
  std::unique_ptr<storage::wal_door> door;
  registry metrics;
  kept_fetches fetcher;
  send_actor actor_;
  timestamp_ms ts_ = 1'700'000'000'000;
};

TEST_F(SendActorTest, SendsWhatIsCommittedAndRepeatsWhatFails) {
  write();
  pass(500ms);
  ASSERT_EQ(fetcher.open.size(), 1u);
  EXPECT_EQ(fetcher.open[0].first.to->target(), "/api/v1/write");
  fetcher.answer(503);
  run();
  pass(300ms);
  ASSERT_EQ(fetcher.open.size(), 1u);
  fetcher.answer(204);
  run();
  pass(500ms);
  EXPECT_TRUE(fetcher.open.empty());
}

TEST_F(SendActorTest, StopWaitsForAnswersButNotForEver) {
  write();
  pass(500ms);
  ASSERT_EQ(fetcher.open.size(), 1u);
  self->request(actor_, caf::infinite, stop_atom_v);
  run();
  pass(500ms);
  EXPECT_FALSE(self->has_next_message());
  pass(1200ms);
  EXPECT_TRUE(self->has_next_message());
}

TEST_F(SendActorTest, StopsAtOnceWithoutOne) {
  self->request(actor_, caf::infinite, stop_atom_v);
  run();
  EXPECT_TRUE(self->has_next_message());
}

}  // namespace
}  // namespace troupe::actors
