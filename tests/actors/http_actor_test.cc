#include "actors/http_actor.h"

#include "storage/base/clock.h"
#include "tests/support/actor_fixture.h"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <optional>
#include <vector>

namespace troupe::actors {
namespace {

// A bridge with one worker that keeps what it gets until the test takes it.
class HttpActor : public actor_test {
 protected:
  HttpActor() {
    api::services s;
    s.clk = &clk;
    s.metrics = &metrics;
    s.not_ready = [] { return std::string(); };
    door.emplace(std::move(s));
  }
  void SetUp() override {
    auto all = std::make_shared<links>();
    for (size_t i = 0; i < 3; ++i)
      all->query.push_back(sys.spawn([this](query_actor::pointer) {
        return query_actor::behavior_type{
            [](ping_atom) { return pong_atom_v; },
            [](stop_atom) { return stopped_atom_v; },
            [this](call_atom, const http_call_ptr& call) { working.push_back(call); },
            [](links_atom, const links_ptr&) {},
        };
      }));
    http_params p;
    p.api = &*door;
    p.clk = &clk;
    p.metrics = &metrics;
    p.query_workers = 3;
    p.reserve_workers = 0;
    p.read_limit = 2;
    p.max_queue = 3;
    p.render_config = [](const config_ptr&) { return std::string(); };
    bridge = sys.spawn(http_bridge, p);
    peers = all;
    caf::anon_send(bridge, links_atom_v, peers);
    run();
  }
  void TearDown() override {
    working.clear();
    run();
    kill(bridge);
    for (const auto& worker : peers->query)
      kill(worker);
    peers.reset();
  }

  void post(std::string path) {
    auto call = std::make_shared<http_call>();
    call->request.method = "POST";
    call->request.path = std::move(path);
    call->respond = [this](http::response&& r) { codes.push_back(r.status); };
    call->route = door->find(call->request).to;
    ASSERT_NE(call->route, nullptr);
    caf::anon_send(bridge, call_atom_v, call);
    run();
  }
  /// The worker is done; what it answered with may go on.
  std::shared_ptr<const void> finish(size_t index) {
    auto call = working.at(index);
    working.erase(working.begin() + static_cast<ptrdiff_t>(index));
    auto permit = call->gathered.permit;
    caf::anon_send(bridge, free_atom_v, call->worker);
    call.reset();
    run();
    return permit;
  }

  manual_clock clk;
  registry metrics;
  std::optional<api::api> door;
  http_actor bridge;
  links_ptr peers;
  std::vector<http_call_ptr> working;
  std::vector<int> codes;
};

TEST_F(HttpActor, RemoteReadsWaitForEachOtherAndForTheirStreams) {
  for (int i = 0; i < 6; ++i)
    post("/api/v1/read");
  EXPECT_EQ(working.size(), 2u) << "a third worker is idle";
  EXPECT_EQ(codes, std::vector<int>{503}) << "three wait, the sixth is too much";
  post("/api/v1/query");
  EXPECT_EQ(working.size(), 3u) << "queries do not wait for them";
  auto stream = finish(0);
  EXPECT_EQ(working.size(), 2u) << "its stream is not over";
  stream.reset();
  run();
  EXPECT_EQ(working.size(), 3u);
  (void)finish(0);
  run();
  EXPECT_EQ(working.size(), 3u);
}

TEST_F(HttpActor, WaitingReadsAreAnsweredWhenItStops) {
  for (int i = 0; i < 4; ++i)
    post("/api/v1/read");
  self->request(bridge, caf::infinite, stop_atom_v);
  run();
  EXPECT_EQ(codes, (std::vector<int>{503, 503}));
}

}  // namespace
}  // namespace troupe::actors
