// Topics into shards as an actor: what is in the topic is stored, a stop waits for what is being
// stored, and rules hear how far it is.
#include "actors/consume_actor.h"

#include "config/config.h"
#include "tests/support/actor_fixture.h"
#include "tests/support/remote_write_body.h"
#include "tests/support/sim_file_system.h"
#include "tests/support/sim_kafka.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <memory>
#include <string>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

class ConsumeActorTest : public actor_test {
 protected:
  void SetUp() override {
    cluster.make("metrics", 2);
    auto all = std::make_shared<links>();
    all->ingest.push_back(sys.spawn([this](ingest_actor::pointer) {
      return ingest_actor::behavior_type{
          [](ping_atom) { return pong_atom_v; },
          [](stop_atom) { return stopped_atom_v; },
          [this](put_atom, const batch_list_ptr& batches, bool awaited) -> outcome_list_ptr {
            EXPECT_TRUE(awaited);
            for (const auto& b : *batches)
              stored += storing.ok() ? b->sample_count() : 0;
            return std::make_shared<const std::vector<ingest::outcome>>(
                batches->size(), ingest::outcome{storing, {}});
          },
          [](commit_atom) {},
          [](sync_atom) {},
          [](replay_atom) {},
      };
    }));
    peers = all;
    consume_params p;
    p.env.files = &disk;
    p.env.metrics = &metrics;
    p.env.kafka = &cluster;
    p.env.folder = "data/consume";
    p.env.quarantine = "data/quarantine/kafka";
    p.store = {1, &metrics, {}, {}};
    p.clk = &clk;
    p.marks.marks = &marks;
    consumer = sys.spawn(consuming, p);
    auto c = std::make_shared<config::config>();
    c->own.kafka.emplace_back().name = "main";
    auto& block = c->own.consume.emplace_back();
    block.name = "east";
    block.kafka = "main";
    block.topic = "metrics";
    caf::anon_send(consumer, links_atom_v, peers);
    caf::anon_send(consumer, config_atom_v, config_ptr(c));
    run();
  }
  void TearDown() override {
    kill(consumer);
    kill(peers->ingest[0]);
    peers.reset();
  }

  void write(int n = 1) {
    for (int i = 0; i < n; ++i) {
      const auto lset = labels::from({{"__name__", "m"}, {"n", std::to_string(i)}});
      cluster.append("metrics", static_cast<uint32_t>(i % 2), clk.now_ms(),
                     support::remote_write_body({{lset, {{clk.now_ms(), 1}}}}));
    }
  }
  void pass(std::chrono::milliseconds time) {
    for (auto t = 0ms; t < time; t += 10ms) {
      clk.advance_ms(10);
      advance(10ms, 10ms);
    }
  }

  support::sim_file_system disk{1};
  support::sim_kafka cluster;
  manual_clock clk;
  registry metrics;
  ingest::input_marks marks;
  consume_actor consumer;
  links_ptr peers;
  size_t stored = 0;
  status storing;
};

TEST_F(ConsumeActorTest, WhatIsInTheTopicIsStoredAndRulesWaitForIt) {
  pass(100ms);
  write(10);
  const auto now = clk.now_ms();
  pass(100ms);
  EXPECT_EQ(stored, 10u);
  EXPECT_EQ(marks.complete_until(clk.now_ms()), now);
  storing = {errc::unavailable, "starting"};
  write(2);
  pass(500ms);
  EXPECT_EQ(stored, 10u);
  storing = {};
  pass(6000ms);
  EXPECT_EQ(stored, 12u);
}

TEST_F(ConsumeActorTest, MuchIsReadWithoutWaiting) {
  cluster.records_a_poll = 2000;
  write(20'000);
  pass(200ms);
  EXPECT_EQ(stored, 20'000u);
}

TEST_F(ConsumeActorTest, AStopIsAnsweredAndNothingIsReadAfterIt) {
  write();
  pass(100ms);
  self->request(consumer, caf::infinite, stop_atom_v);
  run();
  EXPECT_TRUE(self->has_next_message());
  write();
  pass(1000ms);
  EXPECT_EQ(stored, 1u);
  EXPECT_EQ(disk.files("data/consume").size(), 1u);
}

}  // namespace
}  // namespace troupe::actors
