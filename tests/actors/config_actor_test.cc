#include "actors/config_actor.h"

#include "config/config.h"
#include "tests/support/actor_fixture.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <string>
#include <vector>

namespace troupe::actors {
namespace {

using namespace std::chrono_literals;

class ConfigActorTest : public actor_test {
 protected:
  config_actor start(std::chrono::milliseconds every) {
    config_params p;
    p.load = [this]() -> result<config_ptr> {
      ++loads;
      if (!broken.empty())
        return {errc::invalid_argument, broken};
      return std::make_shared<const config::config>();
    };
    p.initial = std::make_shared<const config::config>();
    p.checksum = [this] { return sum; };
    p.initial_checksum = *sum;
    p.auto_reload_every = every;
    p.accepted = [this](const config_ptr&) { ++accepted; };
    p.attempted = [this](bool ok) { attempts.push_back(ok); };
    p.metrics = &metrics;
    p.clk = &clk;
    actor_ = sys.spawn(configuration, p);
    run();
    return actor_;
  }
  // Its timer would keep it, and the system waits for all actors.
  void TearDown() override { kill(actor_); }
  status reload(const config_actor& a) {
    auto request = self->request(a, caf::infinite, reload_atom_v);
    run();
    status out;
    request.receive([&](const status_ptr& s) { out = *s; },
                    [](caf::error& e) { FAIL() << to_string(e); });
    return out;
  }
  double last_reload_ok() {
    return metrics.get_gauge("troupe_config_last_reload_successful", "").value();
  }

  config_actor actor_;
  manual_clock clk{1'000};
  registry metrics;
  result<uint64_t> sum{uint64_t{1}};
  std::string broken;
  int loads = 0, accepted = 0;
  std::vector<bool> attempts;
};

TEST_F(ConfigActorTest, AChangedChecksumReloadsOnce) {
  start(30s);
  advance(5min, 1s);
  EXPECT_EQ(loads, 0) << "nothing changed";
  sum = uint64_t{2};
  advance(29s, 1s);
  EXPECT_EQ(loads, 0) << "not before the interval is over";
  advance(1s, 1s);
  EXPECT_EQ(accepted, 1);
  advance(5min, 1s);
  EXPECT_EQ(loads, 1);
}

TEST_F(ConfigActorTest, ABrokenFileLeavesTheOldConfigurationAndIsTriedAgain) {
  start(30s);
  broken = "c.yml:1:1: no";
  sum = uint64_t{2};
  advance(90s, 1s);
  EXPECT_EQ(attempts, (std::vector<bool>{false, false, false}));
  EXPECT_EQ(accepted, 0);
  EXPECT_EQ(last_reload_ok(), 0);
  broken.clear();
  advance(90s, 1s);
  EXPECT_EQ(attempts, (std::vector<bool>{false, false, false, true}));
  EXPECT_EQ(accepted, 1);
  EXPECT_EQ(last_reload_ok(), 1);
}

TEST_F(ConfigActorTest, FilesThatCannotBeSummedUpAreTried) {
  start(30s);
  sum = status(errc::not_found, "c.yml");
  broken = "c.yml: no such file";
  advance(60s, 1s);
  EXPECT_EQ(attempts, (std::vector<bool>{false, false}));
  sum = uint64_t{1};
  broken.clear();
  advance(60s, 1s);
  EXPECT_EQ(loads, 2) << "what is in force was back";
}

TEST_F(ConfigActorTest, AReloadByHandTakesTheChangeOver) {
  auto a = start(30s);
  sum = uint64_t{2};
  EXPECT_TRUE(reload(a).ok());
  advance(90s, 1s);
  EXPECT_EQ(loads, 1);
  broken = "no";
  EXPECT_EQ(reload(a).message(), "no");
  advance(90s, 1s);
  EXPECT_EQ(loads, 2);
}

TEST_F(ConfigActorTest, WithoutTheFeatureNobodyLooks) {
  start(0s);
  sum = uint64_t{2};
  advance(5min, 1s);
  EXPECT_EQ(loads, 0);
}

}  // namespace
}  // namespace troupe::actors
