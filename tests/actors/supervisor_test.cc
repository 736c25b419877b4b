#include "actors/rt/supervisor.h"

#include "tests/support/actor_fixture.h"

#include <map>
#include <string>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

class SupervisorTest : public actor_test {
 protected:
  /// A child that answers pings and stops, notes what it did, and dies of "poison".
  caf::actor spawn_child(const std::string& name) {
    ++starts[name];
    return sys.spawn([this, name](caf::event_based_actor* me) -> caf::behavior {
      me->set_exception_handler([](caf::scheduled_actor*, std::exception_ptr&) -> caf::error {
        return caf::sec::runtime_error;
      });
      return {
          [this, name, me](ping_atom) -> caf::result<pong_atom> {
            if (deaf == name)
              return me->make_response_promise();  // never answered
            return pong_atom_v;
          },
          [this, name](stop_atom) {
            stopped.push_back(name);
            return stopped_atom_v;
          },
          [](tick_atom) { throw std::runtime_error("poison"); },
      };
    });
  }

  child_spec leaf(const std::string& name, int phase = 0) {
    child_spec s;
    s.name = name;
    s.start = [this, name] { return spawn_child(name); };
    s.stop_phase = phase;
    s.heartbeat_every = 1s;
    s.heartbeat_timeout = 2s;
    return s;
  }

  void launch(std::vector<child_spec> children) {
    supervisor_options o;
    o.children = std::move(children);
    o.started = [this](const std::string& n, const caf::actor& a) { handles[n] = a; };
    o.fatal = [this](exit_code c, const std::string& why) { fatal.emplace_back(c, why); };
    o.metrics = &metrics;
    sup = sys.spawn(supervisor, std::move(o));
    run();
  }

  void poison(const std::string& name) {
    caf::anon_send(handles[name], tick_atom_v);
    run();
  }

  void TearDown() override {
    kill(sup);
    for (auto& [n, h] : handles)
      kill(h);
  }

  registry metrics;
  caf::actor sup;
  std::map<std::string, caf::actor> handles;
  std::map<std::string, int> starts;
  std::vector<std::string> stopped;
  std::vector<std::pair<exit_code, std::string>> fatal;
  std::string deaf;
};

TEST_F(SupervisorTest, RestartsALeafWithGrowingBackoff) {
  launch({leaf("scrape")});
  EXPECT_EQ(starts["scrape"], 1);
  poison("scrape");
  EXPECT_EQ(starts["scrape"], 1);
  advance(90ms);
  EXPECT_EQ(starts["scrape"], 1);
  advance(20ms);
  EXPECT_EQ(starts["scrape"], 2);
  poison("scrape");
  advance(190ms);
  EXPECT_EQ(starts["scrape"], 2);
  advance(20ms);
  EXPECT_EQ(starts["scrape"], 3);
  EXPECT_TRUE(fatal.empty());
}

TEST_F(SupervisorTest, DeathOfACoreActorEndsTheProcess) {
  auto core = leaf("ingest");
  core.leaf = false;
  launch({core, leaf("scrape")});
  poison("ingest");
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_EQ(fatal[0].first, exit_code::core_actor_died);
  EXPECT_NE(fatal[0].second.find("ingest"), std::string::npos);
}

TEST_F(SupervisorTest, SpentRestartBudgetEndsTheProcess) {
  launch({leaf("scrape")});
  for (int i = 0; i < 11 && fatal.empty(); ++i) {
    poison("scrape");
    for (int waited = 0; waited < 1200 && !handles["scrape"]; ++waited)
      advance(10ms);
    int before = starts["scrape"];
    while (starts["scrape"] == before && fatal.empty() && starts["scrape"] < i + 2)
      advance(100ms, 100ms);
  }
  ASSERT_EQ(fatal.size(), 1u);
  EXPECT_NE(fatal[0].second.find("restart budget"), std::string::npos);
}

TEST_F(SupervisorTest, AMuteChildIsReplaced) {
  launch({leaf("http")});
  deaf = "http";
  advance(1100ms);  // the ping goes out
  EXPECT_EQ(starts["http"], 1);
  deaf.clear();
  advance(2500ms);  // no answer for 2 s, then 100 ms back-off
  EXPECT_EQ(starts["http"], 2);
  EXPECT_TRUE(fatal.empty());
}

TEST_F(SupervisorTest, StopsPhaseByPhase) {
  launch({leaf("ingest", 3), leaf("router", 2), leaf("scrape", 1), leaf("http", 0)});
  bool done = false;
  auto answer = self->request(sup, 10s, stop_atom_v);
  run();
  answer.receive([&](stopped_atom) { done = true; }, [](caf::error&) {});
  EXPECT_TRUE(done);
  EXPECT_EQ(stopped, (std::vector<std::string>{"http", "scrape", "router", "ingest"}));
}

}  // namespace
}  // namespace troupe::actors
