#include "actors/publish_actor.h"

#include "config/config.h"
#include "storage/wal/wal_door.h"
#include "tests/storage/wal/wal_kit.h"
#include "tests/support/actor_fixture.h"
#include "tests/support/sim_kafka.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

class PublishActorTest : public actor_test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(log.start().ok());
    door = std::make_unique<storage::wal_door>(*log.dir);
    publish_params p;
    p.env.log = door.get();
    p.env.files = &log.fs;
    p.env.metrics = &metrics;
    p.env.kafka = &kafka;
    p.env.described = [] { return std::vector<std::pair<std::string, metadata>>(); };
    p.env.folder = "data/publish";
    p.clk = &log.clk;
    actor_ = sys.spawn(publishing, p);
    auto c = std::make_shared<config::config>();
    c->own.kafka.emplace_back().name = "k";
    c->own.publish.push_back({"p", "k", "t", {}, {}});
    c->own.publish[0].partitions = 1;
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
  double samples() {
    return metrics.get_counter("troupe_kafka_publish_samples_total", "", {{"publication", "p"}})
        .value();
  }

  storage::log_fixture log{1};
  std::unique_ptr<storage::wal_door> door;
  registry metrics;
  support::sim_kafka kafka;
  publish_actor actor_;
  timestamp_ms ts_ = 1'700'000'000'000;
};

TEST_F(PublishActorTest, PublishesWhatIsCommitted) {
  write();
  pass(1000ms);
  EXPECT_EQ(samples(), 1);
  write();
  pass(1000ms);
  EXPECT_EQ(samples(), 2);
  ASSERT_NE(kafka.find("t"), nullptr);
}

TEST_F(PublishActorTest, StopHandsOverWhatWasReadButDoesNotWaitForEver) {
  pass(1000ms);
  write();
  pass(150ms);
  EXPECT_EQ(samples(), 0);
  kafka.reachable = false;
  self->request(actor_, caf::infinite, stop_atom_v);
  run();
  pass(500ms);
  EXPECT_FALSE(self->has_next_message());
  kafka.reachable = true;
  pass(100ms);
  EXPECT_TRUE(self->has_next_message());
  EXPECT_EQ(samples(), 1);
}

TEST_F(PublishActorTest, StopEndsAtItsDeadline) {
  pass(1000ms);
  kafka.reachable = false;
  write();
  pass(500ms);
  self->request(actor_, caf::infinite, stop_atom_v);
  run();
  pass(1000ms);
  EXPECT_FALSE(self->has_next_message());
  pass(700ms);
  EXPECT_TRUE(self->has_next_message());
}

}  // namespace
}  // namespace troupe::actors
