// Both sides of federation as actors, the fetcher between them.
#include "actors/federation_actor.h"

#include "actors/feed_actor.h"
#include "config/config.h"
#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/url.h"
#include "storage/wal/wal_door.h"
#include "tests/storage/wal/wal_kit.h"
#include "tests/support/actor_fixture.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <utility>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

/// Carries each request to the source's actor.
class to_source final : public http::fetcher {
 public:
  explicit to_source(const feed_actor& source) : source_(source) {}

  void fetch(std::vector<http::fetch_request> batch, done_fn done) override {
    static const api::route route{"POST DELETE", "/api/v1/federation/stream", api::route_kind::feed,
                                  nullptr};
    for (auto& r : batch) {
      auto call = std::make_shared<http_call>();
      call->route = &route;
      call->request.method = r.method;
      call->request.query = *http::parse_form(r.body);
      call->respond = [this, done, token = r.token](http::response a) {
        http::fetch_result got;
        got.token = token;
        got.code = a.status;
        got.body = a.status == 200
                       ? http::bounded_decoder(budget_).decode(http::encoding::snappy, a.body)->data
                       : a.body;
        got.header_fields = std::move(a.header_fields);
        codes.push_back(got.code);
        done({std::move(got)});
      };
      caf::anon_send(source_, call_atom_v, call);
    }
  }
  void stop() override {}
  std::vector<int> codes;

 private:
  const feed_actor& source_;
  std::shared_ptr<http::byte_budget> budget_ = std::make_shared<http::byte_budget>(1 << 30);
};

class FederationActorTest : public actor_test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log.start().ok());
    door = std::make_unique<storage::wal_door>(*log.dir);
    feed_params fp;
    fp.env.feeds = {door.get(), 7, {}};
    fp.env.metrics = &metrics;
    fp.env.described = [] { return std::vector<std::pair<std::string, metadata>>(); };
    fp.env.readable = [] { return true; };
    fp.clk = &log.clk;
    source = sys.spawn(feeding, fp);
    auto all = std::make_shared<links>();
    all->ingest.push_back(sys.spawn([this](ingest_actor::pointer) {
      return ingest_actor::behavior_type{
          [](ping_atom) { return pong_atom_v; },
          [](stop_atom) { return stopped_atom_v; },
          [this](put_atom, const batch_list_ptr& batches, bool awaited) -> outcome_list_ptr {
            EXPECT_TRUE(awaited);
            for (const auto& b : *batches)
              stored += b->sample_count();
            return std::make_shared<const std::vector<ingest::outcome>>(
                batches->size(), ingest::outcome{storing, {}});
          },
          [](commit_atom) {},
          [](sync_atom) {},
          [](replay_atom) {},
      };
    }));
    peers = all;
    federation_params p;
    p.env.files = &log.fs;
    p.env.metrics = &metrics;
    p.env.known = &known;
    p.env.endpoints.settings = [](const config::http_client_config& c) {
      return http::make_client_settings(c, {});
    };
    p.env.endpoints.endpoint = [](std::string_view url, discover::client_settings_ptr s,
                                  http::headers h) {
      return http::make_endpoint(url, std::move(s), std::move(h));
    };
    p.env.folder = "data/federation";
    p.env.node = "1";
    p.store = {1, &metrics, {}, {}};
    p.fetcher = &fetcher;
    p.clk = &log.clk;
    subscriber = sys.spawn(federating, p);
    auto c = std::make_shared<config::config>();
    auto& block = c->own.federation.emplace_back();
    block.name = "east";
    block.url = "http://source";
    block.match = {"m"};
    caf::anon_send(subscriber, links_atom_v, peers);
    caf::anon_send(source, config_atom_v, config_ptr(c));
    caf::anon_send(subscriber, config_atom_v, config_ptr(c));
    run();
  }
  void TearDown() override {
    kill(subscriber);
    kill(source);
    kill(peers->ingest[0]);
    peers.reset();
  }

  void write() {
    const auto table = storage::table_of({labels::from({{"__name__", "m"}})});
    ASSERT_TRUE(log.writer->append(storage::simple_batch(table, log.clk.now_ms(), {1})).ok());
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
  remote::series_cache known{{}, log.clk};
  feed_actor source;
  federation_actor subscriber;
  to_source fetcher{source};
  links_ptr peers;
  size_t stored = 0;
  status storing;
};

TEST_F(FederationActorTest, WhatIsCommittedThereIsStoredHere) {
  pass(2000ms);
  write();
  pass(600ms);
  EXPECT_EQ(stored, 1u);
  storing = {errc::unavailable, "starting"};
  write();
  pass(600ms);
  EXPECT_GE(stored, 2u) << "offered, but not stored";
  storing = {};
  stored = 0;
  pass(6000ms);
  EXPECT_EQ(stored, 1u);
}

TEST_F(FederationActorTest, AStoppingSourceAnswersAndAStoppingSubscriberAsksNoMore) {
  pass(1000ms);
  fetcher.codes.clear();
  self->request(source, caf::infinite, stop_atom_v);
  run();
  EXPECT_TRUE(self->has_next_message());
  ASSERT_FALSE(fetcher.codes.empty());
  EXPECT_EQ(fetcher.codes.front(), 503);
  self->request(subscriber, caf::infinite, stop_atom_v);
  run();
  fetcher.codes.clear();
  pass(6000ms);
  EXPECT_TRUE(fetcher.codes.empty());
}

}  // namespace
}  // namespace troupe::actors
