#include "actors/receive_actor.h"

#include "pipeline/remote/series_cache.h"
#include "storage/base/clock.h"
#include "tests/support/actor_fixture.h"
#include "tests/support/remote_write_body.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::actors {
namespace {

constexpr uint32_t shard_count = 3;

class ReceiveActor : public actor_test {
 protected:
  ReceiveActor() {
    api::services s;
    s.clk = &clk;
    s.metrics = &metrics;
    s.budget = std::make_shared<http::byte_budget>(64u << 20);
    s.known_series = &known;
    s.enable_write_receiver = true;
    s.not_ready = [] { return std::string(); };
    door.emplace(std::move(s));
  }
  void SetUp() override {
    auto all = std::make_shared<links>();
    // They answer when told to.
    for (uint32_t i = 0; i < shard_count; ++i)
      all->ingest.push_back(sys.spawn([this, i](ingest_actor::pointer me) {
        return ingest_actor::behavior_type{
            [](ping_atom) { return pong_atom_v; },
            [](stop_atom) { return stopped_atom_v; },
            [this, me, i](put_atom, const batch_list_ptr& batches, bool awaited) {
              EXPECT_TRUE(awaited);
              auto promise = me->make_response_promise<outcome_list_ptr>();
              open.push_back({i, batches, promise, {}});
              return promise;
            },
            [this, i](commit_atom) { deliver(i); },
            [](sync_atom) {},
            [](replay_atom) {},
        };
      }));
    peers = all;
    spawn_receiver();
    caf::anon_send(receiver, links_atom_v, peers);
    run();
  }
  void TearDown() override {
    open.clear();
    kill(receiver);
    for (const auto& shard : peers->ingest)
      kill(shard);
    peers.reset();
  }

  void spawn_receiver() {
    receiver = sys.spawn(receiving, receive_params{&*door, {shard_count, &metrics, {}, {}}});
  }
  void post(std::string body) {
    auto call = std::make_shared<http_call>();
    call->request.method = "POST";
    call->request.path = "/api/v1/write";
    call->request.body = std::move(body);
    call->respond = [this](http::response&& r) { answers.push_back(std::move(r)); };
    call->route = door->find(call->request).to;
    ASSERT_NE(call->route, nullptr);
    call->place = queues.place(0);
    caf::anon_send(receiver, call_atom_v, call);
    run();
  }
  void answer(size_t index, status s) {
    open[index].verdict = std::move(s);
    caf::anon_send(peers->ingest[open[index].shard], commit_atom_v);
    run();
  }
  void deliver(uint32_t shard) {
    for (auto& o : open)
      if (o.shard == shard && o.verdict)
        o.promise.deliver(std::make_shared<const outcomes>(
            o.batches->size(), ingest::outcome{*std::exchange(o.verdict, {}), {}}));
  }
  static std::string many_series() {
    std::vector<support::write_series> series;
    for (int i = 0; i < 100; ++i)
      series.push_back(
          {labels::from({{"__name__", "m"}, {"i", std::to_string(i)}}), {{1, 1.0 * i}}});
    return support::remote_write_body(series);
  }

  struct pending {
    uint32_t shard;
    batch_list_ptr batches;
    caf::typed_response_promise<outcome_list_ptr> promise;
    std::optional<status> verdict;  ///< to be told at its shard's next commit
  };
  manual_clock clk;
  registry metrics;
  remote::series_cache known{{.shards = shard_count}, clk};
  std::optional<api::api> door;
  links_ptr peers;
  receive_actor receiver;
  receive_queues queues{1};
  std::vector<pending> open;
  std::vector<http::response> answers;
};

TEST_F(ReceiveActor, AnswersWhenEveryShardHas) {
  post(many_series());
  EXPECT_EQ(queues.waiting(0), 0u);
  ASSERT_EQ(open.size(), shard_count) << "one message a shard";
  size_t samples = 0;
  for (const auto& o : open)
    for (const auto& b : *o.batches)
      samples += b->floats.size();
  EXPECT_EQ(samples, 100u);
  answer(2, {});
  answer(0, {});
  EXPECT_TRUE(answers.empty());
  answer(1, {});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status, 204);
}

TEST_F(ReceiveActor, TakesRequestsWhileOthersWaitForTheDisk) {
  post(many_series());
  post(many_series());
  EXPECT_EQ(open.size(), 2 * shard_count);
  for (size_t i = 0; i < open.size(); ++i)
    answer(i, {});
  EXPECT_EQ(answers.size(), 2u);
}

TEST_F(ReceiveActor, OneShardsFailureIsTheRequests) {
  post(many_series());
  answer(0, {});
  answer(1, {errc::no_space, "disk full"});
  answer(2, {});
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status, 503);
  EXPECT_NE(answers[0].body.find("disk full"), std::string::npos);
}

TEST_F(ReceiveActor, ASilentShardIsAnErrorInTime) {
  post(many_series());
  answer(0, {});
  answer(1, {});
  advance(std::chrono::seconds(40), std::chrono::seconds(1));
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status, 503);
}

TEST_F(ReceiveActor, WhatCannotBeReadStoresNothing) {
  post("this is not snappy");
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status, 400);
  EXPECT_TRUE(open.empty());
}

TEST_F(ReceiveActor, AStoppedOneRefuses) {
  self->request(receiver, caf::infinite, stop_atom_v);
  run();
  post(many_series());
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].status, 503);
  EXPECT_TRUE(open.empty());
}

TEST_F(ReceiveActor, AReplacedOneBeginsWithAnEmptyQueue) {
  kill(receiver);
  for (int i = 0; i < 7; ++i)
    post(many_series());
  EXPECT_EQ(queues.waiting(0), 0u) << "what came for the one before went with it";
  EXPECT_TRUE(answers.empty());
  spawn_receiver();
  run();
  post(many_series());
  ASSERT_EQ(answers.size(), 1u) << "it does not know the shards yet";
  EXPECT_EQ(answers[0].status, 503);
}

TEST(ReceiveQueues, TheShortestIsTheOneForWhomFewestWait) {
  receive_queues queues(3);
  EXPECT_EQ(queues.shortest(), 0u);
  auto first = queues.place(0), second = queues.place(0), other = queues.place(1);
  EXPECT_EQ(queues.waiting(0), 2u);
  EXPECT_EQ(queues.shortest(), 2u);
  auto third = queues.place(2);
  EXPECT_EQ(queues.shortest(), 1u);
  first.reset();
  second.reset();
  EXPECT_EQ(queues.waiting(0), 0u);
  EXPECT_EQ(queues.shortest(), 0u);
}

}  // namespace
}  // namespace troupe::actors
